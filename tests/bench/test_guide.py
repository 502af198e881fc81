"""docs/measuring.md, followed as it stands there: two services of others, measured with a profile of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from serving_lab.bench.result import BenchResult
from serving_lab.results import files
from support.guide import BENCH_GUIDE, Guide, Reader

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.service, pytest.mark.alone]


def test_services_of_others_are_measured_as_the_guide_says(tmp_path: Path) -> None:
    guide = Guide(BENCH_GUIDE)
    reader = Reader(tmp_path)
    reader.save("shop-bench.yaml", guide.block("yaml", "opening_hours:"))

    with reader.shop("5001", "old"), reader.shop("5002", "new"):
        code, said = reader.run(f"{guide.command('--profile shop-bench.yaml')} --pairs 3 --seconds 1.5")

    assert code in {0, 2}, said
    result = files.read(tmp_path / "results" / "bench.json", BenchResult)
    assert [scenario.name for scenario in result.scenarios] == ["alone", "opening_hours"]
    assert all(arm.answered and not arm.wrong for scenario in result.scenarios for arm in scenario.arms)
    assert all(scenario.arms for scenario in result.scenarios), said
