"""`lab bench`: from options to a measurement, from its result to what a person and a program read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from lab.bench import table
from lab.bench.fail_if import FailIf
from lab.bench.profile import Profile
from lab.bench.progress import TerminalProgress
from lab.bench.result import CANNOT_TELL, Result
from lab.bench.run import Measurement
from lab.bench.scenarios import Plan
from lab.bench.stage import Stage
from lab.errors import LabError

MET = 1
INTERRUPTED = 130


@dataclass(frozen=True)
class Options:
    """What a person may ask for."""

    profile: Path
    scenarios: Sequence[str]
    pairs: int
    seconds: float
    seed: int
    margin: float
    """As a share."""
    allow_unequal: bool
    fail_if: Sequence[FailIf]
    output: Path


def bench(stage: Stage, options: Options, environment: Mapping[str, str], console: Console) -> int:
    """Measure, show and write the result; return the exit code. An interruption keeps what was measured.

    Raises:
        LabError: an option or a file is wrong, or nothing could be measured.
    """
    profile = Profile.load(options.profile, environment)
    names = _scenarios(profile, options.scenarios)
    plan = Plan(options.pairs, options.seconds, options.seed, options.margin)
    _check_writable(options.output)
    measurement = Measurement(stage.targets, profile, plan, names, stage.place, allow_unequal=options.allow_unequal)
    for why in measurement.withheld:
        console.print(f"[yellow]No verdict will be given[/]: {why} (--allow-unequal gives one)", soft_wrap=True)
    interrupted = False
    try:
        with stage.fleet() as fleet, TerminalProgress(console, measurement.expected_seconds) as progress:
            measurement.run(fleet, progress)
    except KeyboardInterrupt:
        interrupted = True
    result = measurement.result()
    if not result.scenarios:
        raise LabError("interrupted before anything was measured", exit_code=INTERRUPTED)
    result.write(options.output)
    table.print_result(console, result, [options.output])
    if interrupted:
        return INTERRUPTED
    return exit_code(result, options.fail_if, console)


def exit_code(result: Result, conditions: Sequence[FailIf], console: Console) -> int:
    """Return 1 where a condition is met, else 2 where a verdict is refused or withheld, else 0.

    Raises:
        LabError: a condition names what the result has not.
    """
    met = [reason for condition in conditions for reason in condition.met(result)]
    for reason in met:
        console.print(f"fails: {reason}", soft_wrap=True, markup=False)
    if met:
        return MET
    told = all(each.verdict not in {"refused", "withheld"} for _, each in result.comparisons)
    return 0 if told else CANNOT_TELL


def _scenarios(profile: Profile, asked: Sequence[str]) -> list[str]:
    if unknown := [name for name in asked if name not in profile.scenarios and name != "all"]:
        raise LabError(
            f"there is no scenario {unknown[0]!r}",
            mend=f"choose from {', '.join(profile.scenarios)}, or all",
            exit_code=CANNOT_TELL,
        )
    if "all" in asked:
        return list(profile.scenarios)
    return list(dict.fromkeys(asked or profile.default))


def _check_writable(output: Path) -> None:
    """Find out before minutes of measuring whether the result can be kept."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("ab"):
            pass
    except OSError as error:
        raise LabError(f"{output}: {error.strerror}", mend="--output FILE", exit_code=CANNOT_TELL) from error
