"""What a person types wrongly, or asks for too early, is answered with a line and an exit code, never a traceback."""

import re
import socket
import subprocess
from pathlib import Path

import pytest
from serving_lab import exit_codes
from support.checkout import PORT_SETTINGS, REPOSITORY, Checkout, new_checkout
from support.command import lab

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return new_checkout(tmp_path_factory.mktemp("idle") / "checkout")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("frobnicate",), "No such command 'frobnicate'"),
        (("up", "--mode", "clouds"), "'clouds' is not one of 'containers', 'native'"),
        (("load", "--users", "0"), "Input should be greater than or equal to 1"),
        (("load", "--users", "many"), "Input should be a valid integer"),
        (("load", "--rate", "-1"), "Input should be greater than or equal to 0.01"),
        (("load", "--duration", "soon"), "'soon' is not a duration: write 30s, 5m or 1h"),
        (("load", "--duration", "0s"), "'0s' is not a duration: write 30s, 5m or 1h"),
        (("logs", "--lines", "-1"), "Input should be greater than or equal to 0"),
        (("parity", "--generate", "-1"), "Input should be greater than or equal to 0"),
        (("parity", "--seed", "x"), "Input should be a valid integer"),
    ],
)
def test_a_wrong_word_is_one_line_and_exit_code_2(
    checkout: Checkout, arguments: tuple[str, ...], complaint: str
) -> None:
    result = ask(checkout, *arguments)

    assert result.returncode == exit_codes.CANNOT_TELL
    assert re.fullmatch(r"error: .+\n", result.stderr), result.stderr
    assert complaint in result.stderr
    assert result.stdout == ""


def test_a_comparison_that_cannot_be_made_is_no_difference(checkout: Checkout) -> None:
    result = ask(checkout, "parity")

    assert (result.returncode, result.stderr) == (2, "error: the lab is not up\n hint: make up\n")


@pytest.mark.parametrize("command", ["restart", "logs", "load", "urls", "token"])
def test_what_needs_a_running_lab_says_how_to_get_one(checkout: Checkout, command: str) -> None:
    result = ask(checkout, command)

    assert result.returncode == exit_codes.CANNOT_TELL
    assert result.stderr == "error: the lab is not up\n hint: make up\n"


def test_a_token_of_a_service_elsewhere_needs_one_that_answers(checkout: Checkout, tmp_path: Path) -> None:
    profile = tmp_path / "api.yaml"
    profile.write_text("sign_in: {request: {path: /login}, save: {token: $.token}}")

    result = ask(checkout, "token", "http://127.0.0.1:9", "--profile", str(profile))

    assert result.returncode == exit_codes.CANNOT_TELL
    assert result.stderr.startswith("error: http://127.0.0.1:9 does not answer")
    assert result.stdout == ""


def test_a_token_needs_a_description_that_says_how_to_sign_in(checkout: Checkout, tmp_path: Path) -> None:
    profile = tmp_path / "api.yaml"
    profile.write_text("requests: {}")

    result = ask(checkout, "token", "http://127.0.0.1:9", "--profile", str(profile))

    assert result.returncode == exit_codes.CANNOT_TELL
    assert "does not say how to sign in" in result.stderr


def test_down_and_ps_are_content_where_nothing_runs(checkout: Checkout) -> None:
    down, ps = ask(checkout, "down"), ask(checkout, "ps")

    assert (down.returncode, down.stdout) == (0, "Nothing was running.\n")
    assert (ps.returncode, ps.stdout) == (0, "The lab is not up. Bring it up: make up\n")


def test_outside_a_checkout_the_lab_says_where_to_go(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    stranger = Checkout(tmp_path / "elsewhere", checkout.environment)

    result = ask(stranger, "ps")

    assert result.returncode == exit_codes.CANNOT_TELL
    assert "is not inside a checkout of the lab\n hint: cd to" in result.stderr


@pytest.mark.parametrize("mode", ["containers", "native"])
def test_a_wrong_setting_stops_up_before_anything_starts(checkout: Checkout, mode: str) -> None:
    result = ask(checkout, "up", "--mode", mode, WORKERS="lots")

    assert result.returncode == exit_codes.CANNOT_TELL
    assert result.stderr == (
        "error: WORKERS must be a whole number from 1 to 256, not 'lots'\n hint: change it in .env or in the shell\n"
    )
    assert not (checkout.root / ".run").exists()


def test_doctor_names_a_taken_port_and_fails(checkout: Checkout) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        result = ask(checkout, "doctor", "--mode", "native", FASTAPI_PORT=port)

    assert result.returncode == exit_codes.FOUND
    assert f"fail  port {port}: fastapi-api needs it, and " in result.stdout
    assert "hint: stop it, or set FASTAPI_PORT to a free port in .env" in result.stdout
    for setting in PORT_SETTINGS[:1]:
        assert f"ok    port {checkout.environment[setting]}: free for flask-api (FLASK_PORT)" in result.stdout


def test_up_without_an_engine_says_what_to_do(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()

    result = ask(checkout, "up", "--mode", "containers", PATH=str(tmp_path / "bin"))

    assert result.returncode == exit_codes.CANNOT_TELL
    assert result.stderr.startswith("error: the docker command is missing\n hint: make engine")


def test_an_engine_that_does_not_answer_is_told_apart(checkout: Checkout, tmp_path: Path) -> None:
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon. Is it running?' >&2\nexit 1\n")
    docker.chmod(0o755)

    result = ask(checkout, "up", "--mode", "containers", PATH=str(docker.parent))

    assert result.returncode == exit_codes.CANNOT_TELL
    assert "error: no container engine answers (Cannot connect to the Docker daemon. Is it running?)" in result.stderr


OTHER_ENGINE = """#!/bin/sh
case "$*" in
    info*) echo "Emulating another command line"
        echo '{"ServerVersion": "28.0", "MemTotal": 8000000000, "DockerRootDir": "/nowhere", "CpuCfsQuota": false}' ;;
    "compose version"*) echo v2.20.3 ;;
    compose*ps*) echo '[{"ID": "0123456789abcdef", "Service": "locust", "State": "running", "Health": ""}]' ;;
    "container inspect 0123456789abcdef")
        echo '[{"Config": {"Labels": {"com.docker.compose.project.working_dir": "/srv/a,b"}}}]' ;;
    *) exit 1 ;;
esac
"""


def test_doctor_reads_engines_of_other_makes_and_names_what_they_cannot_do(checkout: Checkout, tmp_path: Path) -> None:
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(OTHER_ENGINE)
    docker.chmod(0o755)

    result = ask(checkout, "doctor", "--mode", "containers", PATH=f"{docker.parent}:/usr/bin:/bin")

    assert result.returncode == exit_codes.FOUND, result.stderr
    assert "ok    engine: 28.0, Compose 2.20.3" in result.stdout
    assert "fail  SERVICE_CPUS: the engine cannot limit processors (no CPU CFS quota)" in result.stdout
    # Old versions of Compose print containers as one array without labels.
    assert "fail  containers: the lab is up from another checkout, /srv/a,b" in result.stdout


def test_make_explains_every_target() -> None:
    makefile = (REPOSITORY / "Makefile").read_text().replace("\\\n", "")
    targets = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split()) - {"help"}  # type: ignore[index]

    printed = subprocess.run(["make", "-s"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout

    assert set(re.findall(r"^  ([a-z-]+) {2,}\S", printed, re.MULTILINE)) == targets
    assert set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)) - {"help"} == targets


def ask(checkout: Checkout, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command that starts nothing in the checkout."""
    return lab(*arguments, cwd=checkout.root, environment=checkout.environment | environment)
