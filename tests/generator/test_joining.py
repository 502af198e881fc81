"""Samples of many generators are joined as they are: a percentile is that of all of them, and no average."""

import numpy as np
import pytest
from serving_lab.experiment.arms import generator_of, latency_values
from serving_lab.experiment.validity import of_generator
from serving_lab.generator.clock import Clock
from serving_lab.generator.messages import Done
from serving_lab.generator.outcome import Measured, RunOutcome, together

from generator.samples import done

CHANCE = np.random.default_rng(1)
FAST, SLOW = CHANCE.lognormal(-6, 0.3, 5000), CHANCE.lognormal(-3, 0.3, 1000)
LATENCY = {"p99": 0.005}


def joined(*parts: Done, lost: dict[str, str] | None = None) -> RunOutcome:
    return together(
        [Measured(f"host-{at}", Clock(at, 1e-4), part, 0.0) for at, part in enumerate(parts)], 1.0, lost or {}
    )


def test_percentiles_are_those_of_all_samples() -> None:
    both = np.sort(np.concatenate([FAST, SLOW]))

    outcome = joined(done(FAST), done(SLOW))

    assert np.array_equal(np.sort(outcome.latencies.round(12)), both.round(12))
    assert latency_values(outcome.latencies)["p90"] == pytest.approx(both[int(0.9 * both.size) - 1])
    average = (np.quantile(FAST, 0.9) + np.quantile(SLOW, 0.9)) / 2
    assert average != pytest.approx(latency_values(outcome.latencies)["p90"], rel=0.1)


def test_the_rate_of_each_is_known() -> None:
    outcome = joined(done(FAST), done(SLOW))

    assert {part.name: part.rate for part in outcome.parts} == {"host-0": 5000, "host-1": 1000}


def test_one_late_generator_of_many_is_named() -> None:
    outcome = joined(*[done(FAST)] * 15, done(SLOW[:10], lags=0.05))

    assert of_generator(generator_of(outcome), LATENCY) == [
        "the generator was late: P99 of its lag is 50.0 ms (host-15)",
    ]


def test_a_lost_generator_is_named_with_what_became_of_it() -> None:
    outcome = joined(done(FAST), lost={"host-1": "does not answer"})

    assert of_generator(generator_of(outcome), LATENCY) == ["a generator was lost: host-1 does not answer"]


def test_generators_that_did_not_begin_together_do_not_count() -> None:
    outcome = joined(done(FAST), done(FAST, late=0.03))

    assert of_generator(generator_of(outcome), LATENCY) == [
        "generators did not begin together: up to 30.2 ms apart",
    ]
