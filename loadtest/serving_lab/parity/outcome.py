"""What a comparison found, before anybody puts it into words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from serving_lab.parity.examination.noise_book import NoisyField
from serving_lab.parity.ledger import Ledger
from serving_lab.parity.plan import ParityPlan
from serving_lab.results.envelope import Metadata

Verdict = Literal["same", "different", "cannot tell"]


@dataclass(frozen=True)
class Outcome:
    """One comparison, over or stopped."""

    plan: ParityPlan
    metadata: Metadata
    seconds: float
    ledger: Ledger
    noise: Sequence[NoisyField]
    servers: Mapping[str, str | None]
    """What the Server header of each service says, by role: `primary`, `candidate`, `second primary`."""
    warnings: Sequence[str]
    stopped: str = ""
    """Why it ended early; empty if it did not."""

    @property
    def verdict(self) -> Verdict:
        """Silence is not a pass: nothing compared, or nothing comparable, is not the same."""
        if self.ledger.cause_count:
            return "different"
        if self.stopped or self.ledger.unsteady or not self.ledger.requests:
            return "cannot tell"
        return "same"
