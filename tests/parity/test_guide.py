"""docs/guide.md, followed step by step: its files and its commands, as they stand there."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.guide import GUIDE, SHOP, ShopReader

pytestmark = pytest.mark.service

PROFILE = GUIDE.block("yaml", "sign_in:")
FLOAT = ("int against float", "$.price")


def compare(reader: ShopReader, ending: str, generate: int = 50) -> tuple[int, str]:
    """Type the comparison that ends so; it takes 500 requests to draw an order that is right."""
    return reader.run(f"{GUIDE.command('lab parity --primary http', ending)} --generate {generate}")


def causes(reader: ShopReader) -> set[tuple[str, str]]:
    """DifferenceKind and place of what the last comparison found."""
    result = json.loads((reader.directory / "results" / "parity.json").read_text(encoding="utf-8"))
    return {(cause["kind"], cause["where"]) for cause in result["causes"]}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[ShopReader]:
    """A reader who has started both shops."""
    reader = ShopReader(tmp_path)
    with reader.shop("5001", "old"):
        yield reader


def test_the_guide_leads_from_the_smallest_command_to_the_same(reader: ShopReader) -> None:
    with reader.shop("5002", "new"):
        code, said = reader.run(GUIDE.command("lab init").partition("#")[0])
        assert (code, "api.yaml: 3 requests, of which 1 answered 2xx" in said) == (0, True), said
        assert "say how to sign in" in said

        code, said = compare(reader, "5002")
        assert (code, "Same, as far as anybody was let in: " in said) == (0, True), said
        assert "POST /orders never answered 2xx" in said

        reader.save("shop.yaml", PROFILE)
        code, said = compare(reader, "--profile shop.yaml", 500)
        assert (code, "Different: " in said) == (1, True), said
        assert {("status", "status"), FLOAT} <= causes(reader)

        reader.save("shop-corpus.yaml", GUIDE.block("yaml", "sequences:"))
        reader.save("shop-intended.yaml", GUIDE.block("yaml", "- reason: 422"))
        files = GUIDE.block("yaml", "corpus: ["), "  intended: shop-intended.yaml"
        reader.save("shop.yaml", PROFILE, *files)
        code, said = compare(reader, "--profile shop.yaml", 500)
        assert code == 1, said
        assert FLOAT in causes(reader)
        assert "1 of 1 declared difference occurred" in said

    fixed = SHOP.replace('float(body["price"]) if NEW else body["price"]', 'body["price"]')
    reader.save("shop.py", fixed)
    with reader.shop("5002", "new"):
        code, said = compare(reader, "--profile shop.yaml", 500)
    assert (code, causes(reader)) == (0, set()), said


def test_recorded_traffic_is_sent_as_the_guide_says(reader: ShopReader) -> None:
    headers = [{"name": "X-Token", "value": "from the recording"}]
    order: dict[str, object] = {"method": "POST", "url": "https://api.example.org/v1/orders", "headers": headers}
    order["postData"] = {"mimeType": "application/json", "text": '{"item": "apple", "price": 7}'}
    reader.save("shop.har", json.dumps({"log": {"version": "1.2", "entries": [{"request": order}]}}))
    reader.save("orders.jsonl", '{"item": "apple", "price": 7}', "no JSON")
    log = GUIDE.block("yaml", "prediction_log:").removeprefix("parity:\n")
    reader.save("shop.yaml", PROFILE, GUIDE.block("yaml", "har:"), log)

    with reader.shop("5002", "new"):
        for having, warning in (("--har shop.har", ""), ("--prediction-log orders.jsonl", "1 of 2 lines")):
            code, said = compare(reader, having)

            assert code == 1, said
            assert "1 recorded" in said
            assert warning in said
            assert FLOAT in causes(reader)
            assert "from the recording" not in (reader.directory / "results" / "parity.json").read_text(
                encoding="utf-8"
            )


def test_nothing_to_compare_is_told(reader: ShopReader) -> None:
    reader.ports["5002"] = reader.ports["5001"]

    code, said = compare(reader, "5002")

    assert (code, "nothing was compared" in said) == (2, True), said


def test_every_example_of_a_profile_is_one(tmp_path: Path) -> None:
    from serving_lab.parity.inputs.profile import Profile

    (tmp_path / "profile.yaml").write_text(GUIDE.block("yaml", "tokens:"), encoding="utf-8")

    variables = Profile.load(tmp_path / "profile.yaml", {"KEY": "k" * 40}).variables

    assert set(variables) == {"expired", "unsigned", "strong"}
