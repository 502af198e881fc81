"""What a result says of latencies is what was measured, to half a percent and better."""

import numpy as np
import pytest
from serving_lab.bench.scenario_run import curve
from serving_lab.experiment.arms import LATENCY_SHARES, Load, latency_values
from serving_lab.experiment.records import QUANTILES
from serving_lab.generator.messages import Closed
from support.processors import undisturbed
from support.subject import Behaviour, subject

from selftest.proof import SERVER, bench, generator, say

pytestmark = pytest.mark.alone


def test_percentiles_are_those_of_the_raw_data() -> None:
    with subject(Behaviour(), SERVER, undisturbed()) as url, generator() as fleet:
        measuring = bench(fleet, url)
        outcome = measuring.send(measuring.targets[0], Load({"predict": 1}, 4, Closed()), seed=1, seconds=3.0)

    raw = sorted(float(answered - sent) for answered, sent in zip(outcome.answered, outcome.sent, strict=True))
    values, distribution = latency_values(outcome.latencies), curve(outcome.latencies)
    worst = 0.0
    for name, share in LATENCY_SHARES.items():
        exact = raw[int(np.ceil(share * len(raw))) - 1]
        kept = distribution[QUANTILES.index(share)]
        worst = max(worst, abs(values[name] / exact - 1), abs(kept / exact - 1))
    say(f"percentiles against {len(raw):,} raw samples: {worst:.4%} off at most")
    assert len(raw) > 10_000
    assert values["mean"] == pytest.approx(sum(raw) / len(raw), rel=1e-9)
    assert worst < 0.005
