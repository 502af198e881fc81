"""`lab report` as a person runs it: files in, files and a line out, and what to do where there is nothing to read."""

from pathlib import Path

import pytest
from made.comparison import make_different, make_parity
from made.footprint import make_footprint
from made.measurement import CANDIDATE, THIRD, make_bench
from made.simulated import make_three, make_win
from serving_lab.results import files
from support.command import lab


def test_it_writes_page_and_document_and_says_what_to_do(tmp_path: Path) -> None:
    files.write(tmp_path / "bench.json", make_win())
    files.write(tmp_path / "parity.json", make_parity())
    files.write(tmp_path / "footprint.json", make_footprint())

    done = lab("report", "--results", tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"{CANDIDATE}: Move: It answers the same, is faster in 8 of 8 verdicts and slower in none.",
        str(tmp_path / "report.html"),
        str(tmp_path / "report.md"),
    ]
    assert "<title>Report: move</title>" in (tmp_path / "report.html").read_text()
    assert (tmp_path / "report.md").read_text().startswith("# fastapi-api against flask-api\n")


def test_files_may_lie_elsewhere_and_the_report_go_elsewhere(tmp_path: Path) -> None:
    files.write(tmp_path / "yesterday.json", make_three())

    done = lab(
        "report",
        "--results",
        tmp_path,
        "--bench",
        tmp_path / "yesterday.json",
        "--output",
        tmp_path / "new",
        cwd=tmp_path,
    )

    assert done.returncode == 0
    assert "fastapi-api: Move with care" in done.stdout
    assert "go-api: Stay" in done.stdout
    assert "No parity: lab parity adds whether the services answer alike." in done.stdout
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"report.html", "report.md"}


def test_each_candidate_may_have_its_own_comparison_of_answers(tmp_path: Path) -> None:
    files.write(tmp_path / "bench.json", make_three())
    files.write(tmp_path / f"parity-{CANDIDATE}.json", make_different())
    files.write(tmp_path / f"parity-{THIRD}.json", make_parity())

    done = lab("report", "--results", tmp_path)

    page = (tmp_path / "report.html").read_text()
    assert "fastapi-api: Move with care: It is faster" in " ".join(done.stdout.split())
    assert "but it answers otherwise" in done.stdout
    assert f"Does {CANDIDATE} answer alike?" in page
    assert f"Does {THIRD} answer alike?" in page


@pytest.mark.parametrize("name", ["bench", "parity", "footprint"])
def test_one_result_is_enough(tmp_path: Path, name: str) -> None:
    made = {"bench": make_win(), "parity": make_parity(), "footprint": make_footprint()}
    files.write(tmp_path / f"{name}.json", made[name])

    assert lab("report", "--results", tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("content", "arguments", "complaint"),
    [
        (None, (), "holds no result to report\n hint: make bench, make parity, make footprint"),
        (None, ("--bench", "missing.json"), "missing.json: No such file or directory\n hint: make bench writes one"),
        (None, ("--parity", "missing.json"), "missing.json: No such file or directory"),
        ("{", (), "bench.json is not a result of lab bench"),
        ("[]", (), "bench.json is not a result of lab bench"),
    ],
)
def test_where_nothing_can_be_read_it_says_what_to_do(
    tmp_path: Path, content: str | None, arguments: tuple[str, ...], complaint: str
) -> None:
    if content:
        (tmp_path / "bench.json").write_text(content)

    done = lab("report", "--results", tmp_path, *arguments)

    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "report.html").exists()


def test_a_measurement_of_one_target_compares_nothing(tmp_path: Path) -> None:
    files.write(tmp_path / "bench.json", make_bench(targets=make_win().targets[:1]))

    done = lab("report", "--results", tmp_path)

    assert done.returncode == 2
    assert "the result of lab bench has too few targets: 1\n hint: make bench writes another" in done.stderr


def test_it_says_where_it_cannot_write(tmp_path: Path) -> None:
    files.write(tmp_path / "parity.json", make_parity())
    (tmp_path / "taken").write_text("")

    done = lab("report", "--results", tmp_path, "--output", tmp_path / "taken")

    assert done.returncode == 2
    assert f"{tmp_path / 'taken'}: File exists\n hint: --output DIR" in done.stderr
