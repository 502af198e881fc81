"""How traffic went over, in the report."""

from pathlib import Path

from made.measurement import make_bench
from made.rollout import HOSTILE, make_rollout
from serving_lab.results import files
from serving_lab.rollout.result import Ending
from serving_lab.text.phrases import MINUS
from support.command import lab


def test_the_report_tells_how_traffic_went_over(tmp_path: Path) -> None:
    files.write(tmp_path / "bench.json", make_bench())
    files.write(tmp_path / "rollout.json", make_rollout())

    done = lab("report", "--results", tmp_path)

    assert done.returncode == 0, done.stderr
    markdown = (tmp_path / "report.md").read_text()
    assert "## How it went over\n\n**Promoted.** everything is within its limits" in markdown
    assert f"failed requests {MINUS}0.10 points to +0.10 points, limit +0.20 points: within" in markdown
    assert "of the stage before" in markdown
    assert "How it went over" in (tmp_path / "report.html").read_text()


def test_a_rollout_is_enough_for_a_report_and_what_it_quotes_is_only_text(tmp_path: Path) -> None:
    files.write(tmp_path / "rollout.json", make_rollout(Ending.ROLLED_BACK, HOSTILE))

    done = lab("report", "--results", tmp_path)

    assert done.returncode == 0, done.stderr
    page, markdown = ((tmp_path / name).read_text() for name in ("report.html", "report.md"))
    assert "<script>" not in page + markdown
    assert "\x1b" not in page + markdown
    assert "Rolled back." in page
    assert "420 ms of the decision" in markdown
    assert "POST /predict: number" in page


def test_without_a_rollout_the_report_is_silent_about_it(tmp_path: Path) -> None:
    files.write(tmp_path / "bench.json", make_bench())

    assert lab("report", "--results", tmp_path).returncode == 0

    assert "went over" not in (tmp_path / "report.md").read_text() + (tmp_path / "report.html").read_text()
