"""One measurement: what is done, in which order, and the result of as much of it as was done."""

import contextlib
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from serving_lab.errors import LabError
from serving_lab.experiment import wording
from serving_lab.experiment.arms import LoadDriver
from serving_lab.experiment.order import blocks
from serving_lab.experiment.targets import Target as Answering
from serving_lab.experiment.verify import verify
from serving_lab.footprint import code, document, images, rounds, starting
from serving_lab.footprint.inputs import Inputs
from serving_lab.footprint.launching import address
from serving_lab.footprint.result import (
    MILESTONES,
    CodeFacts,
    FootprintResult,
    Image,
    Round,
    RoundLoad,
    Start,
    StartUp,
    TargetFootprint,
)
from serving_lab.footprint.starting import Subject
from serving_lab.footprint.statistics import ratios_to_baseline, spread
from serving_lab.footprint.subjects import Chosen
from serving_lab.generator.fleet import Fleet
from serving_lab.generator.messages import Open
from serving_lab.results.envelope import Metadata
from serving_lab.stack.base import Mode
from serving_lab.stack.engine import Engine
from serving_lab.text.progress import Progress
from serving_lab.wire.ports import free_port

_IMAGE_SECONDS, _REHEARSAL_SECONDS, _START_SECONDS, _CODE_SECONDS = 8.0, 5.0, 3.0, 15.0
_ROUND_SECONDS = 9.0
"""Of a round besides its load."""
_SHARED = "the lab's own services run beside: pages of files that they map, too, count in PSS by their share alone"
_MEASURED_WITH = ("mypy",)


@dataclass(frozen=True)
class FootprintPlan:
    """How much is done."""

    starts: int
    """Of each target."""
    rounds: int
    seconds: float
    """Length of the load of a round."""
    seed: int
    type_check: bool = True
    """Whether mypy looks at the code."""


class FootprintMeasurement:
    """Measures targets; what was measured is kept after an interruption."""

    def __init__(self, targets: Sequence[Chosen], inputs: Inputs | None, plan: FootprintPlan, mode: Mode) -> None:
        self._targets = list(targets)
        self._subjects = [target.subject for target in targets if target.subject]
        self._speaking = {target.name for target in targets if target.subject and target.speaks}
        self._inputs = inputs
        self._plan = plan
        self._mode = mode
        self._chance = random.Random(plan.seed)  # noqa: S311 - reproducible, not secret
        self._images: dict[str, Image] = {}
        self._starts: dict[str, list[Start]] = {target.name: [] for target in targets}
        self._rounds: dict[str, list[Round]] = {target.name: [] for target in targets}
        self._operations: dict[str, int] = {}
        self._code: dict[str, CodeFacts] = {}
        self._warnings: list[str] = []
        self._done = False
        self._metadata = Metadata.begin(_MEASURED_WITH)

    @property
    def expected_seconds(self) -> float:
        """About how long it takes."""
        coded = sum(target.code is not None for target in self._targets)
        weighed = sum(target.image is not None for target in self._targets)
        each = self._plan.starts * _START_SECONDS + _REHEARSAL_SECONDS
        loaded = self._plan.rounds * (self._plan.seconds + _ROUND_SECONDS) * len(self._loaded())
        typed = coded * _CODE_SECONDS * self._plan.type_check
        return typed + weighed * _IMAGE_SECONDS + len(self._subjects) * each + loaded

    @property
    def has_begun(self) -> bool:
        """Whether anything was measured."""
        return bool(self._images or any(self._starts.values()) or any(self._rounds.values()) or self._code)

    def run(self, progress: Progress) -> None:
        """Measure everything.

        Raises:
            LabError: something cannot be measured.
        """
        self._weigh(progress)
        self._rehearse(progress)
        self._time_starts(progress)
        self._load(progress)
        self._read_code(progress)
        self._done = True

    def result(self) -> FootprintResult:
        """Return what was measured."""
        targets = [self._result_of(target) for target in self._targets]
        load = self._inputs.load if self._inputs else None
        loaded = any(target.rounds for target in targets)
        return FootprintResult(
            started=self._metadata.started,
            seconds=self._metadata.seconds,
            partial=not self._done,
            seed=self._plan.seed,
            revision=self._metadata.revision,
            revision_unknown=self._metadata.revision_unknown,
            machine=self._metadata.machine,
            versions=self._metadata.versions,
            warnings=[*self._warnings, *_doubts(targets)],
            mode="native" if self._mode is Mode.NATIVE else "containers",
            engine=_engine() if self._mode is Mode.CONTAINERS else None,
            load=RoundLoad(
                rate=load.loop.rate,
                seconds=self._plan.seconds,
                connections=load.connections,
                requests={name: weight / sum(load.requests.values()) for name, weight in load.requests.items()},
            )
            if load and loaded and isinstance(load.loop, Open)
            else None,
            targets=targets,
            ratios=ratios_to_baseline(targets),
        )

    def _weigh(self, progress: Progress) -> None:
        wanted = {target.name: target.image for target in self._targets if target.image}
        if wanted:
            progress.phase(f"weighing {', '.join(wanted)}")
            self._images, warnings = images.measure(wanted)
            self._warnings += warnings
            progress.advance(_IMAGE_SECONDS * len(wanted))

    def _rehearse(self, progress: Progress) -> None:
        """Start every target once, all at once: files come into memory, tokens are given, answers are checked."""
        if not self._subjects:
            return
        progress.phase(f"trying {', '.join(subject.name for subject in self._subjects)}")
        with contextlib.ExitStack() as running:
            answering = [self._signed_in(subject, running) for subject in self._subjects]
            speaking = [each for each in answering if each.name in self._speaking]
            inputs = self._inputs
            if inputs and inputs.api and inputs.first and speaking:
                verify(speaking, [inputs.first], inputs.api.values, self._plan.seed)
            for each in speaking:
                if inputs:
                    self._operations[each.name] = document.documented_operations(each.endpoint, inputs.document)
        signed_in = {each.name: each.variables for each in speaking}
        self._subjects = [replace(each, variables=signed_in.get(each.name)) for each in self._subjects]
        progress.advance(_REHEARSAL_SECONDS * len(self._subjects))

    def _signed_in(self, subject: Subject, running: contextlib.ExitStack) -> Answering:
        port = free_port()
        endpoint = address(port)
        launched = running.enter_context(subject.launcher.launch(port))
        starting.wait_until_ready(subject, launched, endpoint)
        target = subject.at(endpoint)
        api = self._inputs.api if self._inputs else None
        return target.signed_in(api.sign_in) if api and subject.name in self._speaking else target

    def _time_starts(self, progress: Progress) -> None:
        inputs = self._inputs
        first = (inputs.first, inputs.api) if inputs and inputs.first and inputs.api else None
        for pair, order in enumerate(self._blocks(self._subjects, self._plan.starts), start=1):
            progress.phase(f"start {pair} of {self._plan.starts}")
            for position, subject in enumerate(order, start=1):
                started = starting.start(subject, first, self._seed(pair))
                self._starts[subject.name].append(Start(pair=pair, position=position, seconds=started.seconds))
                told = f"{subject.name}: every instance wants a sign-in of its own, which is in its first right answer"
                if started.signed_in and told not in self._warnings:
                    self._warnings.append(told)
                progress.advance(_START_SECONDS)

    def _load(self, progress: Progress) -> None:
        inputs, loaded = self._inputs, self._loaded()
        if not loaded or not self._plan.rounds or not inputs or not inputs.api or not inputs.load:
            return
        with Fleet() as fleet:
            plan = rounds.RoundPlan(LoadDriver(fleet, (), inputs.api), inputs.load, self._plan.seconds, inputs.metrics)
            for number, order in enumerate(self._blocks(loaded, self._plan.rounds), start=1):
                progress.phase(f"memory and CPU time, round {number} of {self._plan.rounds}")
                for position, subject in enumerate(order, start=1):
                    found = rounds.measure(plan, subject, number=number, position=position, seed=self._seed(number))
                    self._rounds[subject.name].append(found)
                    progress.advance(self._plan.seconds + _ROUND_SECONDS)
        if any(target.of_lab for target in self._targets):
            self._warnings.append(_SHARED)

    def _read_code(self, progress: Progress) -> None:
        for target in self._targets:
            if target.code:
                progress.phase(f"reading the code of {target.name}")
                operations = self._operations.get(target.name)
                found = code.count(target.code, target.folder, operations, type_check=self._plan.type_check)
                self._code[target.name] = found
                progress.advance(_CODE_SECONDS * self._plan.type_check)

    def _loaded(self) -> list[Subject]:
        if self._inputs is None or self._inputs.load is None:
            return []
        return [subject for subject in self._subjects if subject.name in self._speaking]

    def _blocks(self, subjects: Sequence[Subject], count: int) -> Iterator[list[Subject]]:
        return itertools.islice(blocks(subjects, self._chance), count)

    def _seed(self, number: int) -> int:
        return self._plan.seed * 10_000 + number

    def _result_of(self, target: Chosen) -> TargetFootprint:
        starts = self._starts[target.name]
        reached = [name for name in MILESTONES if starts and all(name in each.seconds for each in starts)]
        return TargetFootprint(
            name=target.name,
            label=target.label,
            colour=target.colour,
            image=self._images.get(target.name),
            start_up=StartUp(
                starts=starts, milestones={name: spread([each.seconds[name] for each in starts]) for name in reached}
            )
            if starts
            else None,
            rounds=self._rounds[target.name],
            code=self._code.get(target.name),
        )


def _doubts(targets: Sequence[TargetFootprint]) -> Iterator[str]:
    """What makes rounds less than they seem."""
    for target in targets:
        if unsettled := sum(not each.settled for each in target.rounds):
            of = f"in {unsettled} of {len(target.rounds)} rounds"
            yield f"{target.name}: its memory was not steady before the load {of}"
        for wrong in sorted({wrong for each in target.rounds for wrong in each.wrong}):
            count = sum(each.wrong.get(wrong, 0) for each in target.rounds)
            yield f"{target.name}: {count:,} wrong answers under load: {wrong}"
        yield from wording.of_sent_again((target.name, each.sent_again) for each in target.rounds)
        if any(each.idle_pss_bytes is None and each.idle_cgroup_bytes is None for each in target.rounds):
            yield f"{target.name}: nothing says how much memory it uses"


def _engine() -> str | None:
    try:
        return f"Docker {Engine.find().version}"
    except LabError:
        return None
