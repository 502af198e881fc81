"""The action and the workflow that comments: their shell steps, run as GitHub's runner runs them.

What a runner gives to a step is from https://docs.github.com/actions/reference/workflows-and-actions/variables and
https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands: bash with `--noprofile --norc -eo
pipefail`, files named by GITHUB_OUTPUT, GITHUB_PATH, GITHUB_STEP_SUMMARY and GITHUB_ENV, and a folder RUNNER_TEMP.
"""

import json
import os
import re
import shlex
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from serving_lab.gate import summary
from support.checkout import REPOSITORY
from support.subject import Behaviour

from gate.gated import LAB, PROFILE, program

pytestmark = pytest.mark.service

ACTION = REPOSITORY / "action.yml"
COMMENT = REPOSITORY / ".github" / "workflows" / "gate-comment.yml"
FILES = ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_ENV")
_PINNED = re.compile(r"uses: (?:\./|[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*)$")
# What a runner's `gh` is asked, a line for each call, and what it answers.
GH = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in
  */pulls/7*) echo "$PULL_HEAD" ;;
  *--paginate*) printf '%s' "$COMMENTS" ;;
esac
"""


@dataclass(frozen=True)
class Runner:
    """A runner's folders, and how its last step ended."""

    directory: Path
    variables: dict[str, str]

    def run(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a step."""
        path = self.directory / "step.sh"
        path.write_text(script)
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(path)],
            cwd=self.directory / "workspace",
            env=self.variables | variables,
            capture_output=True,
            text=True,
            timeout=250,
            check=False,
        )

    def said(self, name: str) -> str:
        """What a step wrote to one of the runner's files."""
        return Path(self.variables[name]).read_text()


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    (tmp_path / "workspace").mkdir()
    variables = {name: str(tmp_path / name) for name in FILES}
    for path in variables.values():
        Path(path).touch()
    fixed = {"GITHUB_ACTIONS": "true", "CI": "true", "RUNNER_TEMP": str(tmp_path), "HOME": str(tmp_path)}
    return Runner(tmp_path, variables | fixed | {"PATH": f"{LAB.parent}:{os.environ['PATH']}"})


def test_every_action_that_is_used_is_pinned_by_its_digest() -> None:
    files = [ACTION, *(REPOSITORY / ".github" / "workflows").glob("*.yml")]
    used = [
        line.strip().removeprefix("- ") for file in files for line in file.read_text().splitlines() if "uses:" in line
    ]
    used = [line for line in used if not line.startswith("#")]

    assert len(used) > 5
    assert [line for line in used if not _PINNED.fullmatch(line)] == []


def test_no_input_stands_in_a_script() -> None:
    """A runner puts expressions into the script before bash reads it: what is in them would be run."""
    scripts = [each["run"] for each in (*steps(ACTION), *steps(COMMENT)) if "run" in each]

    assert len(scripts) == 3
    assert [script for script in scripts if "${{" in script] == []


def test_the_gate_writes_summary_outputs_and_files_and_fails_the_step(runner: Runner) -> None:
    (runner.directory / "workspace" / "profile.yaml").write_text(PROFILE)
    sides = {"--base-command": Behaviour(), "--head-command": Behaviour(wrong_every=1)}
    words = [word for option, behaviour in sides.items() for word in (option, program(behaviour))]
    arguments = shlex.join([*words, "--profile", "profile.yaml", "--part", "parity"])

    done = runner.run(script("Gate"), **inputs(ARGUMENTS=arguments, NUMBER="7"))

    assert done.returncode == 1, done.stdout + done.stderr
    outputs = dict(line.split("=", 1) for line in runner.said("GITHUB_OUTPUT").splitlines())
    assert outputs["outcome"] == "failed"
    assert outputs["sentence"].startswith("answers differ: ")
    results = runner.directory / "workspace" / "results" / "gate"
    assert runner.said("GITHUB_STEP_SUMMARY") == (results / "summary.md").read_text()
    assert json.loads((runner.directory / "workspace" / outputs["sarif"]).read_text())["version"] == "2.1.0"
    assert (results / "pull-request").read_text() == "7\n"
    assert {"gate.json", "junit.xml", "parity.html"} <= {path.name for path in results.iterdir()}


def test_arguments_are_words_and_never_run(runner: Runner) -> None:
    arguments = "--base-url $(touch ran) --head-url `touch ran`;touch ran\n--profile 'a b.yaml'"

    done = runner.run(script("Gate"), **inputs(ARGUMENTS=arguments))

    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert not (runner.directory / "workspace" / "ran").exists()


def test_the_lab_is_installed_by_itself_and_found_by_later_steps(runner: Runner) -> None:
    done = runner.run(script("Install the lab"), PACKAGE=str(wheel(runner.directory)), PIP_NO_INDEX="1")

    assert done.returncode == 0, done.stderr
    added = runner.said("GITHUB_PATH").strip()
    said = subprocess.run(["lab"], env={"PATH": added}, capture_output=True, text=True, check=True).stdout
    assert said == "the lab\n"


def test_the_first_comment_is_written(runner: Runner) -> None:
    calls = commented(runner)

    assert calls[-1] == "api --method POST repos/owner/shop/issues/7/comments --field body=@comment.md --silent"
    assert (runner.directory / "workspace" / "comment.md").read_text().startswith(summary.MARK)


def test_the_comment_that_is_there_is_updated(runner: Runner) -> None:
    calls = commented(runner, COMMENTS="41\n42\n")

    assert calls[-1] == "api --method PATCH repos/owner/shop/issues/comments/41 --field body=@comment.md --silent"


def test_nothing_is_written_on_a_pull_request_that_has_a_newer_commit(runner: Runner) -> None:
    assert not any("--method" in call for call in commented(runner, PULL_HEAD="newer"))


def test_an_artifact_that_names_no_pull_request_writes_nowhere(runner: Runner) -> None:
    assert commented(runner, number="7/../8", code=1) == []


def test_comments_are_looked_for_by_the_mark_that_a_summary_begins_with() -> None:
    assert f'startswith("{summary.MARK}")' in COMMENT.read_text()


def test_the_workflow_that_gates_may_not_write_and_the_one_that_comments_runs_no_code_of_the_pull_request() -> None:
    gate = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "gate.yml").read_text())
    comment = yaml.safe_load(COMMENT.read_text())

    assert gate["permissions"] == {"contents": "read"}
    assert comment["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert comment[True]["workflow_run"]["workflows"] == [gate["name"]]  # YAML takes the key `on` for true
    assert not any("checkout" in each.get("uses", "") for each in steps(COMMENT))


def commented(runner: Runner, number: str = "7", code: int = 0, **variables: str) -> list[str]:
    """Run the step that comments with a `gh` that notes what it is asked; return its calls."""
    found = runner.directory / "workspace" / "gate"
    found.mkdir()
    (found / "pull-request").write_text(f"{number}\n")
    (found / "summary.md").write_text(f"{summary.MARK}\n## passed\n")
    programs = runner.directory / "programs"
    programs.mkdir()
    (programs / "gh").write_text(GH)
    (programs / "gh").chmod(0o755)
    calls = runner.directory / "calls"
    calls.touch()
    given = {"COMMENTS": "", "PULL_HEAD": "abc", "HEAD_SHA": "abc", "REPOSITORY": "owner/shop", "GH_TOKEN": "t"}
    path = f"{programs}:{runner.variables['PATH']}"
    [step] = [each for each in steps(COMMENT) if "run" in each]

    done = runner.run(step["run"], **given | {"CALLS": str(calls), "PATH": path} | variables)

    assert done.returncode == code, done.stderr
    return calls.read_text().splitlines()


def steps(file: Path) -> list[dict[str, Any]]:
    """The steps of an action, or of the only job of a workflow."""
    content = yaml.safe_load(file.read_text())
    found: list[dict[str, Any]] = content["runs"]["steps"] if "runs" in content else content["jobs"]["comment"]["steps"]
    return found


def script(name: str) -> str:
    """The script of a step of the action."""
    found: str = next(each["run"] for each in steps(ACTION) if each.get("name") == name)
    return found


def inputs(**given: str) -> dict[str, str]:
    """The variables of the step that gates, with the defaults of the inputs."""
    defaults = {name: each.get("default", "") for name, each in yaml.safe_load(ACTION.read_text())["inputs"].items()}
    fixed = {"BUDGET": defaults["budget"], "FAIL_IF": defaults["fail-if"], "OUTPUT": defaults["output"], "NUMBER": ""}
    return fixed | given


def wheel(directory: Path) -> Path:
    """A package with a program `lab`, for pip without a network."""
    path = directory / "some_lab-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("some_lab.py", "def main():\n    print('the lab')\n")
        archive.writestr("some_lab-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: some-lab\nVersion: 1\n")
        archive.writestr("some_lab-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("some_lab-1.dist-info/entry_points.txt", "[console_scripts]\nlab = some_lab:main\n")
        archive.writestr("some_lab-1.dist-info/RECORD", "")
    return path
