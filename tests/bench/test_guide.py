"""docs/measuring.md, followed as it stands there: two services of others, measured with the file of the other guide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from serving_lab.bench.result import BenchResult
from serving_lab.results import files
from support.guide import BENCH_GUIDE, PARITY_GUIDE, Guide, Reader

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.service, pytest.mark.alone]


def test_services_of_others_are_measured_as_the_guide_says(tmp_path: Path) -> None:
    guide = Guide(BENCH_GUIDE)
    reader = Reader(tmp_path)
    description = Guide(PARITY_GUIDE).block("yaml", "sign_in:")
    reader.save("shop.yaml", description, guide.block("yaml", "opening_hours:"), guide.block("yaml", "footprint:"))

    with reader.shop("5001", "old"), reader.shop("5002", "new"):
        command = guide.command("--target new=http://127.0.0.1:5002 --profile shop.yaml")
        code, said = reader.run(f"{command} --pairs 3 --seconds 1.5")

    assert code in {0, 2}, said
    result = files.read(tmp_path / "results" / "bench.json", BenchResult)
    assert [scenario.name for scenario in result.scenarios] == ["alone", "opening_hours"]
    assert all(arm.answered and not arm.wrong for scenario in result.scenarios for arm in scenario.arms)
    assert all(scenario.arms for scenario in result.scenarios), said
