"""What the report tells of the model."""

from pathlib import Path

import msgspec
from made.drift import DRIFTED
from made.judgement import REFUSED
from made.measurement import make_bench
from made.rollout import make_rollout
from serving_lab.results import files
from support.command import lab


def test_the_report_tells_what_is_known_of_the_model(tmp_path: Path) -> None:
    files.write(tmp_path / "bench.json", make_bench())
    files.write(tmp_path / "judgement.json", REFUSED)
    files.write(tmp_path / "drift.json", DRIFTED)
    files.write(tmp_path / "model-rollout.json", msgspec.structs.replace(make_rollout(), model="2"))

    done = lab("report", "--results", tmp_path)

    assert done.returncode == 0, done.stderr
    section = (tmp_path / "report.md").read_text().partition("## The model\n")[2].partition("\n## ")[0]
    assert "| judged: 2.0.0 against 1.0.0 | **refuse** | where bmi is 30 or more, predictions moved |" in section
    assert "| rolled out: version 2 | **promoted** | everything is within its limits |" in section
    assert "| drift: version 1.0.0 | **drifted** | bmi drifted (200 different rows) |" in section
    assert "The model</h2>" in (tmp_path / "report.html").read_text()


def test_results_about_the_model_alone_make_no_report(tmp_path: Path) -> None:
    files.write(tmp_path / "judgement.json", REFUSED)

    assert "holds no result to report" in lab("report", "--results", tmp_path).stderr
