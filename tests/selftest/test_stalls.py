"""A server that stands still is seen to stand still: time counts from when a request was due."""

import numpy as np
import pytest
from serving_lab.experiment.arms import Load, latency_values
from serving_lab.generator.messages import Open
from support.processors import undisturbed
from support.subject import Behaviour, subject

from selftest.proof import SERVER, bench, generator, say

pytestmark = pytest.mark.alone

RATE, SECONDS, CONNECTIONS, STALL = 250.0, 6.0, 5, 1.0


def test_a_stall_of_a_second_is_in_the_corrected_p99_and_hardly_in_the_other() -> None:
    behaviour = Behaviour(freeze_at=2.0, freeze_for=STALL)
    load = Load({"predict": 1}, CONNECTIONS, Open(RATE, "constant"))
    with subject(behaviour, SERVER, undisturbed()) as url, generator() as fleet:
        measuring = bench(fleet, url)
        outcome = measuring.send(measuring.targets[0], load, seed=1, seconds=SECONDS)

    # Of the requests at equal distances, those due while it stands still wait for its end; the others take no time.
    waits = np.concatenate([np.arange(0, STALL, 1 / RATE), np.zeros(int((SECONDS - STALL) * RATE))])
    computed = float(np.quantile(waits, 0.99, method="inverted_cdf"))
    corrected, uncorrected = (latency_values(each)["p99"] for each in (outcome.latencies, outcome.uncorrected))
    say(f"P99 with a stall of {STALL:g} s: computed {computed:.3f}, corrected {corrected:.3f}, not {uncorrected:.4f} s")
    assert corrected == pytest.approx(computed, rel=0.1)
    assert uncorrected < computed / 5
