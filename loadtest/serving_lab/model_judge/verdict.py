"""From what was measured to a verdict: each question on its own, then the strictest of the answers.

A prediction that moves is no harm in itself: a better model moves it too. So what moves far is refused unless held-out
rows prove that the errors did not grow, and a person is asked even then.
"""

from collections.abc import Iterator, Sequence

from serving_lab.model_judge.result import (
    AccuracyWord,
    Criterion,
    ErrorRecord,
    LatencyRecord,
    MoveRecord,
    SliceRecord,
    Verdict,
)
from serving_lab.model_judge.thresholds import Bound, Thresholds
from serving_lab.model_judge.words import error_name, slice_name
from serving_lab.text.phrases import level, seconds, significant, size

_STRICTEST = (Verdict.REFUSE, Verdict.ASK, Verdict.PROMOTE)
_NO_WORSE = {AccuracyWord.BETTER, AccuracyWord.EQUIVALENT, AccuracyWord.NOT_WORSE}


def of(criteria: Sequence[Criterion]) -> Verdict:
    """The strictest of the answers."""
    return next((each for each in _STRICTEST if any(one.standing == each for one in criteria)), Verdict.ASK)


def sorted_by_weight(criteria: Sequence[Criterion]) -> list[Criterion]:
    """Those that decide first."""
    return sorted(criteria, key=lambda each: _STRICTEST.index(each.standing))


def of_accuracy(errors: Sequence[ErrorRecord], fewest: int) -> Iterator[Criterion]:
    """Refused: surely worse, and it seems by more than the margin. Asked: worse by less, or nothing is proven."""
    for each in errors:
        if each.low is None or each.high is None or each.difference is None or each.margin is None or not each.old:
            text = f"{each.rows} rows were held out from both versions, and it takes {fewest} to tell which errs less"
            yield Criterion(name="accuracy", standing=Verdict.ASK, text=text)
            return
        ends = f"{_signed(each.low)} to {_signed(each.high)}, {level(each.confidence)}"
        found = f"{error_name(each.kind)} {_signed(each.difference)} from {significant(each.old)} ({ends})"
        allowed = f"{significant(each.margin)} counts as no change"
        match each.word:
            case AccuracyWord.WORSE if each.difference > each.margin:
                standing, text = Verdict.REFUSE, f"surely worse: {found}; {allowed}"
            case AccuracyWord.WORSE:
                standing, text = Verdict.ASK, f"surely a bit worse: {found}; {allowed}"
            case AccuracyWord.CANNOT_TELL:
                standing, text = Verdict.ASK, f"cannot tell whether it is worse: {found}; {allowed}"
            case word:
                standing, text = Verdict.PROMOTE, f"{word}: {found}; {allowed}"
        yield Criterion(name="accuracy", standing=standing, text=text)


def of_moves(
    moves: Sequence[MoveRecord], slices: Sequence[SliceRecord], errors: Sequence[ErrorRecord], limits: Thresholds
) -> Iterator[Criterion]:
    """What has moved surely beyond a bound, unless held-out rows say that it is right so."""
    words = {each.word for each in errors}
    for each in moves:
        rows = f"of the {each.rows:,} {each.name}"
        ends = f"{_signed(each.shift_low)} to {_signed(each.shift_high)}"
        surely = _nearest_to_zero(each.shift_low, each.shift_high)
        text = f"the predictions {rows} moved by {_signed(each.shift)} on average ({ends}), in deviations of the target"
        yield _moved("shift", surely, limits.moves.shift, text, words)
        text = (
            f"single predictions {rows} moved by {significant(each.moved)} deviations of the target (root mean square)"
        )
        yield _moved("rows", each.moved, limits.moves.rows, text, words)
        text = f"the distribution of the predictions {rows} has a PSI of {significant(each.psi)} against the old one"
        yield _moved("distribution", each.psi, limits.moves.psi, text, words)
    yield from _of_slices(slices, words, limits)


def _moved(name: str, found: float, bound: Bound, text: str, words: set[AccuracyWord]) -> Criterion:
    if found <= bound.ask:
        return Criterion(name=name, standing=Verdict.PROMOTE, text=f"{text}: within {bound.ask:g}")
    if found <= bound.refuse:
        if AccuracyWord.BETTER in words and words <= _NO_WORSE:
            return Criterion(
                name=name,
                standing=Verdict.PROMOTE,
                text=f"{text}: beyond {bound.ask:g}, but held-out rows are better so",
            )
        return Criterion(name=name, standing=Verdict.ASK, text=f"{text}: beyond {bound.ask:g}")
    if words and words <= _NO_WORSE:
        proven = "though held-out rows prove that the errors did not grow"
        return Criterion(name=name, standing=Verdict.ASK, text=f"{text}: beyond {bound.refuse:g}, {proven}")
    unproven = "and held-out rows do not prove that it is right so"
    return Criterion(name=name, standing=Verdict.REFUSE, text=f"{text}: beyond {bound.refuse:g}, {unproven}")


def _of_slices(slices: Sequence[SliceRecord], words: set[AccuracyWord], limits: Thresholds) -> Iterator[Criterion]:
    """Those beyond a bound or surely worse, at most three; the largest move where there is none."""
    bound = limits.moves.slice
    whole_better = AccuracyWord.BETTER in words and words <= _NO_WORSE
    found: list[Criterion] = []
    for each in slices:
        surely = _nearest_to_zero(each.low, each.high)
        worse = each.error_low is not None and each.error_low > 0
        better = each.error_high is not None and each.error_high < 0
        if surely <= bound.ask and not worse:
            continue
        text = f"where {slice_name(each)}, predictions moved by {_signed(each.shift)} deviations of the target"
        if worse and each.error is not None:
            standing, why = Verdict.REFUSE, f"and their errors surely grew, by {significant(each.error)}"
        elif surely <= bound.refuse or better:
            standing, why = Verdict.ASK, f"beyond {bound.ask:g}" + (", though to the better" if better else "")
        elif whole_better:
            standing, why = Verdict.ASK, f"beyond {bound.refuse:g}, though all held-out rows together are better"
        else:
            standing, why = Verdict.REFUSE, f"beyond {bound.refuse:g}, and held-out rows do not prove it right there"
        found.append(Criterion(name="slices", standing=standing, text=f"{text}: {why}"))
    if found:
        yield from sorted_by_weight(found)[:3]
    elif slices:
        largest = slices[0]
        text = (
            f"of {len(slices)} slices the one that moved most is where {slice_name(largest)}: by "
            f"{_signed(largest.shift)} deviations of the target; within {bound.ask:g}"
        )
        yield Criterion(name="slices", standing=Verdict.PROMOTE, text=text)


def of_latency(latency: LatencyRecord, limits: Thresholds) -> Criterion:
    """Only what is surely beyond a bound counts: on a busy machine the interval is wide."""
    times = f"{seconds(latency.old_seconds)} became {seconds(latency.new_seconds)} for one row"
    ends = f"ratio {latency.ratio:.2f}, {latency.low:.2f} to {latency.high:.2f}"
    bound = Bound(limits.latency.ask, limits.latency.refuse)
    return _ratio("latency", latency.low, bound, f"{times} ({ends})")


def of_size(old_bytes: int, new_bytes: int, limits: Thresholds) -> Criterion:
    """The ratio of the files."""
    text = f"{size(old_bytes)} became {size(new_bytes)}"
    return _ratio("size", new_bytes / max(old_bytes, 1), limits.size, text)


def _ratio(name: str, surely: float, bound: Bound, text: str) -> Criterion:
    for standing, limit in ((Verdict.REFUSE, bound.refuse), (Verdict.ASK, bound.ask)):
        if surely > limit:
            return Criterion(name=name, standing=standing, text=f"{text}: surely beyond {limit:g} times")
    return Criterion(name=name, standing=Verdict.PROMOTE, text=f"{text}: not surely beyond {bound.ask:g} times")


def _nearest_to_zero(low: float, high: float) -> float:
    """How far from 0 all of an interval is."""
    return max(low, -high, 0.0)


def _signed(number: float) -> str:
    text = significant(number)
    return f"+{text}" if number > 0 else text
