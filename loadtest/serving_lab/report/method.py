"""How it was measured, in plain words and with the numbers of this measurement."""

from collections.abc import Iterator

from serving_lab.bench.result import BenchResult
from serving_lab.experiment import statistics
from serving_lab.report.inputs import ReportInputs
from serving_lab.text import phrases


def paragraphs(inputs: ReportInputs) -> list[str]:
    """Return what a reader must know to believe the numbers, or not to."""
    return [*(_of_bench(inputs.bench) if inputs.bench else ()), *_of_others(inputs)]


def _of_bench(bench: BenchResult) -> Iterator[str]:
    margin, joint = phrases.percent(bench.margin), phrases.percent(statistics.CONFIDENCE)
    levels = [phrases.level(each) for each in sorted({each.confidence for _, each in bench.comparisons})]
    level = f" (here {phrases.listed(levels)} for a single interval)" if levels else ""
    yield (
        "Randomised pairs. In each pair every target gets the same requests for the same time, one target after the "
        "other, in random order. What changes slowly on the machine then hits all alike, and what hits one by chance "
        f"hits another one in another pair. {_ended(bench)}"
    )
    yield (
        "The arm is the sample. An arm is one target under one load for one stretch of time, and gives one number a "
        "metric. Single requests are no independent samples: a pause of the machine slows hundreds of them at once. "
        "So statistics count arms, and thousands of requests do not make them surer than they are."
    )
    yield (
        "Ratios. Each pair gives candidate / baseline. Their logarithms are averaged, and a paired t-test's interval "
        f"says how sure the mean is. The intervals of all metrics and candidates of a scenario hold together with "
        f"{joint}, so each one alone has a higher confidence{level}: otherwise, the more one looks at, the more often "
        "one finds a difference by chance."
    )
    yield (
        f"Verdicts. Changes up to {margin} either way count as none: the margin was set before. Equivalent: the change "
        "surely lies within the margin, by two one-sided tests. Faster or slower: the whole interval lies on one side "
        "of no change. Undecided: neither could be shown, which does not mean that there is no difference. Detectable "
        "from: the smallest true change that so many pairs, spread like these, find four times out of five."
    )
    if any(scenario.loop != "closed" for scenario in bench.scenarios):
        yield (
            "Coordinated omission. In an open loop a request is due at a time of its own. Latency counts from then "
            "(corrected), so that a service that stalls is charged for all who waited. Counted from when a request "
            "could be sent (uncorrected), a stall hides: the requests that it delayed look quick. Both stand side by "
            "side."
        )
    yield (
        "What does not count. An arm is left out where the generator was the bottleneck or late, or the machine was "
        "busy with something else; never for its result. A scenario is refused where answers were wrong, a target "
        "did not become steady or did not keep up, or too many pairs were left out. Verdicts are withheld where the "
        "conditions that must be equal are not."
    )


def _ended(bench: BenchResult) -> str:
    if bench.budget_seconds is None:
        return "The number of pairs is fixed before anything is measured."
    return (
        f"It ends when it is known, or after {phrases.duration(bench.budget_seconds)}. A scenario that is decided "
        "gives its time to the others. Intervals and equivalence allow for each time that one looked, so they hold "
        "wherever it stopped."
    )


def _of_others(inputs: ReportInputs) -> Iterator[str]:
    if inputs.parities:
        yield (
            "Parity. The same requests were sent to both services, and every difference that a client could notice "
            "was reported, unless it was declared as intended or the baseline differs from itself in it."
        )
    if inputs.footprint:
        yield (
            "Footprint. Targets were started and loaded in turn, in random order. The intervals of its changes are "
            "paired ones; those of one row hold together with 95% for all candidates. Start-up counts from when the "
            "container was created, or natively the process. Lines of code exclude blank lines, comments and "
            "docstrings."
        )
