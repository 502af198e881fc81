"""What to do follows from verdicts alone, and each reason quotes the verdict it is taken from."""

from collections.abc import Sequence

import msgspec
import pytest
from made.comparison import make_cannot_tell, make_cause, make_different, make_parity
from made.measurement import BASELINE, CANDIDATE, MARGIN, THIRD, make_bench
from made.rollout import make_rollout
from made.simulated import (
    make_equivalent,
    make_loss,
    make_mixed,
    make_partial,
    make_refused,
    make_three,
    make_undecided,
    make_win,
    make_withheld,
)
from serving_lab.bench.result import BenchResult
from serving_lab.experiment import wording
from serving_lab.experiment.records import METRICS, Comparison, VerdictWord
from serving_lab.parity.result import ParityResult
from serving_lab.report.inputs import Compared, ReportInputs
from serving_lab.report.recommendation import Reason, leaves_room_for_loss, recommend
from serving_lab.rollout.result import Ending

SAME = make_parity()


@pytest.mark.parametrize(
    ("bench", "parity", "word", "why"),
    [
        (make_win(), SAME, "move", "It answers the same, is faster in 8 of 8 verdicts and slower in none."),
        (make_win(), None, "move with care", "its answers are not proven to be the same: settle that first."),
        (make_win(), make_cannot_tell(), "move with care", "its answers are not proven to be the same"),
        (make_win(), make_different(make_cause()), "move with care", "it answers otherwise: settle that first."),
        (make_mixed(), SAME, "move with care", "faster in 6 of 8 verdicts and slower in 2: weigh what is lost"),
        (make_refused(), SAME, "move with care", "faster in 4 of 7 verdicts and slower in none, but not everything"),
        (make_partial(), SAME, "move with care", "slower in none, but not everything is settled"),
        (make_loss(), SAME, "stay", "It is slower in 8 of 8 verdicts and faster in none."),
        (make_equivalent(), SAME, "stay", "as fast as the baseline, in all of 7 verdicts: speed is no reason"),
        (make_undecided(), SAME, "cannot tell", "None of 7 verdicts found it faster or slower"),
        (make_withheld(), SAME, "cannot tell", "All of 4 verdicts are refused or withheld"),
        (make_bench(), SAME, "cannot tell", "Nothing was measured"),
        (None, SAME, "cannot tell", "Nothing was measured"),
    ],
)
def test_verdicts_and_parity_decide(
    bench: BenchResult | None, parity: ParityResult | None, word: str, why: str
) -> None:
    recommendation = recommend(CANDIDATE, bench, parity)

    assert recommendation.word == word
    assert why in recommendation.why


@pytest.mark.parametrize(
    ("ending", "candidate", "word", "said"),
    [
        (Ending.ROLLED_BACK, CANDIDATE, "move with care", ["A rollout was rolled back: too slow"]),
        (Ending.PROMOTED, CANDIDATE, "move", ["A rollout moved all traffic to it"]),
        (Ending.INTERRUPTED, CANDIDATE, "move", []),
        (Ending.ROLLED_BACK, "another", "move", []),
    ],
)
def test_a_rollout_that_was_rolled_back_speaks_against_it(
    ending: Ending, candidate: str, word: str, said: list[str]
) -> None:
    rollout = msgspec.structs.replace(make_rollout(ending), candidate=candidate, why="too slow")
    found = recommend(CANDIDATE, make_win(), SAME, rollout)

    assert found.word == word
    assert [each.text for each in found.reasons if "rollout" in each.text] == said


@pytest.mark.parametrize(
    ("faster", "slower", "word"), [(3, 0, "move"), (2, 1, "move with care"), (2, 2, "stay"), (1, 2, "stay")]
)
def test_losses_weigh_as_much_as_gains(faster: int, slower: int, word: str) -> None:
    gains: list[VerdictWord] = ["faster"] * faster
    losses: list[VerdictWord] = ["slower"] * slower
    bench = with_verdicts(*gains, *losses)

    assert recommend(CANDIDATE, bench, SAME).word == word


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.8, 1.0 + MARGIN, "move"), (0.8, 1.0 + MARGIN + 0.001, "move with care"), (0.99, 1.4, "move with care")],
)
def test_what_is_undecided_matters_only_where_it_may_be_a_loss(low: float, high: float, word: str) -> None:
    bench = with_verdicts("faster", "undecided")
    (scenario,) = bench.scenarios
    gain, open_one = scenario.comparisons
    open_one = msgspec.structs.replace(open_one, metric="p99", low=low, high=high)
    bench = make_bench(msgspec.structs.replace(scenario, comparisons=[gain, open_one]))

    assert recommend(CANDIDATE, bench, SAME).word == word


def test_room_for_loss_is_on_the_worse_side_of_each_metric() -> None:
    (comparison, *_) = make_win().scenarios[0].comparisons

    def room(metric: str, low: float | None, high: float | None) -> bool:
        return leaves_room_for_loss(msgspec.structs.replace(comparison, metric=metric, low=low, high=high), 0.03)

    assert [room("throughput", 0.9, 1.01), room("throughput", 0.98, 1.5)] == [True, False]
    assert [room("p99", 0.5, 1.01), room("p99", 0.99, 1.1)] == [False, True]
    assert room("p99", None, None)


def test_unequal_conditions_that_were_allowed_forbid_moving_without_care() -> None:
    allowed = make_win(conditions=make_withheld().conditions)

    recommendation = recommend(CANDIDATE, allowed, SAME)

    assert recommendation.word == "move with care"
    assert "Verdicts were asked for although conditions differ: memory limit" in texts(recommendation.reasons)


def test_parity_is_the_first_reason() -> None:
    for parity, text, weighs in (
        (SAME, "Parity is the same: 10,000 requests were answered alike, but for 2 declared differences", "for"),
        (make_different(make_cause()), "Parity is different: Differences that nobody has declared", "against"),
        (make_cannot_tell(), "Parity cannot be told: The candidate does not answer", "open"),
        (None, "Parity is unknown: nobody compared its answers with the baseline's (lab parity)", "open"),
    ):
        first = recommend(CANDIDATE, make_win(), parity).reasons[0]

        assert first.text.startswith(text)
        assert first.weighs == weighs


def test_each_verdict_is_quoted_with_metric_scenario_and_interval() -> None:
    bench = make_mixed()

    reasons = recommend(CANDIDATE, bench, SAME).reasons

    quoted = {reason.text: reason.weighs for reason in reasons[1:]}
    assert len(bench.comparisons) == len(quoted) == 8
    for scenario, each in bench.comparisons:
        text = f"{scenario.title}: {METRICS[each.metric].title} {each.verdict}, {wording.of_comparison(each)}"
        assert quoted[text] == ("for" if each.verdict == "faster" else "against")
    assert list(quoted.values()) == ["for"] * 6 + ["against"] * 2


def test_a_refused_scenario_is_said_once_with_its_cause() -> None:
    told = texts(recommend(CANDIDATE, make_refused(), SAME).reasons)

    refused = [text for text in told if "refused" in text]
    assert len(refused) == 1
    assert refused[0].startswith("A mixed load at a rate that all can carry: refused, fastapi-api does not keep up")


def test_interrupted_and_withheld_runs_say_so() -> None:
    partial, withheld = (
        texts(recommend(CANDIDATE, bench, SAME).reasons) for bench in (make_partial(), make_withheld())
    )

    assert "The measurement was interrupted: not all that was planned was measured" in partial
    assert any("withheld, it was interrupted: 4 of 10 pairs" in text for text in partial)
    assert any(text.startswith("Verdicts are withheld: the conditions differ: memory limit") for text in withheld)


def test_of_three_each_candidate_is_judged_by_its_own_verdicts_and_parity() -> None:
    inputs = ReportInputs(make_three(), (Compared(SAME),), None)

    words = {name: recommend(name, inputs.bench, inputs.parity_of(name)).word for name in inputs.names[1:]}

    assert inputs.names == [BASELINE, CANDIDATE, THIRD]
    assert words == {CANDIDATE: "move", THIRD: "stay"}
    assert inputs.parity_of(THIRD) is None


def with_verdicts(*words: VerdictWord) -> BenchResult:
    """Return a measurement with as many comparisons; only their words are meant."""
    (scenario, *_) = make_win().scenarios
    made: list[Comparison] = [msgspec.structs.replace(scenario.comparisons[0], verdict=word) for word in words]
    return make_bench(msgspec.structs.replace(scenario, comparisons=made))


def texts(reasons: Sequence[Reason]) -> list[str]:
    return [reason.text for reason in reasons]
