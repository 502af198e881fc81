"""docs/scaling.md is what its result gives; the model finds what was planted, and agrees with the theory of queues."""

import math
import re

import msgspec
import pytest
from serving_lab.results import files

from benchmark.scaling import model, page
from benchmark.scaling.model import Model
from benchmark.scaling.result import Arrangement, Measured, Round, ScalingResult
from benchmark.scaling.running import ARRANGEMENTS

PLANTED = Model(
    worker=300e-6,
    coherency=0.03,
    crowding=0.05,
    shared_cache=250e-6,
    gateway=50e-6,
    cache=40e-6,
    load=60e-6,
    efficiency=0.9,
)
PROCESSORS = 2


def test_the_page_is_what_its_result_gives() -> None:
    text, result = page.PAGE.read_text(encoding="utf-8"), files.read(page.RESULT, ScalingResult)

    assert sorted(page.names(text)) == sorted(page.TABLES)
    assert page.filled(text, result) == text, "make scaling FILL=1 fills it"
    assert page.drawn(result) == page.PLOT.read_text(encoding="utf-8")


def test_a_figure_that_was_changed_by_hand_is_noticed() -> None:
    text, result = page.PAGE.read_text(encoding="utf-8"), files.read(page.RESULT, ScalingResult)
    first = re.search(r"^\| one worker, on one processor \| (\d)", text, re.MULTILINE)
    assert first is not None

    assert page.filled(text[: first.end()] + "9" + text[first.end() :], result) == text


def test_the_model_finds_what_was_planted_and_foretells_what_was_held_out() -> None:
    fitted = model.fit(planted(), PROCESSORS)

    for name, value in vars(PLANTED).items():
        assert getattr(fitted, name) == pytest.approx(value, rel=1e-3), name
    held_out = [setup for setup in ARRANGEMENTS if setup.held_out]
    assert len(held_out) == 4
    for setup in held_out:
        assert fitted.cost(setup, PROCESSORS) == pytest.approx(PLANTED.cost(setup, PROCESSORS), rel=1e-3)


def test_what_is_held_out_does_not_change_the_model() -> None:
    changed = [
        msgspec.structs.replace(each, rounds=[msgspec.structs.replace(each.rounds[0], service=1.0)])
        if each.arrangement.held_out
        else each
        for each in planted()
    ]

    assert model.fit(changed, PROCESSORS) == model.fit(planted(), PROCESSORS)


def test_throughput_is_bounded_by_what_is_busiest() -> None:
    assert PLANTED.bound(Arrangement(), 64) == pytest.approx(1 / 300e-6)  # its one worker
    assert PLANTED.bound(Arrangement(workers=4), 1) == pytest.approx(1 / (300e-6 + 60e-6))  # the machine
    assert PLANTED.bound(Arrangement(instances=100, caches=1), 10_000) == pytest.approx(1 / 40e-6)  # Redis


@pytest.mark.parametrize("busy", [0.3, 0.6])
def test_simulated_waiting_is_what_the_formula_says(busy: float) -> None:
    """Pollaczek and Khinchine: the mean of an M/G/1 queue."""
    constant, uniform = [0.001] * 11, [0.0002 * step for step in range(11)]

    for times, variance in ((constant, 0.0), (uniform, 0.002**2 / 12)):
        waits = busy * 0.001 * (1 + variance / 0.001**2) / (2 * (1 - busy))
        found = model.expected_latency(times, 0.001, busy / 0.001)
        assert found.mean == pytest.approx(0.001 + waits, rel=0.03)


def test_time_on_the_way_does_not_make_others_wait() -> None:
    found = model.expected_latency([0.003] * 11, 0.001, 300.0)

    assert found.mean == pytest.approx(0.003 + 0.3 * 0.001 / 1.4, rel=0.03)
    assert not math.isclose(found.p99, found.p50)


def planted() -> list[Measured]:
    def a_round(setup: Arrangement) -> Round:
        return Round(
            per_second=PLANTED.throughput(setup, PROCESSORS),
            service=PLANTED.service(setup, PROCESSORS),
            gateway=PLANTED.gateway * setup.gateway,
            caches=PLANTED.cache * bool(setup.caches),
            load=PLANTED.load,
        )

    return [Measured(arrangement=setup, standing=0.002, rounds=[a_round(setup)]) for setup in ARRANGEMENTS]
