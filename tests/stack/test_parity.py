"""In containers, too, the new service answers like the old one."""

import os
import sys
from pathlib import Path

import pytest
from serving_lab.parity.result import ParityResult
from serving_lab.results import files
from support.services import CANDIDATES, PASSWORD, SECRET_KEY
from support.stack import Stack, run

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_a_candidate_answers_like_the_baseline(stack: Stack, candidate: str, tmp_path: Path) -> None:
    lab = Path(sys.executable).parent / "lab"

    compared = run(
        [str(lab), "parity", "--candidate", candidate, "--generate", "300", "--output", str(tmp_path)],
        environment={**os.environ, **stack.settings},
        check=False,
        seconds=280,
    )

    written = "".join(path.read_text() for path in tmp_path.iterdir()) + compared.stdout + compared.stderr
    assert not [secret for secret in (SECRET_KEY, PASSWORD) if secret in written]
    assert compared.returncode == 0, compared.stdout + compared.stderr
    result = files.read(tmp_path / "parity.json", ParityResult)
    assert (result.verdict, result.sources["generated"], result.warnings) == ("same", 300, [])
    assert [declared.reason for declared in result.intended if declared.stale] == []
