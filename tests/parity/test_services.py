"""Our services, each compared with the baseline: only declared differences, and none of those is stale."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from rich.console import Console
from serving_lab import exit_codes
from serving_lab.parity import command, pairs
from serving_lab.parity.result import ParityResult
from serving_lab.results import files
from support.checkout import REPOSITORY
from support.services import (
    BASELINE,
    CANDIDATES,
    CATALOGUE,
    PASSWORD,
    SECRET_KEY,
    USERNAME,
    RunningService,
    running_services,
)

pytestmark = pytest.mark.proof

GENERATE = int(os.environ.get("PARITY_GENERATE_BOTH", "300"))
SECONDS = 280 + GENERATE // 10
PROFILE = REPOSITORY / "loadtest" / "parity" / "profile.yaml"
CREDENTIALS = {"API_USERNAME": USERNAME, "API_PASSWORD": PASSWORD, "SECRET_KEY": SECRET_KEY}


@pytest.fixture(scope="module")
def services(model_dir: Path) -> Iterator[Mapping[str, RunningService]]:
    with running_services(model_dir) as running:
        yield running


def parity(
    services: Mapping[str, RunningService], *options: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does."""
    sides = ("--primary", services[BASELINE].base_url, "--candidate", services[CANDIDATES[0]].base_url)
    return subprocess.run(
        [str(Path(sys.executable).parent / "lab"), "parity", *sides, *options],
        env={"PATH": os.environ["PATH"], **CREDENTIALS, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("candidate", CANDIDATES)
def test_they_are_the_same(services: Mapping[str, RunningService], candidate: str, tmp_path: Path) -> None:
    said = io.StringIO()
    urls = {name: service.base_url for name, service in services.items()}
    options = command.Options(
        pairs=pairs.of_catalogue(None, candidate, None, CATALOGUE, urls),
        second_primary=None,
        profile=PROFILE,
        openapi=None,
        corpus=(),
        har=(),
        postman=(),
        tapped=(),
        prediction_log=(),
        generate=GENERATE,
        repeat=1,
        seed=0,
        require_success=False,
        accept=None,
        output=tmp_path,
    )

    assert command.compare(options, CREDENTIALS, Console(file=said, width=140)) == exit_codes.OK, said.getvalue()
    result = files.read(tmp_path / "parity.json", ParityResult)
    assert (result.causes, result.unsteady, result.warnings) == ([], [], [])
    assert result.sources["generated"] == GENERATE
    assert [declared.reason for declared in result.intended if declared.stale] == []
    assert min(result.sources[source] for source in ("corpus", "sequence", "raw", "surface")) > 20


def test_without_a_profile_what_differs_is_found_all_the_same(
    services: Mapping[str, RunningService], tmp_path: Path
) -> None:
    compared = parity(services, "--generate", "30", "--output", str(tmp_path))

    assert compared.returncode == 1, compared.stdout + compared.stderr
    causes = files.read(tmp_path / "parity.json", ParityResult).causes
    assert {("header missing", "header server"), ("status", "status")} <= {(c.kind, c.where) for c in causes}


@pytest.mark.parametrize(
    ("options", "environment", "complaint"),
    [
        ((), {"API_PASSWORD": "wrong"}, "does not sign in: the answer has no $.token for token: "),
        ((), {"API_PASSWORD": ""}, "does not sign in: the answer has no $.token for token: "),
        (("--har", "none.har"), {}, "none.har: No such file"),
        (("--corpus", "none.yaml"), {}, "none.yaml: No such file"),
    ],
)
def test_what_prevents_a_comparison_is_told(
    services: Mapping[str, RunningService],
    tmp_path: Path,
    options: tuple[str, ...],
    environment: dict[str, str],
    complaint: str,
) -> None:
    compared = parity(services, "--profile", str(PROFILE), "--output", str(tmp_path), *options, **environment)

    assert compared.returncode == 2, compared.stdout
    assert complaint in compared.stderr
    assert "Traceback" not in compared.stderr
