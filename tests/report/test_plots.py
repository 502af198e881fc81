"""What is drawn lies where the data says, and says in words what it shows."""

import math
import re
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

import msgspec
import numpy as np
import pytest
from made.measurement import BASELINE, CANDIDATE, MARGIN, THIRD
from made.simulated import BETTER, HOSTILE, MIXED, WORSE, make_refused, make_undecided, simulate
from serving_lab.experiment.records import QUANTILES, Distribution, TargetRecord
from serving_lab.pages.drawing import Drawing, Scale, round_values
from serving_lab.report.plots.arms import arms
from serving_lab.report.plots.latency import BINS, bins, curve, histogram, percentiles, shares_within
from serving_lab.report.plots.pairs import pairs, signed
from serving_lab.report.targets import shown

THREE = shown([TargetRecord(name=name, url="") for name in (BASELINE, CANDIDATE, THIRD)])
PAIR = THREE[:2]
OLD, NEW = PAIR


def test_a_scale_maps_ends_to_ends_and_the_geometric_middle_to_the_middle() -> None:
    linear, log = Scale(10, 30, 100, 300), Scale(1, 100, 0, 50, log=True)

    assert [linear(10), linear(20), linear(30), linear(99)] == [100, 200, 300, 300]
    assert [log(1), log(10), log(100)] == pytest.approx([0, 25, 50])


@pytest.mark.parametrize(
    ("low", "high", "values"),
    [(0, 100, [0, 20, 40, 60, 80, 100]), (-0.03, 0.02, [-0.03, -0.02, -0.01, 0, 0.01, 0.02]), (3, 7, [3, 4, 5, 6, 7])],
)
def test_ticks_are_round(low: float, high: float, values: list[float]) -> None:
    assert round_values(low, high) == pytest.approx(values)


@pytest.mark.parametrize(("low", "high"), [(0.001, 0.05), (0.0101, 0.0127), (1e-5, 30.0)])
def test_a_logarithmic_scale_has_ticks_within_it_but_not_too_many(low: float, high: float) -> None:
    ticks = Scale(low, high, 0, 1, log=True).ticks()

    assert 2 <= len(ticks) <= 8
    assert all(low <= tick <= high for tick in ticks)


def test_ticks_of_changes_have_as_many_digits_as_they_need() -> None:
    assert [signed(0.1, [0, 0.1]), signed(-0.005, [-0.005, 0]), signed(0, [0, 1])] == [
        "+10%",
        "\N{MINUS SIGN}0.5%",
        "0",
    ]


def test_bars_are_as_long_as_the_means_and_marks_lie_at_their_arms() -> None:
    scenario = simulate({CANDIDATE: BETTER}, void=2)
    (throughput, *_) = scenario.comparisons

    root = parsed(arms("x", scenario, "throughput", PAIR))

    bars = [float(bar.attrib["width"]) for bar in root.findall("rect") if "bar" in bar.attrib["class"]]
    assert throughput.ratio is not None
    assert bars[1] / bars[0] == pytest.approx(throughput.ratio, rel=1e-3)
    left = float(next(iter(root.findall("rect"))).attrib["x"])
    per_request = bars[0] / (throughput.baseline_value or 0)
    counting = [arm for arm in scenario.arms if not arm.faults and arm.target == CANDIDATE]
    expected = [left + arm.values["throughput"] * per_request for arm in counting]
    assert [x for x, _ in marks(root, "t1")] == pytest.approx(expected, abs=0.2)
    assert len(marks(root, "t0")) == len(marks(root, "t1")) == scenario.pairs_planned


def test_a_metric_that_no_arm_has_is_not_drawn() -> None:
    scenario = simulate({CANDIDATE: BETTER}, "open")

    assert arms("x", scenario, "throughput", PAIR) is None
    assert pairs("x", msgspec.structs.replace(scenario.comparisons[0], log_ratios=[]), MARGIN, NEW, OLD) is None
    assert percentiles("x", simulate({CANDIDATE: BETTER}, "knee"), PAIR) is None
    assert histogram("x", simulate({CANDIDATE: BETTER}, "knee"), PAIR) is None


def test_percentile_marks_lie_where_the_logarithmic_axes_say() -> None:
    scenario = simulate({CANDIDATE: MIXED})
    shares = [0.5, 0.9, 0.99, 0.999]

    drawing = percentiles("x", scenario, PAIR)
    root = parsed(drawing)

    assert drawing is not None
    for target, style in ((BASELINE, "t0"), (CANDIDATE, "t1")):
        found = marks(root, style)
        seconds = [scenario.distributions[target].seconds[QUANTILES.index(share)] for share in shares]
        across = [-math.log10(1 - share) for share in shares]
        assert slope([x for x, _ in found], across) > 0
        assert slope([y for _, y in found], [math.log(value) for value in seconds]) < 0


def test_an_open_loop_shows_both_ways_to_count_and_a_closed_one_does_not() -> None:
    opened, closed = (
        [path.attrib["class"] for path in parsed(percentiles("x", scenario, PAIR)).findall("path")]
        for scenario in (simulate({CANDIDATE: MIXED}, "open"), simulate({CANDIDATE: MIXED}, "closed"))
    )

    assert sum("dashed" in style for style in opened) == 2
    assert sum("dashed" in style for style in closed) == 0


def test_a_curve_ends_where_fewer_than_ten_answers_lie_beyond() -> None:
    def last(count: int) -> float:
        return curve(Distribution(count=count, seconds=[0.01] * len(QUANTILES), uncorrected=[]))[-1][0]

    assert [last(100), last(1000), last(10_000), last(99_999)] == [0.9, 0.99, 0.999, 0.999]


def test_shares_of_a_histogram_are_those_of_the_answers() -> None:
    latencies = np.random.default_rng(5).lognormal(-4, 0.5, 200_000)
    kept = np.quantile(latencies, QUANTILES, method="inverted_cdf").tolist()
    distribution = Distribution(count=latencies.size, seconds=kept, uncorrected=kept)

    edges = bins([distribution])
    shares = shares_within(distribution, edges)

    counted, _ = np.histogram(latencies, edges)
    assert len(shares) == BINS
    assert shares.sum() == pytest.approx(0.999, abs=1e-3)
    assert shares == pytest.approx(counted / latencies.size, abs=0.005)


def test_equal_latencies_are_one_step_of_a_histogram() -> None:
    equal = Distribution(count=100, seconds=[0.01] * len(QUANTILES), uncorrected=[])

    shares = shares_within(equal, bins([equal]))

    assert shares.sum() == pytest.approx(1)
    assert (shares > 0).sum() == 1


def test_pairs_lie_at_their_ratios_around_the_mean_within_the_interval() -> None:
    (comparison, *_) = simulate({CANDIDATE: WORSE}).comparisons
    assert comparison.ratio is not None
    assert comparison.low is not None
    assert comparison.high is not None

    root = parsed(pairs("x", comparison, MARGIN, NEW, OLD))

    found = marks(root, "t1")
    per_log = slope([y for _, y in found], comparison.log_ratios)
    zero = position(root, "zero")
    assert per_log < 0
    assert position(root, "mean t1") == pytest.approx(zero + per_log * math.log(comparison.ratio), abs=0.1)
    for style, (low, high) in {
        "interval t1": (comparison.low, comparison.high),
        "band": (1 - MARGIN, 1 + MARGIN),
    }.items():
        (area,) = (rect for rect in root.findall("rect") if rect.attrib["class"] == style)
        top, height = float(area.attrib["y"]), float(area.attrib["height"])
        assert top == pytest.approx(zero + per_log * math.log(high), abs=0.1)
        assert top + height == pytest.approx(zero + per_log * math.log(low), abs=0.1)


def test_an_endless_interval_is_cut_and_the_pairs_stay_apart() -> None:
    (comparison, *_) = make_undecided().scenarios[0].comparisons
    endless = msgspec.structs.replace(comparison, low=1e-300, high=1e300)

    root = parsed(pairs("x", endless, MARGIN, NEW, OLD))

    heights = [y for _, y in marks(root, "t1")]
    assert max(heights) - min(heights) > 3
    assert all(math.isfinite(height) for height in heights)


def test_three_targets_have_three_colours_and_three_shapes() -> None:
    scenario = simulate({CANDIDATE: BETTER, THIRD: WORSE})

    root = parsed(percentiles("x", scenario, THREE))

    shapes = {
        path.attrib["class"]: re.sub(r"[\d. -]+", " ", path.attrib["d"])
        for path in root.findall("path")
        if "mark" in path.attrib["class"]
    }
    assert set(shapes) == {"mark t0", "mark t1", "mark t2"}
    assert len(set(shapes.values())) == 3


def test_a_drawing_says_in_words_what_it_shows() -> None:
    scenario = simulate({CANDIDATE: BETTER})

    root = parsed(percentiles("here", scenario, PAIR))

    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"].split() == ["here-title", "here-description"]
    assert root.findtext("title") == f"Latency at each percentile: {scenario.title}"
    assert re.fullmatch(r"flask-api: P50 [\d.]+ ms, P90 .*; fastapi-api: P50 .*\.", root.findtext("desc") or "")


def test_names_are_texts_whatever_is_in_them() -> None:
    drawing = Drawing(HOSTILE.replace(" ", ""), HOSTILE, HOSTILE, HOSTILE)
    drawing.text(0, 0, HOSTILE, "start")
    drawing.mark(0, 0, 0, says=HOSTILE)

    root = parsed(drawing)

    assert {element.tag for element in root.iter()} == {"svg", "title", "desc", "text", "path"}
    assert root.findtext("text") == HOSTILE.replace("\u202e", "\\u202e")


def test_a_refused_scenario_is_drawn_as_far_as_it_was_measured() -> None:
    scenario = make_refused().scenarios[1]

    root = parsed(pairs("x", scenario.comparisons[0], MARGIN, NEW, OLD))

    assert len(marks(root, "t1")) == 3


def parsed(drawing: Drawing | None) -> Element:
    assert drawing is not None
    return ET.fromstring(drawing.svg())  # noqa: S314 - made here


def marks(root: Element, style: str) -> list[tuple[float, float]]:
    """Return the middles of a target's marks."""
    found = []
    for path in root.findall("path"):
        if path.attrib["class"] == f"mark {style}":
            if "a" in path.attrib["d"]:
                x, y, radius = map(float, re.findall(r"-?[\d.]+", path.attrib["d"])[:3])
                found.append((x + radius, y))
            else:
                numbers = [float(number) for number in re.findall(r"-?[\d.]+", path.attrib["d"])]
                xs, ys = numbers[::2], numbers[1::2]
                found.append(((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2))
    return found


def position(root: Element, style: str) -> float:
    (line,) = (line for line in root.findall("line") if line.attrib["class"] == style)
    assert line.attrib["y1"] == line.attrib["y2"]
    return float(line.attrib["y1"])


def slope(positions: list[float], values: list[float]) -> float:
    """Return how many units of the drawing one of the values is; they lie on a line."""
    gradient, offset = np.polyfit(values, positions, 1)
    assert positions == pytest.approx([gradient * value + offset for value in values], abs=0.15)
    return float(gradient)
