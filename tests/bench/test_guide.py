"""One file for all commands: docs/guide.md, followed as it stands there to the report."""

from pathlib import Path

import pytest
from serving_lab.bench.result import BenchResult
from serving_lab.footprint.result import FootprintResult
from serving_lab.results import files
from support import local_http
from support.guide import GUIDE, ShopReader

pytestmark = pytest.mark.service


def test_one_file_compares_measures_weighs_and_reports(tmp_path: Path) -> None:
    reader, results = ShopReader(tmp_path), tmp_path / "results"
    reader.save("shop.yaml", *(GUIDE.block("yaml", having) for having in ("sign_in:", "opening_hours:", "footprint:")))

    with reader.shop("5001", "old"), reader.shop("5002", "new"):
        compared, said = reader.run(f"{GUIDE.command('lab parity', '5002 --profile shop.yaml')} --generate 100")
        assert (compared, "Different: " in said) == (1, True), said

        signed_in, token = reader.run("lab token http://127.0.0.1:5001 --profile shop.yaml")
        orders = f"http://127.0.0.1:{reader.ports['5001']}/orders"
        answer = local_http.get(orders, headers={"X-Token": token.strip()})
        assert (signed_in, answer.status_code) == (0, 200), token

        measured, said = reader.run(f"{GUIDE.command('lab bench', '--profile shop.yaml')} --pairs 3 --seconds 1.5")
        assert measured in {0, 2}, said
    bench = files.read(results / "bench.json", BenchResult)
    assert [scenario.name for scenario in bench.scenarios] == ["alone", "opening_hours"]
    assert all(arm.answered and not arm.wrong for scenario in bench.scenarios for arm in scenario.arms)
    assert all(scenario.arms for scenario in bench.scenarios), said

    short = "--starts 1 --rounds 1 --seconds 1"
    weighed, said = reader.run(f"{GUIDE.command('lab footprint --profile')} {short}")
    assert weighed == 0, said
    footprint = files.read(results / "footprint.json", FootprintResult)
    assert [target.name for target in footprint.targets] == ["old", "new"]
    for target in footprint.targets:
        assert target.start_up is not None
        assert {"ready", "answered"} <= target.start_up.milestones.keys()
        (round_,) = target.rounds
        assert (round_.wrong, round_.answered > 10) == ({}, True)

    reported, said = reader.run(GUIDE.command("lab report", "report"))
    assert reported in {0, 1}, said
    page = (results / "report.html").read_text(encoding="utf-8")
    assert all(text in page for text in ("Customers who arrive at random", "Start-up", "Parity"))
