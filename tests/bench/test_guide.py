"""One file for all commands: docs/bring-your-own-service.md and docs/measuring.md, followed as they stand there."""

from pathlib import Path

import pytest
from serving_lab.bench.result import BenchResult
from serving_lab.footprint.result import FootprintResult
from serving_lab.results import files
from support import local_http
from support.guide import BENCH_GUIDE, PARITY_GUIDE, Guide, Reader

pytestmark = pytest.mark.service

GUIDE = Guide(BENCH_GUIDE)
OF_ALL = Guide(PARITY_GUIDE).block("yaml", "sign_in:"), GUIDE.block("yaml", "opening_hours:")
OF_FOOTPRINT = GUIDE.block("yaml", "footprint:")


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """A reader who has written everything into one file."""
    reader = Reader(tmp_path)
    reader.save("shop.yaml", *OF_ALL, OF_FOOTPRINT)
    return reader


def test_services_of_others_are_measured_as_the_guide_says(reader: Reader) -> None:
    command = GUIDE.command("--target new=http://127.0.0.1:5002 --profile shop.yaml")

    with reader.shop("5001", "old"), reader.shop("5002", "new"):
        code, said = reader.run(f"{command} --pairs 3 --seconds 1.5")

    assert code in {0, 2}, said
    result = files.read(reader.directory / "results" / "bench.json", BenchResult)
    assert [scenario.name for scenario in result.scenarios] == ["alone", "opening_hours"]
    assert all(arm.answered and not arm.wrong for scenario in result.scenarios for arm in scenario.arms)
    assert all(scenario.arms for scenario in result.scenarios), said


def test_the_same_file_compares_and_signs_in(reader: Reader) -> None:
    compare = Guide(PARITY_GUIDE).command("--candidate http://127.0.0.1:5002 --profile shop.yaml")

    with reader.shop("5001", "old"), reader.shop("5002", "new"):
        code, said = reader.run(f"{compare} --generate 100")
        signed_in, token = reader.run("lab token http://127.0.0.1:5001 --profile shop.yaml")
        orders = f"http://127.0.0.1:{reader.ports['5001']}/orders"
        answer = local_http.get(orders, headers={"X-Token": token.strip()})

    assert (code, "Different: " in said) == (1, True), said
    assert (signed_in, answer.status_code) == (0, 200), token


def test_the_same_file_weighs_the_services(reader: Reader) -> None:
    short = "--starts 1 --rounds 1 --seconds 1"

    code, said = reader.run(f"{GUIDE.command('lab footprint --profile shop.yaml')} {short}")

    assert code == 0, said
    result = files.read(reader.directory / "results" / "footprint.json", FootprintResult)
    assert [target.name for target in result.targets] == ["old", "new"]
    for target in result.targets:
        assert target.start_up is not None
        assert {"ready", "answered"} <= target.start_up.milestones.keys()
        (round_,) = target.rounds
        assert (round_.wrong, round_.answered > 10) == ({}, True)
