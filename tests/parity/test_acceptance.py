"""`--accept`: what was found becomes a file of declarations, which needs a reason each and then declares all of it."""

import io
from pathlib import Path

import pytest
from made.comparison import make_cause, make_different
from rich.console import Console
from serving_lab import exit_codes
from serving_lab.errors import LabError
from serving_lab.parity.command import Options, compare
from serving_lab.parity.inputs.intended import read_intended
from serving_lab.parity.pairs import Pair
from serving_lab.parity.reporting import acceptance
from support.fake_server import Asked, FakeServer, Says, fake_server

CORPUS = "requests:\n" + "".join(
    f"  - {{name: '{name}', path: '/{name}'}}\n" for name in ("a", "b", "c", "many[0]", "x*")
)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving_lab.parity.run._PASS_SECONDS", 0.01)
    monkeypatch.setattr("serving_lab.parity.run._PROBE_SECONDS", 0.001)


def old(asked: Asked) -> Says:
    return Says({"said": asked.path, "n": 1}, headers={"X-Server": "old"})


def new(asked: Asked) -> Says:
    """One that differs in a header everywhere, in a status at one operation, and in texts of its own at each."""
    return Says({"said": asked.path[::-1], "n": 2, "more": None}, 201 if asked.path == "/b" else 200)


def run(folder: Path, primary: FakeServer, candidate: FakeServer, intended: Path | None, accept: Path | None) -> int:
    corpus = folder / "corpus.yaml"
    corpus.write_text(CORPUS)
    options = Options(
        pairs=[Pair(primary.base_url, candidate.base_url, intended=(intended,) if intended else None)],
        second_primary=None,
        profile=None,
        openapi=None,
        corpus=[corpus],
        har=(),
        postman=(),
        tapped=(),
        prediction_log=(),
        generate=0,
        repeat=2,
        seed=0,
        require_success=False,
        accept=accept,
        output=folder / "results",
    )
    return compare(options, {}, Console(file=io.StringIO()))


def test_what_was_found_is_declared_once_each_entry_has_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "found.yaml"
    with fake_server(old) as primary, fake_server(new) as candidate:
        assert run(tmp_path, primary, candidate, None, file) == exit_codes.FOUND
        with pytest.raises(LabError, match="reason: it is empty"):
            read_intended(file, {})
        file.write_text(file.read_text().replace("reason: ''", "reason: it is meant"))

        assert run(tmp_path, primary, candidate, file, None) == exit_codes.OK

    header = next(each for each in read_intended(file, {}) if each.where == "header x-server")
    assert (header.request, header.primary) == ("*", "old")


def test_a_file_that_exists_is_not_overwritten_and_nothing_is_compared(tmp_path: Path) -> None:
    file = tmp_path / "found.yaml"
    file.write_text("- reason: mine")
    with fake_server(old) as primary, fake_server(new) as candidate:
        with pytest.raises(LabError, match="exists, and is not overwritten"):
            run(tmp_path, primary, candidate, None, file)

        assert not primary.requests
    assert file.read_text() == "- reason: mine"


def test_what_is_the_same_writes_no_file(tmp_path: Path) -> None:
    with fake_server(old) as primary, fake_server(old) as candidate:
        assert run(tmp_path, primary, candidate, None, tmp_path / "found.yaml") == exit_codes.OK

    assert not (tmp_path / "found.yaml").exists()


def test_no_header_is_declared_for_operations_that_do_not_show_it_and_names_stay_in_their_comment(
    tmp_path: Path,
) -> None:
    operations = {f"GET /{letter}": 1 for letter in "ab"}
    example = make_cause().example
    cause = make_cause(kind="header missing", where="header a", operations=operations, example=example)

    acceptance.write(make_different(cause), tmp_path / "found.yaml")

    text = (tmp_path / "found.yaml").read_text().replace("reason: ''", "reason: x")
    (tmp_path / "found.yaml").write_text(text)
    assert [one.request for one in read_intended(tmp_path / "found.yaml", {})] == list(operations)
