"""`lab gate`: from options to what is started and compared, from what was found to one verdict."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from rich.console import Console

from serving_lab import exit_codes
from serving_lab.errors import InterruptedBeforeResultError, LabError
from serving_lab.experiment.fail_if import FailIf
from serving_lab.experiment.interruption import sigterm_interrupts
from serving_lab.gate import judgement, routes, sides, table
from serving_lab.gate.budget import Budget
from serving_lab.gate.contract import Suite
from serving_lab.gate.kept import Keeper, keeper
from serving_lab.gate.parts import Asked, Parts
from serving_lab.gate.reports import Reports
from serving_lab.gate.result import Found, Gated, GateResult, Missing, PartName
from serving_lab.gate.sides import Instance, Side
from serving_lab.inventory.result import Place
from serving_lab.results import files
from serving_lab.results.envelope import Metadata
from serving_lab.text.phrases import duration

FILE = "gate.json"
_CODES = {"passed": exit_codes.OK, "failed": exit_codes.FOUND, "cannot tell": exit_codes.CANNOT_TELL}


@dataclass(frozen=True)
class Pair:
    """One service on both sides."""

    name: str
    """Empty where there is only one."""
    base: Side
    head: Side
    words: tuple[str, str]
    """What stands for base and head, for people."""
    source: str | None = None
    """Its code, in which SARIF finds routes, as `lab inventory` takes it."""


@dataclass(frozen=True)
class Work:
    """What is gated."""

    pairs: Sequence[Pair]
    suite: Suite | None = None
    """The contract's tests, where there is a contract and it is asked for."""


WorkWith = Callable[[Keeper, Console], Work]
"""Returns what is gated, once it has built with a keeper what must be built for that."""


@dataclass(frozen=True)
class GateOptions:
    """What can be asked for."""

    asked: Asked
    parts: Sequence[PartName]
    budget_seconds: float
    fail_if: Sequence[FailIf]
    output: Path
    reports: Reports


class _Run(Protocol):
    """Something of which a verdict is given; what was found so far is kept when it is interrupted."""

    @property
    def found(self) -> Found:
        """What was found."""

    def run(self, options: GateOptions, kept: Keeper, console: Console) -> None:
        """Find out."""

    def judged(self, conditions: Sequence[FailIf]) -> Gated:
        """Return what is concluded."""


@dataclass(frozen=True)
class _ContractRun:
    """Head against the contract."""

    suite: Suite
    output: Path
    budget: Budget
    found: Found = field(default_factory=Found)

    def run(self, options: GateOptions, kept: Keeper, console: Console) -> None:
        """Run the contract's tests."""
        console.print(f"== contract, for {duration(self.budget.left)} at most", markup=False)
        show = partial(console.print, soft_wrap=True, markup=False)
        result = self.suite.run(kept, self.budget, self.output, options.asked.ready_path, show)
        if isinstance(result, Missing):
            self.found.missing.append(result)
        else:
            self.found.contract = result

    def judged(self, conditions: Sequence[FailIf]) -> Gated:
        """Return what is concluded."""
        return judgement.judged("head", ("the contract", self.suite.words), self.found, conditions)


@dataclass(frozen=True)
class _PairRun:
    """A service on both sides."""

    pair: Pair
    parts: Parts

    @property
    def found(self) -> Found:
        """By the parts."""
        return self.parts.found

    def run(self, options: GateOptions, kept: Keeper, console: Console) -> None:
        """Start both sides and run the parts; measure again, on fresh instances, before anything fails as slower."""
        base, head, parts, wanted = self.pair.base, self.pair.head, self.parts, options.parts
        console.print(f"starting {' and '.join(self.pair.words)}", markup=False, soft_wrap=True)
        with self._running(kept) as both:
            if "parity" in wanted:
                parts.parity(*both)
            if "footprint" in wanted and base.footprint and head.footprint:
                parts.footprint(base.footprint, head.footprint)
            if "bench" in wanted:
                # Last, because it can use whatever time is left.
                parts.bench(*both)
        if parts.found.bench and (again := judgement.to_confirm(parts.found.bench, options.fail_if)):
            console.print(f"measuring again, on fresh instances: {', '.join(again)}", markup=False, soft_wrap=True)
            with self._running(kept) as both:
                parts.confirm(*both, again)

    @contextmanager
    def _running(self, kept: Keeper) -> Iterator[tuple[Instance, Instance]]:
        """Run both sides."""
        both = {"base": self.pair.base, "head": self.pair.head}
        with sides.running(both, kept, self.parts.logs, self.parts.asked.ready_path) as instances:
            yield instances["base"], instances["head"]

    def judged(self, conditions: Sequence[FailIf]) -> Gated:
        """Return what is concluded."""
        return judgement.judged(self.pair.name, self.pair.words, self.parts.found, conditions)


def gate(options: GateOptions, work_with: WorkWith, console: Console) -> int:
    """Start both sides, compare and measure them, show and write what was found; return the exit code.

    Args:
        options: What is asked for.
        work_with: Returns what is gated.
        console: Where progress and verdict go.

    Raises:
        LabError: a side does not start, or an option or a file is wrong.
    """
    budget = Budget(options.budget_seconds)
    metadata = Metadata.begin()
    _check_writable(options.output)
    options.reports.check_writable()
    runs: list[_Run] = []
    places: dict[str, dict[str, Place]] = {}
    interrupted = False
    try:
        with sigterm_interrupts(), keeper() as kept:
            work = work_with(kept, console)
            if not budget.left:
                raise LabError(
                    f"building took more than {duration(options.budget_seconds)}",
                    hint="what is built stays: run it again, or give it more time (--budget)",
                )
            for number, begin in enumerate(beginnings := _beginnings(work, options, kept, console)):
                # What one leaves of its share is there for those after it.
                runs.append(begin(Budget(budget.left / (len(beginnings) - number))))
                runs[-1].run(options, kept, console)
            if options.reports.sarif:
                places = _places(work, options, kept, console)
    except KeyboardInterrupt:
        interrupted = True
    found = [each.judged(options.fail_if) for each in runs if each.found.any or not interrupted]
    if not found:
        raise InterruptedBeforeResultError("interrupted before anything was found; nothing is left running")
    outcome = judgement.worst([each.outcome for each in found])
    result = GateResult(
        started=metadata.started,
        seconds=metadata.seconds,
        partial=interrupted,
        seed=options.asked.seed,
        revision=metadata.revision,
        revision_unknown=metadata.revision_unknown,
        machine=metadata.machine,
        versions=metadata.versions,
        outcome="cannot tell" if interrupted and outcome == "passed" else outcome,
        sentence=judgement.sentence(found),
        budget_seconds=options.budget_seconds,
        fail_if=[each.text for each in options.fail_if],
        services=found,
    )
    files.write(options.output / FILE, result, "--output DIR")
    options.reports.write(result, places, options.asked.parity_profile)
    table.print_result(console, result, options.output / FILE)
    return exit_codes.INTERRUPTED if interrupted else _CODES[result.outcome]


def _beginnings(work: Work, options: GateOptions, kept: Keeper, console: Console) -> Sequence[Callable[[Budget], _Run]]:
    """What begins each run, with its share of the time."""

    def of_pair(pair: Pair) -> Callable[[Budget], _Run]:
        return lambda budget: _PairRun(pair, Parts(options.asked, kept, console, budget, options.output / pair.name))

    suite = work.suite
    contract = [lambda budget: _ContractRun(suite, options.output / "contract", budget)] if suite else []
    of_pairs = map(of_pair, work.pairs) if set(options.parts) - {"contract"} else ()
    return [*contract, *of_pairs]


def _places(work: Work, options: GateOptions, kept: Keeper, console: Console) -> dict[str, dict[str, Place]]:
    """Where the code of each service answers which operation; not of code that cannot be read."""
    found = {}
    for pair in work.pairs:
        if source := options.reports.source or pair.source:
            try:
                found[pair.name] = routes.read(source, kept, options.asked.environment, options.output / pair.name)
            except LabError as error:
                console.print(f"routes are not found in {source}: {error}", soft_wrap=True, markup=False)
    return found


def _check_writable(output: Path) -> None:
    """Find out before minutes of measuring whether the result can be written."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        (output / "logs").mkdir(exist_ok=True)
        (output / FILE).unlink(missing_ok=True)
    except OSError as error:
        raise LabError(f"{output}: {error.strerror}", hint="--output DIR") from error
