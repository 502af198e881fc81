"""What is asked of a rollout."""

from dataclasses import dataclass, field
from pathlib import Path

from serving_lab.gateway.control import Control
from serving_lab.gateway.tap_launcher import TapLauncher
from serving_lab.parity.judgement.judge import Judging
from serving_lab.rollout.pairs import Moves


@dataclass(frozen=True)
class Service:
    """A service behind the gateway."""

    name: str
    url: str
    """As it is reached from here."""


@dataclass(frozen=True)
class RolloutOptions:
    """What is asked for."""

    control: Control
    primary: Service
    candidate: Service
    file: Path | None
    """Of the stages."""
    output: Path
    judging: Judging = field(default_factory=Judging)
    templates: tuple[str, ...] = ()
    """Documented paths of the API."""
    description: Path | None = None
    """Of the API, for the tap."""
    model: str | None = None
    """The version of the model that the candidate serves, where that is what is rolled out."""
    moves: Moves | None = None
    """Judges how far answers moved that are meant to; None: none are."""
    tap: TapLauncher | None = None
    """What runs one; None: nothing is mirrored."""
    approve: bool = False
    yes: bool = False
