"""Whether the lab found what the tour planted, in words with the figures of the result; pure functions."""

import json
import re
from collections.abc import Mapping

from serving_lab import exit_codes
from serving_lab.bench.result import BenchResult
from serving_lab.errors import LabError
from serving_lab.experiment import wording
from serving_lab.parity.result import ParityResult
from serving_lab.targets.reading import Counters
from serving_lab.text import phrases

_PLACE = "$.prediction"


class NotFoundError(LabError):
    """The lab did not find what was planted: the tour has shown that something is wrong with the lab."""

    exit_code = exit_codes.FOUND

    def __init__(self, message: str) -> None:
        super().__init__(message, hint="that is a bug in the lab: report it with the files in results/tour")


class RefusedError(LabError):
    """No verdict, because the machine disturbed the measurement or it was too short: again, it may give one."""

    def __init__(self, message: str) -> None:
        super().__init__(message, hint="end what else runs on this machine, then: make tour")


def of_answers(answers: Mapping[str, str]) -> str:
    """What two services answered to the same request.

    Args:
        answers: By label, the body.

    Raises:
        NotFoundError: they do not agree, or one answer is no prediction.
    """
    predictions = {}
    for label, body in answers.items():
        try:
            predictions[label] = float(json.loads(body)["prediction"])
        except (ValueError, KeyError, TypeError):
            raise NotFoundError(f"{label} answered no prediction: {body.strip()}") from None
    if len(set(predictions.values())) > 1:
        raise NotFoundError(f"the predictions differ: {predictions}")
    value = next(iter(predictions.values()))
    return f"""{phrases.listed(list(answers))} predict {value:g}. They accept the same token, and serve the same model:
        a client cannot tell which one answered."""


def of_load(counted: Mapping[str, Counters], seconds: float) -> str:
    """What the services counted under load.

    Args:
        counted: By label, what each counted meanwhile.
        seconds: How long that was.
    """
    parts = [f"{label} answered {phrases.counted(round(each.requests), 'request')}" for label, each in counted.items()]
    return f"""In {seconds:.0f} s, {phrases.listed(parts)}. Locust decoded and checked every answer; exit code 0 says
        that none was wrong. Each line of its table is a kind of request, with how long the answers took in ms: half of
        them up to the value below 50%."""


def of_difference(result: ParityResult) -> str:
    """What the comparison found of the planted difference.

    Raises:
        NotFoundError: it is not among the differences.
    """
    found = [cause for cause in result.causes if cause.where == _PLACE]
    if not found:
        raise NotFoundError(
            f"the planted difference was not found: the verdict is {result.verdict} ({result.why}), and no cause is at "
            f"{_PLACE}"
        )
    cause = found[0]
    occurred = sum(1 for each in result.intended if each.count)
    others = len(result.causes) - 1
    besides = f"{phrases.counted(others, 'other cause')} came with it." if others else "Nothing else differs."
    return f"""Found. Of {phrases.counted(result.requests, "request")}, {cause.count:,} of {cause.compared:,} to
        {phrases.listed(list(cause.operations))} differ at {_PLACE}, such as {cause.primary} from the old service and
        {cause.candidate} from the candidate. They are one cause, so it is reported once, with the smallest request that
        shows it. {besides} {occurred} differences are intended: the files above declare each with its reason. Exit code
        1 would fail a build."""


def of_report(document: str) -> str:
    """What the report recommends.

    Args:
        document: In Markdown.

    Raises:
        NotFoundError: it recommends nothing.
    """
    recommendation = re.search(r"^## Recommendation\n+\*\*(.+?)\*\*(.*)$", document, re.MULTILINE)
    if recommendation is None:
        raise NotFoundError("the report recommends nothing")
    return f"""It recommends: {recommendation[1]}{recommendation[2]} That is about the candidate with the planted
        faults, and follows from the two results before."""


def of_slowdown(result: BenchResult, delay_seconds: float) -> str:
    """What the measurement found of the planted slowdown.

    Raises:
        RefusedError: there is no verdict.
        NotFoundError: the verdict is another one.
    """
    scenario, comparison = next(each for each in result.comparisons if each[1].metric == "p50")
    if comparison.verdict in {"refused", "withheld", "undecided"}:
        raise RefusedError(f"the slowdown could not be judged: {'; '.join(scenario.refused) or comparison.why}")
    if comparison.verdict != "slower":
        raise NotFoundError(f"the planted slowdown was not found: {comparison.verdict} ({comparison.why})")
    return f"""Found: slower. Half of the answers took up to {wording.value("p50", comparison.baseline_value)} without
        the fault and up to {wording.value("p50", comparison.candidate_value)} with it, of which
        {phrases.seconds(delay_seconds)} are planted; the rest is what a relay costs. So latency is
        {wording.of_comparison(comparison)}: the interval says how sure that is, from
        {phrases.counted(comparison.pairs, "pair")} of measurements, in random order."""
