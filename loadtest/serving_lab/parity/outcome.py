"""What a comparison found, before anybody puts it into words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from serving_lab.parity.examination.noise_book import NoisyField
from serving_lab.parity.ledger import Ledger
from serving_lab.parity.plan import ParityPlan
from serving_lab.results.envelope import Metadata
from serving_lab.text.secrets import Secrets

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
    documented: frozenset[str] = frozenset()
    """The operations of the OpenAPI document."""
    secrets: Secrets = field(default_factory=Secrets)
    """What reports must not show: what the profile took from the environment, and what signing in gave."""
    stopped: str = ""
    """Why it ended early; empty if it did not."""

    @property
    def unsuccessful(self) -> list[str]:
        """The operations that never answered 2xx."""
        return self.ledger.coverage.unsuccessful(self.documented)

    @property
    def verdict(self) -> Verdict:
        """Silence is not a pass: nothing compared, nothing comparable, or nobody let in, is not the same."""
        if self.ledger.cause_count:
            return "different"
        coverage = self.ledger.coverage
        if coverage.nobody_let_in or coverage.never_compared or (self.plan.require_success and self.unsuccessful):
            return "cannot tell"
        if self.stopped or self.ledger.unsteady or not self.ledger.requests:
            return "cannot tell"
        return "same"
