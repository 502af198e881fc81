"""What `lab compare` and `lab history` show on the terminal."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving_lab.bench.comparing import Change, ChangedScenario, CompareResult
from serving_lab.bench.history import HistoryResult, MetricSeries, Move
from serving_lab.bench.table import change, detectable, interval
from serving_lab.experiment import wording
from serving_lab.experiment.records import VerdictWord
from serving_lab.text.phrases import counted

_SHORT_COMMIT = 12
_STYLES: dict[VerdictWord, str] = {"faster": "green", "slower": "red", "equivalent": "bold"}
_UNCERTAIN = "yellow"


def print_compared(console: Console, compared: CompareResult) -> None:
    """Print what differs, then every verdict with its figures, then what could not be judged and why."""
    _print(console, f"old  {compared.old}", f"new  {compared.new}", "")
    for kind, lines in (
        ("not the same in both", [str(each) for each in compared.circumstances]),
        ("only in old", compared.only_old),
        ("only in new", compared.only_new),
    ):
        _print(console, *(f"{kind}: {line}" for line in lines))
    for scenario in compared.scenarios:
        _print(console, *(f"{scenario.name}: not the same in both: {each}" for each in scenario.circumstances))
        _print(console, *(f"{scenario.name}: refused: {why}" for why in scenario.refused))
    judged = [scenario for scenario in compared.scenarios if scenario.comparisons]
    for scenario in judged:
        console.print(_compared_table(scenario))
    if judged:
        _print(console, f"Equivalent: within {compared.margin:.1%} either way. Detectable: the smallest change found.")
    _print(console, *dict.fromkeys(line for scenario in judged for line in _why_none(scenario)))
    if any(each.kind == "value" for scenario in judged for each in scenario.comparisons):
        _print(
            console,
            "Values also move with the machine between two runs. A ratio of two targets, measured in turns, does not.",
        )


def print_history(console: Console, history: HistoryResult) -> None:
    """Print every move, then how large a move would have been found."""
    moved = [each for each in history.series if each.moves]
    if moved:
        console.print(_history_table(moved))
    for series in moved:
        _print(console, *_likely_causes(series))
    _print(console, *(_drifts(series) for series in history.series if series.drift is not None))
    if not moved and not any(series.drift is not None for series in history.series):
        _print(console, "No series moved.")
    _print(console, *_how_sure(history))
    _print(console, *(f"left out: {line}" for line in history.left_out))
    _print(console, *(f"commit of {counted(n, 'result')} {why}" for why, n in history.without_commit.items()))


def _compared_table(scenario: ChangedScenario) -> Table:
    table = _table(scenario.name)
    table.add_column("metric", no_wrap=True)
    table.add_column("of", overflow="fold")
    for name in ("old", "new", "change", "interval", "detectable"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for each in scenario.comparisons:
        table.add_row(
            each.metric,
            Text(each.candidate),
            _value(each, each.baseline_value),
            _value(each, each.candidate_value),
            change(each.ratio),
            interval(each),
            detectable(each),
            Text(each.verdict, style=_STYLES.get(each.verdict, _UNCERTAIN)),
        )
    return table


def _table(title: str) -> Table:
    return Table(title=Text(title, style="bold"), title_justify="left", box=None, padding=(0, 2, 0, 0))


def _value(each: Change, number: float | None) -> str:
    if each.kind == "value" or number is None:
        return wording.value(each.metric, number, narrow=True)
    return f"x {number:.3f}"


def _why_none(scenario: ChangedScenario) -> Iterator[str]:
    for each in scenario.comparisons:
        if each.verdict in {"withheld", "refused"}:
            yield f"{scenario.name}: {each.kind}s {each.verdict}: {each.why}"


def _history_table(moved: Sequence[MetricSeries]) -> Table:
    table = _table("What moved")
    table.add_column("metric", overflow="fold")
    table.add_column("of", overflow="fold")
    table.add_column("became", no_wrap=True)
    for name in ("change", "95% interval"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("at commit", "after"):
        table.add_column(name, no_wrap=True)
    table.add_column("by chance", justify="right", no_wrap=True)
    for series in moved:
        for at, move in enumerate(series.moves):
            names = (f"{series.scenario}/{series.metric}", series.target) if at == 0 else ("", "")
            known = move.low is not None and move.high is not None
            table.add_row(
                *map(Text, names),
                Text(move.direction, style=_STYLES[move.direction]),
                change(move.ratio),
                f"{change(move.low)} to {change(move.high)}" if known else "-",
                Text(_short(move.commit)),
                Text(_short(move.previous)),
                f"< {max(move.chance, 0.0001):.2%}",
            )
    return table


def _likely_causes(series: MetricSeries) -> Iterator[str]:
    where = f"{series.scenario}/{series.metric} {series.target}"
    for move in series.moves:
        for cause in move.causes:
            blame = "changed there, too" if series.ratio else "likely the cause, rather than the code"
            yield f"{where} at {_short(move.commit)}: {blame}: {cause}"
        for cause in move.nearby:
            yield f"{where} near {_short(move.commit)}, one result earlier or later: {cause}"
        if _same_code(move):
            yield f"{where} at {_short(move.commit)}: the same commit before and after, so not the code"


def _same_code(move: Move) -> bool:
    return move.commit == move.previous and not move.commit.endswith("+")


def _drifts(series: MetricSeries) -> str:
    return (
        f"{series.scenario}/{series.metric} {series.target} drifted by {series.drift:+.1%} over {len(series.values)} "
        "results: no commit stands out"
    )


def _how_sure(history: HistoryResult) -> Iterator[str]:
    count = len(history.series)
    looked = f"{count} series of up to {history.longest} results"
    if history.longest < history.needed:
        yield (
            f"Nothing could have been found: {history.needed} results are needed to look at {count} series at once, "
            f"and there are {history.longest}. Fewer series need fewer results: --scenario, --target, --metric."
        )
        return
    yield f"Looked at {looked}; where nothing moves, any of them seems to in 1 of 20 histories."
    noises = sorted(series.noise for series in history.series)
    yield f"From run to run they vary by {noises[0]:.1%} to {noises[-1]:.1%}; smaller moves need more results."


def _short(commit: str) -> str:
    if " " in commit:
        return commit  # a time, where the commit is unknown
    return f"{commit.rstrip('+')[:_SHORT_COMMIT]}{'+' if commit.endswith('+') else ''}"


def _print(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(Text(line), soft_wrap=True)
