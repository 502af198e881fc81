"""What to do, from verdicts alone: a rule that stands in the report in plain words, and its reasons."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from serving_lab.bench.result import BenchResult, Scenario
from serving_lab.experiment import wording
from serving_lab.experiment.records import METRICS, Comparison
from serving_lab.parity.result import ParityResult
from serving_lab.rollout.result import Ending, RolloutResult
from serving_lab.text import phrases
from serving_lab.text.phrases import counted

AdviceWord = Literal["move", "stay", "move with care", "cannot tell"]
Weighs = Literal["for", "against", "neither", "open"]

RULE = (
    "Only verdicts count: a change counts where its whole interval lies on one side of no change.",
    "Nothing faster and nothing slower: stay where everything is surely equivalent, else cannot tell.",
    "Something slower, and at least as many verdicts slower as faster: stay.",
    "More verdicts faster than slower: move, or move with care.",
    "Move is said only where the answers are proven to be the same, nothing is slower, no open verdict leaves room for "
    "a loss beyond the margin, nothing was refused, withheld, interrupted or measured under unequal conditions, and no "
    "rollout of it was rolled back. "
    "Otherwise it is move with care, and the reasons say what to settle first.",
    "Memory, image size, start-up and code stand in the report beside this. How much they weigh is for people to say.",
)


@dataclass(frozen=True)
class Reason:
    """Why, in a sentence, and which way it weighs."""

    text: str
    weighs: Weighs


@dataclass(frozen=True)
class Recommendation:
    """What to do about a candidate."""

    candidate: str
    word: AdviceWord
    why: str
    """In a sentence."""
    reasons: tuple[Reason, ...]
    """Parity first, then how a rollout ended, then each verdict, then what else matters."""


def recommend(
    candidate: str, bench: BenchResult | None, parity: ParityResult | None, rollout: RolloutResult | None = None
) -> Recommendation:
    """Return what to do about a candidate.

    Args:
        candidate: Name of the target.
        bench: The measurement; None where there is none.
        parity: How its answers compare with the baseline's; None where nobody compared them.
        rollout: How traffic went over, to this candidate or another one; None where there was no rollout.
    """
    judged = [
        (scenario, each) for scenario, each in (bench.comparisons if bench else []) if each.candidate == candidate
    ]
    faster = sum(each.verdict == "faster" for _, each in judged)
    slower = sum(each.verdict == "slower" for _, each in judged)
    told = sum(each.verdict not in {"refused", "withheld"} for _, each in judged)
    moved = list(_of_rollout(rollout)) if rollout and rollout.candidate == candidate else []
    hindrances = [
        *_of_parity(parity),
        *moved,
        *(_of_run(bench) if bench else ()),
        *_open(judged, bench.margin if bench else 0),
    ]
    word = _word(judged, faster, slower, settled=all(each.weighs == "for" for each in hindrances))
    return Recommendation(
        candidate=candidate,
        word=word,
        why=_why(word, faster, slower, told, len(judged), parity),
        reasons=(*_of_parity(parity), *moved, *_of_verdicts(judged), *(_of_run(bench) if bench else [_NOT_MEASURED])),
    )


_NOT_MEASURED = Reason("Neither throughput nor latency was measured: lab bench", "open")


def leaves_room_for_loss(comparison: Comparison, margin: float) -> bool:
    """Return whether the interval reaches further than the margin to the worse side, or its ends are unknown."""
    if comparison.low is None or comparison.high is None:
        return True
    if METRICS[comparison.metric].better == "higher":
        return comparison.low < 1 - margin
    return comparison.high > 1 + margin


def _word(judged: Sequence[tuple[Scenario, Comparison]], faster: int, slower: int, *, settled: bool) -> AdviceWord:
    if not faster and not slower:
        equivalent = bool(judged) and all(each.verdict == "equivalent" for _, each in judged)
        return "stay" if equivalent else "cannot tell"
    if slower >= faster:
        return "stay"
    return "move" if settled and not slower else "move with care"


def _why(word: AdviceWord, faster: int, slower: int, told: int, verdicts: int, parity: ParityResult | None) -> str:
    alike = parity is not None and parity.verdict == "same"
    all_of = counted(verdicts, "verdict")
    faster_in = f"faster in {faster} of {all_of}"
    match word:
        case "move":
            return f"It answers the same, is {faster_in} and slower in none."
        case "move with care" if slower:
            return f"It is {faster_in} and slower in {slower}: weigh what is lost, and settle what is open."
        case "move with care" if not alike:
            known = "its answers are not proven to be the same" if _unknown(parity) else "it answers otherwise"
            return f"It is {faster_in} and slower in none, but {known}: settle that first."
        case "move with care":
            return f"It is {faster_in} and slower in none, but not everything is settled: see what is open."
        case "stay" if slower and not faster:
            return f"It is slower in {slower} of {all_of} and faster in none."
        case "stay" if slower:
            return f"It is slower in {slower} of {all_of}, and faster in no more: {faster}."
        case "stay":
            return f"It is as fast as the baseline, in all of {all_of}: speed is no reason to move."
        case "cannot tell" if not verdicts:
            return "Nothing was measured to conclude it from."
        case "cannot tell" if not told:
            return f"All of {all_of} are refused or withheld: see why."
    return f"None of {all_of} found it faster or slower, and not all prove that it is neither."


def _unknown(parity: ParityResult | None) -> bool:
    return parity is None or parity.verdict == "cannot tell"


def _of_parity(parity: ParityResult | None) -> Iterator[Reason]:
    if parity is None:
        yield Reason("Parity is unknown: nobody compared its answers with the baseline's (lab parity)", "open")
    elif parity.verdict == "same":
        yield Reason(f"Parity is the same: {_clause(parity.why)}", "for")
    elif parity.verdict == "different":
        yield Reason(f"Parity is different: {_clause(parity.why)}", "against")
    else:
        yield Reason(f"Parity cannot be told: {_clause(parity.why)}", "open")


def _of_rollout(rollout: RolloutResult) -> Iterator[Reason]:
    if rollout.ending is Ending.ROLLED_BACK:
        yield Reason(f"A rollout was rolled back: {_clause(rollout.why)}", "against")
    elif rollout.ending is Ending.PROMOTED:
        yield Reason("A rollout moved all traffic to it", "for")


def _of_verdicts(judged: Sequence[tuple[Scenario, Comparison]]) -> Iterator[Reason]:
    weighs: dict[str, Weighs] = {"faster": "for", "slower": "against", "equivalent": "neither"}
    told = set()
    for scenario, each in sorted(judged, key=lambda item: _ORDER.index(item[1].verdict)):
        if each.verdict in {"refused", "withheld"}:
            text = f"{scenario.title}: {each.verdict}, {_clause(each.why)}"
        else:
            title = METRICS[each.metric].title
            text = f"{scenario.title}: {title} {each.verdict}, {wording.of_comparison(each)}"
        if text not in told:
            yield Reason(text, weighs.get(each.verdict, "open"))
        told.add(text)


_ORDER = ("faster", "slower", "equivalent", "undecided", "refused", "withheld")


def _of_run(bench: BenchResult) -> Iterator[Reason]:
    if bench.partial:
        yield Reason("The measurement was interrupted: not all that was planned was measured", "open")
    if not bench.scenarios:
        yield Reason("The measurement holds no scenario", "open")
    for text in bench.withheld:
        yield Reason(f"Verdicts are withheld: {_clause(text)}", "open")
    unequal = [condition.name for condition in bench.conditions if condition.verdict == "differs"]
    if unequal and not bench.withheld:
        yield Reason(f"Verdicts were asked for although conditions differ: {phrases.listed(unequal)}", "open")


def _open(judged: Sequence[tuple[Scenario, Comparison]], margin: float) -> Iterator[Reason]:
    for scenario, each in judged:
        if each.verdict in {"refused", "withheld"} or (
            each.verdict == "undecided" and leaves_room_for_loss(each, margin)
        ):
            yield Reason(f"{scenario.title}: {METRICS[each.metric].title} is open", "open")


def _clause(text: str) -> str:
    return text.rstrip(" .")
