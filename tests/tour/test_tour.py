"""The tour on this host, for real, gone through to its end."""

import pytest
from bench.measured import not_measured
from serving_lab import exit_codes
from serving_lab.bench.result import BenchResult
from serving_lab.parity.result import ParityResult
from serving_lab.results import files
from support.checkout import Checkout
from support.processors import lost_to_others

from tour.touring import SHORT, STEPS, flowing, is_up

pytestmark = [pytest.mark.stack, pytest.mark.alone]


def test_the_tour_finds_what_it_planted_and_leaves_nothing_running(checkout: Checkout) -> None:
    result = checkout.lab("tour", "--mode", "native", "--yes", *SHORT, seconds=280)

    said = flowing(result.stdout)
    at = [said.find(step) for step in STEPS]
    assert -1 not in at, f"{result.stdout[-3000:]}\n{result.stderr}"
    assert at == sorted(at)
    assert "Flask and FastAPI predict 179.65." in said
    assert "Now Flask answers" in said
    assert "The lab is down (native)." in said
    assert not is_up(checkout)

    parity = files.read(checkout.root / "results" / "tour" / "parity.json", ParityResult)
    assert [cause.where for cause in parity.causes] == ["$.prediction"]
    assert f"differ at $.prediction, such as {parity.causes[0].primary} from the old service" in said
    assert (checkout.root / "results" / "tour" / "report.html").is_file()
    assert {path.name for path in (checkout.root / "results").iterdir()} == {"tour"}

    if result.returncode == exit_codes.CANNOT_TELL and "could not be judged" in result.stderr:
        not_measured(result.stderr, lost_to_others())
    assert result.returncode == exit_codes.OK, result.stderr
    bench = files.read(checkout.root / "results" / "tour" / "bench.json", BenchResult)
    (p50,) = [comparison for _, comparison in bench.comparisons if comparison.metric == "p50"]
    assert p50.verdict == "slower"
    assert "Found: slower." in said
