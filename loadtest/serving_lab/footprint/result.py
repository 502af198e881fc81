"""What services cost to hold: one file, from which table and report are made.

Times are in seconds and sizes in bytes, unless a name says otherwise. None: not measured, or unknown.
"""

from typing import ClassVar, Literal

import msgspec

from serving_lab.results.envelope import Decoded, Envelope, Format

Milestone = Literal["ready", "answered"]
MILESTONES: dict[Milestone, str] = {"ready": "says that it is ready", "answered": "first right answer"}
"""What a start reaches, in this order, and what that is called."""


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """A sample of numbers, summed up."""

    count: int
    median: float
    lowest: float
    highest: float
    quartiles: tuple[float, float]
    """The middle half lies between them; interpolated linearly."""

    @property
    def interquartile_range(self) -> float:
        """How wide the middle half is."""
        return self.quartiles[1] - self.quartiles[0]


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """A layer of an image."""

    created_by: str
    """The instruction that made it."""
    size_bytes: int
    """Unpacked, as the engine counts it."""
    compressed_bytes: int
    """Packed with gzip, as a registry hands it out."""
    of_base: bool | None
    """Whether the base image has it, too; None where the base is not known."""


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image and how large it is."""

    reference: str
    id: str
    base: str | None
    """Its base image; None where none is named or the engine has it not."""
    total_bytes: int
    """Unpacked."""
    over_base_bytes: int | None
    """Unpacked, without the base's layers."""
    compressed_bytes: int
    """What a machine downloads that has none of its layers."""
    compressed_over_base_bytes: int | None
    """What a machine downloads that has the base."""
    layers: list[Layer]
    """Those with content, from the bottom to the top."""


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """One start of a target."""

    pair: int
    """Counted from 1; starts of the same pair follow each other and get the same first request."""
    position: int
    """In which order within the pair, counted from 1."""
    seconds: dict[Milestone, float]
    """When it reached each milestone; 0 is when its container was created, or natively when its process began."""


class StartUp(msgspec.Struct, frozen=True, kw_only=True):
    """How long a target takes from nothing to its first right answer."""

    starts: list[Start]
    milestones: dict[Milestone, Spread]
    """Since 0, not since the milestone before."""


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh instance of a target: left alone until its memory was steady, then loaded. None: unknown."""

    number: int
    """Counted from 1; in a round every target gets the same requests."""
    position: int
    """In which order within the round, counted from 1."""
    settled: bool
    """Whether the memory was steady before the time for that was over."""
    settling_seconds: float
    idle_cgroup_bytes: int | None
    """What the control group is charged, without load."""
    idle_pss_bytes: int | None
    """Sum of the proportional set sizes of all processes, without load."""
    loaded_cgroup_bytes: int | None
    """Median over the load."""
    loaded_pss_bytes: int | None
    peak_cgroup_bytes: int | None
    """Largest reading from the settled state to the end of the load."""
    peak_pss_bytes: int | None
    cpu_seconds: float | None
    """CPU time used from the start to the end of the load."""
    answered: int
    """Right answers, lead-in included: what the CPU time was used for."""
    wrong: dict[str, int]
    """What was wrong with others, and how often."""
    sent_again: int = 0
    """Requests that met a connection which the target was closing because it had been idle; they count once."""
    seconds: float
    """How long the load took."""
    workers: int | None
    """Worker processes: what the service says, else the first process's children."""
    source: str
    """Where the readings came from, such as `its own metrics`."""

    @property
    def cpu_seconds_per_1000(self) -> float | None:
        """CPU time for a thousand right answers."""
        return self.cpu_seconds / self.answered * 1000 if self.cpu_seconds is not None and self.answered else None


class CodeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is written for a target, counted. Lines of code are those without blank lines, comments and docstrings."""

    folders: list[str]
    """Below the file that names them."""
    without: list[str] = []
    """What of them was not counted, because it is for what the other targets do not have."""
    files: int
    lines: dict[str, int]
    """Lines of code by language; of other languages than Python, lines that are not blank."""
    validation: list[str]
    """What of it checks requests: files, or `file:name` of a function or class."""
    validation_lines: int | None
    """Lines of code of that; None where nothing is named."""
    docstring_lines: int
    functions: int
    annotated_functions: int
    """Those whose arguments and result all have a type."""
    type_errors: int | None
    """What `mypy --strict` finds; None: mypy is not installed or was switched off, or there is no Python."""
    documented_operations: int | None
    """Operations in the OpenAPI document that the service serves; 0: it serves none; None: not asked."""

    @property
    def all_lines(self) -> int:
        """Lines of code in all languages."""
        return sum(self.lines.values())

    @property
    def annotated_share(self) -> float | None:
        """Share of functions with all their types."""
        return self.annotated_functions / self.functions if self.functions else None


class TargetFootprint(msgspec.Struct, frozen=True, kw_only=True):
    """A service or an image. The first of a result is the baseline."""

    name: str
    label: str | None = None
    """What people call it; None: its name."""
    colour: str | None = None
    """Of its marks and lines, such as `#e0751a`; None: the report chooses one."""
    image: Image | None
    """None natively."""
    start_up: StartUp | None
    rounds: list[Round]
    code: CodeFacts | None


class RatioToBaseline(msgspec.Struct, frozen=True, kw_only=True):
    """How much a candidate took compared with the baseline, over the pairs of both."""

    measure: str
    """`start:ready`, `start:answered`, or the name of a number of `Round`, such as `idle_pss_bytes`."""
    baseline: str
    candidate: str
    pairs: int
    ratio: float
    """Geometric mean of candidate / baseline; 1.1 is a tenth more."""
    low: float | None
    """Ends of its interval (paired t of the logarithms); None with fewer than three pairs."""
    high: float | None
    confidence: float
    """Level of this one interval. Those of a measure hold together with 95% for all candidates."""


class RoundLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What every target got in each round, in an open loop."""

    rate: float
    """Requests/s."""
    seconds: float
    connections: int
    requests: dict[str, float]
    """Names and their shares."""


def _from_version_1(document: Decoded) -> Decoded:
    machine = dict(document["machine"])
    return {
        **document,
        "machine": machine,
        "engine": machine.pop("engine"),
        "targets": [_target_from_version_1(target) for target in document["targets"]],
        "ratios": [{**each, "confidence": 0.95} for each in document["differences"]],
    }


def _target_from_version_1(target: Decoded) -> Decoded:
    start_up = target["start_up"]
    return {**target, "start_up": start_up and {**start_up, "milestones": start_up["stages"]}}


class FootprintResult(Envelope, frozen=True, kw_only=True):
    """Everything a report is made from."""

    file_format: ClassVar[Format] = Format(
        "serving-lab.footprint/2", command="footprint", earlier={"lab.footprint/1": _from_version_1}
    )

    schema: str = file_format.schema
    mode: Literal["containers", "native"]
    engine: str | None
    """The container engine and its version; None: none was used."""
    load: RoundLoad | None
    """None where nothing was loaded."""
    targets: list[TargetFootprint]
    ratios: list[RatioToBaseline]

    @property
    def baseline(self) -> TargetFootprint:
        """What the others are compared with."""
        return self.targets[0]
