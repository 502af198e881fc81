"""In containers, too, the new service answers like the old one."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from serving_lab.parity.result import ParityResult
from serving_lab.results import files
from support.checkout import REPOSITORY, shorten_corpus
from support.services import CANDIDATES, PASSWORD, SECRET_KEY
from support.stack import Stack, run

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_a_candidate_answers_like_the_baseline(stack: Stack, candidate: str, tmp_path: Path) -> None:
    lab, output = Path(sys.executable).parent / "lab", tmp_path / "output"
    loadtest = tmp_path / "loadtest"
    shutil.copytree(REPOSITORY / "loadtest", loadtest, ignore=shutil.ignore_patterns("serving_lab"))
    shorten_corpus(loadtest)
    short = ("--profile", str(loadtest / "parity" / "profile.yaml"), "--generate", "100")

    compared = run(
        [str(lab), "parity", "--candidate", candidate, *short, "--output", str(output)],
        environment={**os.environ, **stack.settings},
        check=False,
        seconds=280,
    )

    written = "".join(path.read_text() for path in output.iterdir()) + compared.stdout + compared.stderr
    assert not [secret for secret in (SECRET_KEY, PASSWORD) if secret in written]
    assert compared.returncode == 0, compared.stdout + compared.stderr
    result = files.read(output / "parity.json", ParityResult)
    assert (result.verdict, result.sources["generated"], result.warnings) == ("same", 100, [])
