"""`lab parity`: from options to a plan, from a result to what a person and a program read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from serving_lab import exit_codes
from serving_lab.api.endpoint import Endpoint
from serving_lab.errors import LabError
from serving_lab.parity.inputs import recorded
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.inputs.recorded import Recording
from serving_lab.parity.pairs import Pair
from serving_lab.parity.plan import ParityPlan
from serving_lab.parity.reporting import acceptance, report, table
from serving_lab.parity.reporting.records import result_of
from serving_lab.parity.result import ParityResult
from serving_lab.parity.run import INTERRUPTED, run
from serving_lab.results import files
from serving_lab.text.phrases import counted, visible
from serving_lab.text.progress import TerminalProgress


@dataclass(frozen=True)
class Options:
    """What a person may ask for."""

    pairs: Sequence[Pair]
    second_primary: str | None
    profile: Path | None
    openapi: str | None
    corpus: Sequence[Path]
    har: Sequence[Path]
    postman: Sequence[Path]
    tapped: Sequence[Path]
    prediction_log: Sequence[Path]
    generate: int
    repeat: int
    seed: int
    require_success: bool
    accept: Path | None
    output: Path


def compare(options: Options, environment: Mapping[str, str], console: Console) -> int:
    """Compare each pair, show and write the results; progress goes to the console, too.

    A single pair is written to parity.json and parity.html, each of several to parity-CANDIDATE.json and .html.

    Returns:
        The exit code. Of several pairs: FOUND if any is different, whatever became of the others; else INTERRUPTED
        after Ctrl-C; else CANNOT_TELL if any of them could not be told.

    Raises:
        LabError: an option or a file is wrong, or nothing could be compared and there is no other pair.
    """
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(f"{options.output}: {error.strerror}", hint="--output DIR") from error
    if options.accept:
        for pair in options.pairs:
            acceptance.check_writable(_accepted(options, options.accept, pair))
    if len(options.pairs) == 1:
        return _exit_code(_compare(options, options.pairs[0], "parity", environment, console))
    codes = []
    for pair in options.pairs:
        console.print(Rule(Text(f"{pair.name} at {pair.candidate}, compared with {pair.primary}"), align="left"))
        try:
            result = _compare(options, pair, f"parity-{pair.name}", environment, console)
        except LabError as error:  # the other candidates can still be compared
            console.print(Text(visible(f"error: {error}"), style="red"), soft_wrap=True)
            codes.append(error.exit_code)
            continue
        codes.append(_exit_code(result))
        if INTERRUPTED in result.why:
            break
    return exit_codes.FOUND if exit_codes.FOUND in codes else max(codes)


def _compare(options: Options, pair: Pair, name: str, environment: Mapping[str, str], console: Console) -> ParityResult:
    plan = _plan(options, pair, environment)
    with TerminalProgress(console, plan.requests, "requests") as progress:
        result = result_of(run(plan, progress))
    data, page = options.output / f"{name}.json", options.output / f"{name}.html"
    files.write(data, result, "--output DIR")
    report.write_html(result, page)
    table.print_result(console, result, (page, data))
    if options.accept:
        _accept(result, _accepted(options, options.accept, pair), console)
    return result


def _accepted(options: Options, path: Path, pair: Pair) -> Path:
    return path if len(options.pairs) == 1 else path.with_stem(f"{path.stem}-{pair.name}")


def _accept(result: ParityResult, path: Path, console: Console) -> None:
    if not result.causes:
        console.print(Text(f"{path} is not written: there is no difference to accept"), soft_wrap=True)
        return
    acceptance.write(result, path)
    console.print(
        Text(f"{path} has {counted(len(result.causes), 'difference')} to accept: give each a reason, or delete it"),
        soft_wrap=True,
    )


def _exit_code(result: ParityResult) -> int:
    interrupted = INTERRUPTED in result.why and result.verdict != "different"
    return exit_codes.INTERRUPTED if interrupted else result.exit_code


def _plan(options: Options, pair: Pair, environment: Mapping[str, str]) -> ParityPlan:
    profile = Profile.load(options.profile, environment, options.corpus, pair.intended, options.openapi)
    return ParityPlan(
        primary=Endpoint.parse(pair.primary),
        candidate=Endpoint.parse(pair.candidate),
        second_primary=Endpoint.parse(options.second_primary) if options.second_primary else None,
        described_by=Endpoint.parse(pair.described_by) if pair.described_by else None,
        profile=profile,
        recordings=tuple(_recordings(options, profile)),
        generate=options.generate,
        repeat=options.repeat,
        seed=options.seed,
        require_success=options.require_success,
    )


def _recordings(options: Options, profile: Profile) -> Iterator[Recording]:
    for path in options.har:
        yield recorded.read_har(path, profile.har, profile.authorization, profile.query)
    for path in options.postman:
        yield recorded.read_postman(path, profile.postman, profile.authorization, profile.query)
    for path in options.tapped:
        yield recorded.read_tapped(path, profile.authorization, profile.query)
    for path in options.prediction_log:
        if profile.log_request is None:
            raise LabError(
                f"{path}: the profile does not say what a line of it becomes", hint="prediction_log: in the profile"
            )
        yield recorded.read_log(path, profile.log_request, profile.authorization, profile.query)
