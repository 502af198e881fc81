"""Every way in which a command ends has its exit code, and 1 is kept for what a command looks for."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest
from serving_lab import exit_codes

pytestmark = pytest.mark.service

PLANTED = """
import os, signal, sys
from serving_lab import cli
from serving_lab.commands.console import console
from serving_lab.errors import LabError

@cli.app.command()
def planted() -> None:
    {body}

sys.argv = ["lab", "planted"]
cli.main()
"""


def run(body: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """Run the command line with a command of this body."""
    return subprocess.run(
        [sys.executable, "-c", PLANTED.format(body=body)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("pass", exit_codes.OK),
        ("raise LabError('no service answers')", exit_codes.CANNOT_TELL),
        ("raise cli.typer.BadParameter('it is wrong')", exit_codes.CANNOT_TELL),
        ("raise ModuleNotFoundError('no locust', name='locust')", exit_codes.CANNOT_TELL),
        ("os.kill(os.getpid(), signal.SIGINT)", exit_codes.INTERRUPTED),
    ],
)
def test_each_end_has_its_code_and_no_traceback(body: str, code: int) -> None:
    ended = run(body)

    assert ended.returncode == code
    assert "Traceback" not in ended.stderr


def test_what_a_service_said_cannot_command_the_terminal() -> None:
    ended = run(r"console.print('one\x1b[2J'); raise LabError('two\x1b[2J', hint='\x07')")

    assert (ended.stdout.strip(), ended.stderr) == (r"one\x1b[2J", "error: two\\x1b[2J\n hint: \\x07\n")


@pytest.mark.parametrize("body", ["raise RuntimeError('planted')", "import serving_lab.missing", "assert False"])
def test_a_bug_in_the_lab_is_told_apart_and_says_where_to_report_it(body: str) -> None:
    ended = run(body)

    assert ended.returncode == exit_codes.INTERNAL_ERROR
    assert "Traceback" in ended.stderr
    assert "error: this is a bug in the lab, not in your input\n hint: report it in the project's issue" in ended.stderr


@pytest.mark.parametrize("body", ["console.print('x' * 1_000_000)", "sys.stdout.write('x' * 1_000_000)"])
def test_a_reader_that_goes_away_is_no_finding(body: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = run(body, stdout=writing)
    finally:
        os.close(writing)

    assert ended.returncode == exit_codes.CANNOT_TELL


def test_codes_are_named_once() -> None:
    codes: Mapping[str, int] = {name: code for name, code in vars(exit_codes).items() if name.isupper()}

    assert codes == {"OK": 0, "FOUND": 1, "CANNOT_TELL": 2, "INTERNAL_ERROR": 70, "INTERRUPTED": 130}
