"""What keeps the stack from coming up is named, with what mends it."""

import contextlib
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack.environment import Settings
from serving_lab.stack.preflight import Check, Outcome, check_disk, check_memory, check_ports, check_writable, require
from serving_lab.stack.services import services
from support.checkout import REPOSITORY, odd_ports

NOBODY = 65534


@pytest.fixture
def settings() -> Settings:
    return Settings.load(Project(REPOSITORY), odd_ports())


def on(settings: Settings, **ports: int) -> Settings:
    """The same settings with some services on these ports."""
    return replace(settings, ports={**settings.ports, **ports})


@contextlib.contextmanager
def listening(address: str = "127.0.0.1") -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((address, 0))
        listener.listen()
        yield listener.getsockname()[1]


@contextlib.contextmanager
def no_privileges() -> Iterator[None]:
    """Let file permissions be asked as somebody who is not root, as a user would meet them."""
    real, effective, saved = os.getresuid()
    if effective == 0:
        os.setresuid(NOBODY, 0, 0)  # access(2) asks for the real user
    try:
        yield
    finally:
        os.setresuid(real, effective, saved)


def test_free_ports_are_fine(settings: Settings) -> None:
    checks = check_ports(settings, services(settings))

    assert [check.outcome for check in checks] == [Outcome.OK] * 6


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])  # noqa: S104
def test_a_taken_port_is_named_with_its_setting_and_the_process_that_has_it(settings: Settings, address: str) -> None:
    with listening(address) as port:
        taken = on(settings, locust=port)
        check = next(check for check in check_ports(taken, services(taken)) if check.outcome is Outcome.FAIL)

    assert check.subject == f"port {port}"
    assert check.detail.startswith("locust needs it, and ")
    assert f"(process {os.getpid()})" in check.detail
    assert check.hint == "stop it, or set LOCUST_PORT to a free port in .env"


def test_a_port_just_closed_is_free(settings: Settings) -> None:
    with listening() as port:
        client = socket.create_connection(("127.0.0.1", port))
        # The server's side closes first, so that its port is left in TIME_WAIT.
    client.close()
    closed = on(settings, **{"flask-api": port})

    assert check_ports(closed, services(closed))[0].outcome is Outcome.OK


def test_two_services_on_one_port_are_told_apart(settings: Settings) -> None:
    same = on(settings, **{"fastapi-api": settings.ports["flask-api"]})

    check = check_ports(same, services(same))[1]

    assert (check.outcome, check.detail) == (Outcome.FAIL, "FLASK_PORT and FASTAPI_PORT are both set to it")


def test_an_address_of_another_machine_is_named(settings: Settings) -> None:
    elsewhere = replace(settings, bind_address="192.0.2.1")

    check = check_ports(elsewhere, services(elsewhere))[0]

    assert check.outcome is Outcome.FAIL
    assert check.detail.startswith("BIND_ADDRESS '192.0.2.1' is not an address of this machine")


def test_memory_is_compared_with_what_the_workers_will_take(settings: Settings) -> None:
    available = 1 << 30

    assert check_memory(available, services(settings), workers=1).outcome is Outcome.OK
    too_many = check_memory(available, services(settings), workers=32)
    assert too_many.outcome is Outcome.FAIL
    assert too_many.detail == "1.0 GiB available, about 3.9 GiB will be used"
    assert "WORKERS (now 32)" in str(too_many.hint)


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    assert check_disk(tmp_path, 1, "mend").outcome is Outcome.OK
    assert check_disk(tmp_path, 1 << 60, "mend").outcome is Outcome.FAIL


def test_a_checkout_of_somebody_else_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with no_privileges():
        check = check_writable(Project(tmp_path))

    assert (check.outcome, check.detail) == (Outcome.FAIL, f"{tmp_path} cannot be written to")


def test_the_first_failure_stops_and_warnings_do_not() -> None:
    ok, warn = Check("a", Outcome.OK, "fine"), Check("b", Outcome.WARN, "left out")
    failures = [Check("c", Outcome.FAIL, "is wrong", "mend c"), Check("d", Outcome.FAIL, "too")]

    require([ok, warn])
    with pytest.raises(LabError) as error:
        require([ok, warn, *failures])
    assert (str(error.value), error.value.hint) == ("c: is wrong", "mend c")
