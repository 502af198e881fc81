"""`lab parity`: from options to a plan, from a result to what a person and a program read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from serving_lab.api.endpoint import Endpoint
from serving_lab.errors import LabError
from serving_lab.parity.inputs import recorded
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.inputs.recorded import Recording
from serving_lab.parity.plan import ParityPlan
from serving_lab.parity.reporting import report, table
from serving_lab.parity.reporting.records import result_of
from serving_lab.parity.result import ParityResult
from serving_lab.parity.run import run
from serving_lab.results import files
from serving_lab.text.progress import TerminalProgress


@dataclass(frozen=True)
class Options:
    """What a person may ask for."""

    primary: str
    candidate: str
    second_primary: str | None
    profile: Path | None
    corpus: Sequence[Path]
    intended: Path | None
    """The file of intended differences, which may be absent; None: what the profile names."""
    har: Sequence[Path]
    prediction_log: Sequence[Path]
    generate: int
    repeat: int
    seed: int
    output: Path


def compare(options: Options, environment: Mapping[str, str], console: Console) -> ParityResult:
    """Compare, show and write the result; progress goes to the console, too.

    Raises:
        LabError: an option or a file is wrong, or nothing could be compared.
    """
    plan = _plan(options, environment)
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(f"{options.output}: {error.strerror}", hint="--output DIR") from error
    with TerminalProgress(console, plan.requests, "requests") as progress:
        result = result_of(run(plan, progress))
    data, page = options.output / "parity.json", options.output / "parity.html"
    files.write(data, result, "--output DIR")
    report.write_html(result, page)
    table.print_result(console, result, (page, data))
    return result


def _plan(options: Options, environment: Mapping[str, str]) -> ParityPlan:
    profile = Profile.load(options.profile, environment, options.corpus, options.intended)
    return ParityPlan(
        primary=Endpoint.parse(options.primary),
        candidate=Endpoint.parse(options.candidate),
        second_primary=Endpoint.parse(options.second_primary) if options.second_primary else None,
        profile=profile,
        recordings=tuple(_recordings(options, profile)),
        generate=options.generate,
        repeat=options.repeat,
        seed=options.seed,
    )


def _recordings(options: Options, profile: Profile) -> Iterator[Recording]:
    for path in options.har:
        yield recorded.read_har(path, profile.har, profile.authorization)
    for path in options.prediction_log:
        if profile.log_request is None:
            raise LabError(
                f"{path}: the profile does not say what a line of it becomes", hint="prediction_log: in the profile"
            )
        yield recorded.read_log(path, profile.log_request, profile.authorization)
