"""`lab bench`: from options to a measurement, from its result to what a person and a program read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from serving_lab import exit_codes
from serving_lab.bench import table
from serving_lab.bench.design import Design
from serving_lab.bench.result import BenchResult
from serving_lab.bench.run import BenchMeasurement
from serving_lab.errors import InterruptedBeforeResultError, LabError
from serving_lab.experiment.fail_if import FailIf
from serving_lab.experiment.profile import Profile
from serving_lab.experiment.testbed import Testbed
from serving_lab.explain import sampler
from serving_lab.generator.fleet import GeneratorLostError
from serving_lab.results import files
from serving_lab.text.progress import TerminalProgress


@dataclass(frozen=True)
class BenchOptions:
    """What can be asked for."""

    profile: Path
    scenarios: Sequence[str]
    design: Design
    allow_unequal: bool
    explain: bool
    fail_if: Sequence[FailIf]
    output: Path


def bench(testbed: Testbed, options: BenchOptions, environment: Mapping[str, str], console: Console) -> int:
    """Measure, show and write the result; return the exit code.

    What was measured is kept where it is interrupted, or where a generator is lost for good.

    Raises:
        LabError: an option or a file is wrong, or nothing could be measured.
    """
    profile = Profile.load(options.profile, environment)
    names = _scenarios(profile, options.scenarios)
    _check_writable(options.output)
    if options.explain:
        sampler.program()
    measurement = BenchMeasurement(
        testbed, profile, options.design, names, allow_unequal=options.allow_unequal, explain=options.explain
    )
    if measurement.unexplained:
        console.print(f"[yellow]Nothing will be explained[/]: {escape(measurement.unexplained)}", soft_wrap=True)
    for why in measurement.withheld:
        console.print(f"[yellow]No verdict will be given[/]: {why} (--allow-unequal gives one)", soft_wrap=True)
    interrupted, lost = False, None
    try:
        with testbed.fleet() as fleet, TerminalProgress(console, measurement.expected_seconds) as progress:
            measurement.run(fleet, progress)
    except KeyboardInterrupt:
        interrupted = True
    except GeneratorLostError as error:
        lost = error
    result = measurement.result()
    if not any(scenario.arms for scenario in result.scenarios):
        if lost:
            raise lost
        if interrupted:
            raise InterruptedBeforeResultError("interrupted before anything was measured")
    files.write(options.output, result)
    table.print_result(console, result, [options.output])
    if interrupted:
        return exit_codes.INTERRUPTED
    if lost:
        raise lost
    return exit_code(result, options.fail_if, console)


def exit_code(result: BenchResult, conditions: Sequence[FailIf], console: Console) -> int:
    """Return 1 where a condition is met, else 2 where a verdict is refused or withheld, else 0.

    Raises:
        LabError: a condition names something that the result does not have.
    """
    met = [reason for condition in conditions for reason in condition.met(result)]
    for reason in met:
        console.print(f"fails: {reason}", soft_wrap=True, markup=False)
    if met:
        return exit_codes.FOUND
    told = all(each.verdict not in {"refused", "withheld"} for _, each in result.comparisons)
    return exit_codes.OK if told else exit_codes.CANNOT_TELL


def _scenarios(profile: Profile, asked: Sequence[str]) -> list[str]:
    if unknown := [name for name in asked if name not in profile.scenarios and name != "all"]:
        raise LabError(
            f"there is no scenario {unknown[0]!r}",
            hint=f"choose from {', '.join(profile.scenarios)}, or all",
        )
    if "all" in asked:
        return list(profile.scenarios)
    return list(dict.fromkeys(asked or profile.default))


def _check_writable(output: Path) -> None:
    """Find out before minutes of measuring whether the result can be written."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        there = output.exists()
        with output.open("ab"):
            pass
        if not there:
            output.unlink()
    except OSError as error:
        raise LabError(f"{output}: {error.strerror}", hint="--output FILE") from error
