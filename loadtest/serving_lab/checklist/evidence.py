"""What results and runs of tests say for an item: the newest of each kind that is about the right services."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from serving_lab.bench.result import BenchResult
from serving_lab.checklist.folder import Folder
from serving_lab.checklist.items import BenchAsked, Evidence, FootprintAsked, ParityAsked, TestsAsked
from serving_lab.checklist.junit import Case, Outcome
from serving_lab.checklist.subject import Service, Subject
from serving_lab.experiment.records import METRICS
from serving_lab.footprint.result import FootprintResult
from serving_lab.inventory.result import InventoryResult
from serving_lab.model_drift.result import DriftResult, Standing
from serving_lab.model_judge.result import JudgementResult, Verdict
from serving_lab.parity.result import ParityResult
from serving_lab.results.envelope import Envelope
from serving_lab.rollout.result import Ending, RolloutResult
from serving_lab.text import phrases
from serving_lab.text.phrases import counted

_UNTOLD = {"refused", "withheld"}
_ALL = "all of it"
_PARAMETER = re.compile(r"\{[^{}]*\}")
"""Its name in a path is nobody's business."""


@dataclass(frozen=True)
class Found:
    """A piece of evidence."""

    path: Path
    started: str | None
    """ISO 8601; None: it does not say when it was made."""
    revision: str | None
    passed: bool | None
    """Whether it shows what is asked; None: it cannot tell."""
    why: str
    """In words."""
    others: bool = False
    """Whether it is about other services."""
    tests: Mapping[Outcome, frozenset[str]] | None = None
    """By outcome, the names of tests; None: it is not a run of tests."""

    @property
    def failing(self) -> frozenset[str]:
        """What fails in it."""
        if self.tests is not None:
            return self.tests["failed"]
        return frozenset({_ALL}) if self.passed is False else frozenset()

    @property
    def passing(self) -> frozenset[str]:
        """What passes in it."""
        if self.tests is not None:
            return self.tests["passed"]
        return frozenset({_ALL}) if self.passed else frozenset()


@dataclass(frozen=True)
class _Says:
    passed: bool | None
    why: str


def found(asked: Evidence, folder: Folder, subject: Subject) -> list[Found]:
    """Return what there is of one kind of evidence; that about other services, or that cannot be read, included."""
    damaged = [each for each in folder.unreadable if each.kind == asked.kind]
    unreadable = [Found(each.path, None, None, None, f"not read: {each.why}") for each in damaged]
    if asked.tests is not None:
        return [*_runs(asked.tests, folder, subject), *unreadable]
    results = [(path, result) for path, result in folder.results if result.file_format.kind == asked.kind]
    known = [
        each.label
        for _, result in folder.results
        if isinstance(result, InventoryResult) and subject.baseline.is_application(result.target)
        for each in result.operations
    ]
    return [*(_read(path, result, asked, subject, known) for path, result in results), *unreadable]


def _read(path: Path, result: Envelope, asked: Evidence, subject: Subject, known: Sequence[str]) -> Found:
    about, right = _about(result, asked, subject)
    if not right:
        told = _Says(None, f"it is about {about}, not about {subject}")
    elif result.partial:
        told = _Says(None, "it was interrupted")
    else:
        told = _says(result, asked, subject, known)
    return Found(path, result.started, result.revision, told.passed, told.why, others=not right)


def _about(result: Envelope, asked: Evidence, subject: Subject) -> tuple[str, bool]:
    """Whom a result is about, and whether those are the services of the checklist."""
    services: list[Service]
    match result:
        case InventoryResult():
            return phrases.address(result.target), subject.baseline.is_application(result.target)
        case ParityResult():
            services = [Service(None, result.primary.url), Service(None, result.candidate.url)]
        case BenchResult():
            services = [Service(each.name, each.url) for each in result.targets]
        case FootprintResult():
            services = [Service(each.name, None) for each in result.targets]
        case RolloutResult():
            services = [Service(result.primary, None), Service(_rolled_out(result), None)]
        case JudgementResult() | DriftResult():
            return "the model", True  # which all services share
        case _:
            raise AssertionError(result)
    baseline, *candidates = services
    right = subject.baseline.is_(baseline.name, baseline.url)
    if asked.bench is None or asked.bench.of == "candidate":
        right = right and any(subject.candidate.is_(each.name, each.url) for each in candidates)
    return f"{phrases.listed(list(map(str, candidates or [baseline])))} against {baseline}", right


def _says(result: Envelope, asked: Evidence, subject: Subject, known: Sequence[str]) -> _Says:
    match result:
        case InventoryResult():
            also = f"; {counted(len(result.unread), 'part')} of it could not be read" if result.unread else ""
            count = counted(len(result.operations), "operation")
            return _Says(True if result.operations else None, f"{count} of {phrases.address(result.target)}{also}")
        case ParityResult() if asked.parity is not None:
            return _of_parity(result, asked.parity, known)
        case BenchResult() if asked.bench is not None:
            return _of_bench(result, asked.bench, subject)
        case FootprintResult() if asked.footprint is not None:
            return _of_footprint(result, asked.footprint, subject)
        case RolloutResult():
            passed = {Ending.PROMOTED: True, Ending.ROLLED_BACK: False}.get(result.ending)
            return _Says(passed, f"{result.ending}: {result.why}")
        case JudgementResult():
            passed = {Verdict.PROMOTE: True, Verdict.REFUSE: False}.get(result.verdict)
            versions = " against ".join(each.version for each in (result.new, result.old) if each)
            why = "; ".join(each.text for each in result.reasons) if passed is not True else "nothing speaks against it"
            return _Says(passed, f"{versions}: {result.verdict}: {why}")
        case DriftResult():
            passed = {Standing.NONE: True, Standing.LITTLE: True, Standing.DRIFTED: False}.get(result.standing)
            told = [f"version {each.version}: {each.why}" for each in result.models]
            return _Says(passed, "; ".join(told) or "the log has no predictions")
    raise AssertionError(result)


def _rolled_out(result: RolloutResult) -> str:
    return result.candidate if result.model is None else f"version {result.model} of the model"


def _of_parity(result: ParityResult, asked: ParityAsked, known: Sequence[str]) -> _Says:
    compared = [each for each in result.operations if each.count and re.search(asked.operations, each.request)]
    differing = [each for each in compared if each.differing]
    if asked.has == "operations" and compared:
        return _Says(True, f"requests to {counted(len(compared), 'operation')} are written down")
    if result.verdict == "different" and (differing or not asked.operations):
        causes = counted(len(result.causes), "undeclared cause")
        at = f", at {phrases.some([each.request for each in differing])}" if differing else ""
        return _Says(False, f"different: {causes}{at}")
    if result.verdict == "cannot tell":
        return _Says(None, f"{result.verdict}: {result.why}")
    if not compared:
        return _Says(None, "no operation that is asked for was compared")
    there = {_PARAMETER.sub("{}", each.request) for each in compared}
    missing = [each for each in dict.fromkeys(known) if _PARAMETER.sub("{}", each) not in there]
    if asked.has == "all" and missing:
        return _Says(None, f"of the inventory these were not compared: {phrases.some(missing)}")
    total = sum(each.count for each in compared)
    return _Says(True, f"the same: {counted(total, 'request')} to {counted(len(compared), 'operation')}")


def _of_bench(result: BenchResult, asked: BenchAsked, subject: Subject) -> _Says:
    if asked.of == "baseline":
        name = result.baseline.name
        measured = [each for each in result.scenarios if any(a.target == name and not a.faults for a in each.arms)]
        told = [each for each in measured if not each.refused]
        if not told:
            return _Says(None, "no scenario counts: each was refused or measured nothing")
        return _Says(True, f"measured in {counted(len(told), 'scenario')}")
    names = [each.name for each in result.targets[1:] if subject.candidate.is_(each.name, each.url)]
    judged = [(scenario, each) for scenario, each in result.comparisons if each.candidate in names]
    worse = [(scenario, each) for scenario, each in judged if each.verdict == "slower"]
    slower = [f"{METRICS[each.metric].title} ({scenario.title})" for scenario, each in worse]
    if slower:
        return _Says(False, f"slower in {phrases.some(slower)}")
    words = [each.verdict for _, each in judged]
    counts = phrases.listed([f"{words.count(word)} {word}" for word in dict.fromkeys(words)]) if words else "none"
    if not words or _UNTOLD & set(words) or set(words) == {"undecided"}:
        return _Says(None, f"its verdicts do not tell: {counts}")
    return _Says(True, f"nothing is slower: {counts}")


def _of_footprint(result: FootprintResult, asked: FootprintAsked, subject: Subject) -> _Says:
    target = next(each for each in result.targets if subject.candidate.is_(each.name))
    if asked.has == "documentation":
        count = target.code.documented_operations if target.code else None
        if count is None:
            return _Says(None, "it was not asked for its documentation")
        return _Says(count > 0, f"it documents {counted(count, 'operation')}")
    if target.image is None:
        return _Says(None, f"it was measured without an image ({result.mode})")
    size = f"{target.image.reference}, {phrases.size(target.image.total_bytes)}"
    milestones = target.start_up.milestones if target.start_up else {}
    if "answered" not in milestones:
        return _Says(None, f"{size}: no start of it gave a right answer")
    return _Says(True, f"{size}: right answer after {phrases.seconds(milestones['answered'].median)}")


def _runs(asked: TestsAsked, folder: Folder, subject: Subject) -> Iterator[Found]:
    fits = _pattern(asked, subject)
    for run in folder.runs:
        cases = [case for case in run.cases if fits(case)]
        if not cases:
            continue
        names = {word: frozenset(case.name for case in cases if case.outcome == word) for word in get_args(Outcome)}
        passed, failed, skipped = (names[word] for word in get_args(Outcome))
        also = f", {len(skipped):,} skipped" if skipped else ""
        if failed:
            some = phrases.some(sorted(failed), 2)
            told = _Says(False, f"{counted(len(failed), 'test')} of {len(cases):,} failed: {some}")
        elif len(passed) < asked.fewest:
            told = _Says(None, f"{counted(len(passed), 'test')} passed{also}; {asked.fewest:,} at least must")
        else:
            told = _Says(True, f"{counted(len(passed), 'test')} passed{also}")
        yield Found(run.path, run.started, run.revision, told.passed, told.why, tests=names)


def _pattern(asked: TestsAsked, subject: Subject) -> Callable[[Case], bool]:
    services = {"{baseline}": subject.baseline, "{candidate}": subject.candidate}

    def filled(text: str, *, escaped: bool) -> str:
        for place, service in services.items():
            name = str(service)
            text = text.replace(place, re.escape(name) if escaped else name)
        return text

    name = re.compile(filled(asked.name, escaped=True))
    properties = {key: filled(value, escaped=False) for key, value in asked.properties.items()}
    return lambda case: (
        name.search(case.name) is not None
        and properties.items() <= case.properties.items()
        and asked.suite.items() <= case.suite.items()
    )
