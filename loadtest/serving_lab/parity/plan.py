"""What is compared with what, and how thoroughly."""

from dataclasses import dataclass

from serving_lab.api.endpoint import Endpoint
from serving_lab.parity.cases import Steps, is_raw
from serving_lab.parity.examination.noise_book import Learned
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.inputs.recorded import Recording

NOISE_PASSES = 3
"""How often the corpus is sent to each side to learn its noise."""


@dataclass(frozen=True)
class ParityPlan:
    """One comparison."""

    primary: Endpoint
    candidate: Endpoint
    profile: Profile
    second_primary: Endpoint | None = None
    """Another instance of the primary to learn the noise from; by default the same one again."""
    described_by: Endpoint | None = None
    """The service whose OpenAPI document describes the API; by default the candidate."""
    recordings: tuple[Recording, ...] = ()
    generate: int = 1000
    """Requests to generate."""
    repeat: int = 1
    """How often the corpus is sent."""
    seed: int = 0
    require_success: bool = False
    """Whether each operation must answer 2xx at least once."""
    noise: Learned | None = None
    """What an earlier `learn` found of both; by default it is learned first."""

    @property
    def corpus(self) -> list[Steps]:
        """The profile's cases and sequences, raw ones last."""
        return sorted([*((case,) for case in self.profile.cases), *self.profile.sequences], key=is_raw)

    @property
    def requests(self) -> int:
        """About how many there will be to a side, as far as is known before the OpenAPI document is read."""
        passes = 2 * NOISE_PASSES + (self.second_primary is not None) + self.repeat
        once = len(self.profile.described) + sum(len(recording.cases) for recording in self.recordings) + self.generate
        return passes * len(self.corpus) + once
