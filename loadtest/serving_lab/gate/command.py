"""`lab gate`: from options to what is started and compared, from what was found to one verdict."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from serving_lab import exit_codes
from serving_lab.errors import InterruptedBeforeResultError, LabError
from serving_lab.experiment.fail_if import FailIf
from serving_lab.experiment.interruption import sigterm_interrupts
from serving_lab.gate import judgement, routes, sides, table
from serving_lab.gate.kept import Keeper, keeper
from serving_lab.gate.parts import Asked, Budget, Parts
from serving_lab.gate.reports import Reports
from serving_lab.gate.result import Gated, GateResult, PartName
from serving_lab.gate.sides import Side
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


PairsWith = Callable[[Keeper, Console], Sequence[Pair]]
"""Returns the services, once it has built with a keeper what must be built for them."""


@dataclass(frozen=True)
class GateOptions:
    """What can be asked for."""

    asked: Asked
    parts: Sequence[PartName]
    budget_seconds: float
    fail_if: Sequence[FailIf]
    output: Path
    reports: Reports


@dataclass(frozen=True)
class _Run:
    """A service while it is compared; what was found so far is kept when it is interrupted."""

    pair: Pair
    parts: Parts

    def run(self, options: GateOptions, kept: Keeper, console: Console) -> None:
        """Start both sides and run the parts; measure again, on fresh instances, before anything fails as slower."""
        base, head, parts, wanted = self.pair.base, self.pair.head, self.parts, options.parts
        console.print(f"starting {' and '.join(self.pair.words)}", markup=False, soft_wrap=True)
        with self._running(kept) as urls:
            if "parity" in wanted:
                parts.parity(*urls)
            if "footprint" in wanted and base.footprint and head.footprint:
                parts.footprint(base.footprint, head.footprint)
            if "bench" in wanted:
                # Last, because it can use whatever time is left.
                parts.bench(*urls)
        if parts.found.bench and (again := judgement.to_confirm(parts.found.bench, options.fail_if)):
            console.print(f"measuring again, on fresh instances: {', '.join(again)}", markup=False, soft_wrap=True)
            with self._running(kept) as urls:
                parts.confirm(*urls, again)

    @contextmanager
    def _running(self, kept: Keeper) -> Iterator[tuple[str, str]]:
        """Run both sides, and yield their URLs."""
        logs, ready = self.parts.logs, self.parts.asked.ready_path
        with sides.running(self.pair.base, self.pair.head, kept, logs, ready) as (base, head):
            yield base.endpoint.url, head.endpoint.url

    def judged(self, conditions: Sequence[FailIf]) -> Gated:
        """Return what is concluded."""
        return judgement.judged(self.pair.name, self.pair.words, self.parts.found, conditions)


def gate(options: GateOptions, pairs_with: PairsWith, console: Console) -> int:
    """Start both sides, compare and measure them, show and write what was found; return the exit code.

    Args:
        options: What is asked for.
        pairs_with: Returns the services.
        console: Where progress and verdict go.

    Raises:
        LabError: a side does not start, or an option or a file is wrong.
    """
    budget = Budget(options.budget_seconds)
    metadata = Metadata.begin()
    _check_writable(options.output)
    options.reports.check_writable()
    runs: list[_Run] = []
    places: dict[str, Place] = {}
    interrupted = False
    try:
        with sigterm_interrupts(), keeper() as kept:
            pairs = pairs_with(kept, console)
            if not budget.left:
                raise LabError(
                    f"building took more than {duration(options.budget_seconds)}",
                    hint="what is built stays: run it again, or give it more time (--budget)",
                )
            for number, pair in enumerate(pairs):
                share = budget.left / (len(pairs) - number)
                runs.append(_Run(pair, Parts(options.asked, kept, console, Budget(share), options.output / pair.name)))
                runs[-1].run(options, kept, console)
            if options.reports.sarif and (source := options.reports.source):
                places = routes.read(source, kept, options.asked.environment, options.output)
    except KeyboardInterrupt:
        interrupted = True
    found = [each.judged(options.fail_if) for each in runs if each.parts.found.any or not interrupted]
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


def _check_writable(output: Path) -> None:
    """Find out before minutes of measuring whether the result can be written."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        (output / "logs").mkdir(exist_ok=True)
        (output / FILE).unlink(missing_ok=True)
    except OSError as error:
        raise LabError(f"{output}: {error.strerror}", hint="--output DIR") from error
