"""Which services are compared, and what several comparisons come to."""

import io
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from rich.console import Console
from serving_lab import exit_codes
from serving_lab.errors import LabError
from serving_lab.parity import command, pairs
from serving_lab.parity.pairs import Pair
from serving_lab.targets.catalogue import Catalogue
from support.fake_server import Asked, Says, fake_server

ENTRY = (
    "  - {{name: {0}, label: {0}, about: x, role: {1}, port: {2}, port_setting: P{2}_PORT, colour: '#00000{2}', "
    "image_target: x{3}}}\n"
)
RUNNING = {"old": "http://127.0.0.1:1", "new": "http://127.0.0.1:2", "newer": "http://127.0.0.1:3"}
ELSEWHERE = "https://old.example"


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    file = tmp_path / "catalogue.yaml"
    entries = (
        ("old", "baseline", 1, ""),
        ("new", "candidate", 2, ", intended: [new.yaml], besides: [documentation]"),
        ("newer", "candidate", 3, ""),
    )
    file.write_text("services:\n" + "".join(ENTRY.format(*entry) for entry in entries))
    return Catalogue.read(file)


def test_without_names_the_baseline_is_compared_with_every_candidate_that_runs(catalogue: Catalogue) -> None:
    declared = (catalogue.path.parent / "new.yaml",)

    assert pairs.of_catalogue(None, None, None, catalogue, RUNNING) == [
        Pair(RUNNING["old"], RUNNING["new"], "new", declared),
        Pair(RUNNING["old"], RUNNING["newer"], "newer", (), described_by=RUNNING["new"]),
    ]


def test_what_no_running_service_describes_is_not_described(catalogue: Catalogue) -> None:
    running = {name: url for name, url in RUNNING.items() if name != "new"}

    assert pairs.of_catalogue(None, "newer", None, catalogue, running) == [
        Pair(RUNNING["old"], RUNNING["newer"], "newer", ())
    ]


def test_names_and_urls_may_be_mixed(catalogue: Catalogue, tmp_path: Path) -> None:
    declared = (catalogue.path.parent / "new.yaml",)
    other = (tmp_path / "other.yaml",)

    assert pairs.of_catalogue(ELSEWHERE, "new", None, catalogue, RUNNING) == [
        Pair(ELSEWHERE, RUNNING["new"], "new", declared)
    ]
    assert pairs.of_catalogue(None, "new", other, catalogue, RUNNING) == [
        Pair(RUNNING["old"], RUNNING["new"], "new", other)
    ]
    assert pairs.of_catalogue("old", ELSEWHERE, other, catalogue, RUNNING) == [
        Pair(RUNNING["old"], ELSEWHERE, intended=other)
    ]


def test_what_is_declared_against_the_baseline_is_not_declared_against_another(catalogue: Catalogue) -> None:
    assert pairs.of_catalogue("newer", "new", None, catalogue, RUNNING) == [
        Pair(RUNNING["newer"], RUNNING["new"], "new", None)
    ]


def test_a_name_that_does_not_run_is_told_with_those_that_do(catalogue: Catalogue) -> None:
    with pytest.raises(LabError, match="no service 'newest' runs") as error:
        pairs.of_catalogue(None, "newest", None, catalogue, RUNNING)
    assert error.value.hint == "choose from old, new, newer, or give a URL"


def test_two_urls_need_no_catalogue_and_one_is_not_enough() -> None:
    assert pairs.of_urls(ELSEWHERE, RUNNING["new"], None) == Pair(ELSEWHERE, RUNNING["new"])
    assert pairs.of_urls(None, None, None) is None
    assert pairs.of_urls(ELSEWHERE, "new", None) is None
    for primary, candidate in ((ELSEWHERE, None), (None, ELSEWHERE)):
        with pytest.raises(LabError, match="two services are needed to compare"):
            pairs.of_urls(primary, candidate, None)


def greeting(text: str) -> Callable[[Asked], Says]:
    return lambda asked: Says({"greeting": text}) if asked.path == "/greeting" else Says({}, status=404)


SAME, DIFFERENT, GONE = "same", "different", "gone"


@pytest.mark.parametrize(
    ("candidates", "code"),
    [
        ((SAME, SAME), exit_codes.OK),
        ((GONE, SAME), exit_codes.CANNOT_TELL),
        ((GONE, DIFFERENT), exit_codes.FOUND),
    ],
)
def test_of_several_a_difference_counts_more_than_what_cannot_be_told(
    candidates: Sequence[str], code: int, tmp_path: Path
) -> None:
    corpus = tmp_path / "corpus.yaml"
    corpus.write_text("requests:\n  - {name: greeting, path: /greeting}\n")
    output = tmp_path / "results"
    console = Console(file=io.StringIO(), width=140)
    with ExitStack() as running:
        urls = {
            SAME: running.enter_context(fake_server(greeting("hello"))).base_url,
            DIFFERENT: running.enter_context(fake_server(greeting("good day"))).base_url,
            GONE: "http://127.0.0.1:1",
        }
        options = command.Options(
            pairs=[Pair(urls[SAME], urls[kind], f"api-{at}") for at, kind in enumerate(candidates)],
            second_primary=None,
            profile=None,
            openapi=None,
            corpus=[corpus],
            har=(),
            postman=(),
            tapped=(),
            prediction_log=(),
            generate=0,
            repeat=1,
            seed=0,
            require_success=False,
            accept=None,
            output=output,
        )

        assert command.compare(options, {}, console) == code

    written = {f"parity-api-{at}.{kind}" for at, it in enumerate(candidates) if it != GONE for kind in ("json", "html")}
    assert {path.name for path in output.iterdir()} == written
