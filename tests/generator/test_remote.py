"""Generators elsewhere: who is let in, who is not, and that neither side ever waits without end."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from serving_lab.generator import fleet as fleet_module
from serving_lab.generator import messages, remote, session
from serving_lab.generator.fleet import Fleet, GeneratorLostError
from serving_lab.generator.messages import Open
from serving_lab.generator.process import processes
from serving_lab.generator.remote import Remote
from serving_lab.generator.session import Hello, Proof
from support.command import lab
from support.services import free_port, wait_until
from support.subject import Behaviour, subject

from generator.listening import Certificate, Listener, listening, secret_file
from generator.losing import lost_in
from generator.runs import run

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return secret_file(tmp_path_factory.mktemp("secret"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.make(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def listener(secret: Path, certificate: Certificate) -> Iterator[Listener]:
    with listening(secret, certificate) as started:
        yield started


@pytest.fixture(scope="module")
def plain(secret: Path) -> Iterator[Listener]:
    with listening(secret, None) as started:
        yield started


@pytest.fixture
def generator(listener: Listener, secret: Path, certificate: Certificate) -> Remote:
    return listener.to(secret, certificate)


def complaint(generator: Remote) -> tuple[str, str]:
    """What is said of a generator that cannot be used, and what to do."""
    with pytest.raises(GeneratorLostError) as caught, Fleet([generator]):
        pass
    return str(caught.value).removeprefix(f"a generator cannot be used: {generator.name} "), caught.value.hint or ""


def test_one_elsewhere_and_one_here_share_a_load_and_begin_together(generator: Remote) -> None:
    with subject() as url, Fleet([generator, *processes(1)]) as fleet:
        outcome = fleet.run(run(url, Open(400, "constant"), connections=8, seconds=1.0))

        assert [link.here for link in fleet.links] == [True, True]
    assert outcome.planned == pytest.approx(400, abs=2)
    assert outcome.answered.size + sum(outcome.wrong.values()) == outcome.planned
    assert [part.name for part in outcome.parts] == [generator.name, "process 1"]
    assert sum(part.rate for part in outcome.parts) == pytest.approx(400, abs=2)
    assert outcome.cpu_seconds > 0


def test_its_process_ends_with_the_laboratory(listener: Listener, generator: Remote) -> None:
    own = psutil.Process(listener.process.pid)
    with Fleet([generator]):
        wait_until(lambda: len(own.children()) == 1, "a process of its own")
    wait_until(lambda: not own.children(), "its end")

    assert listener.process.poll() is None


def test_it_ends_in_order_while_it_serves(secret: Path) -> None:
    with listening(secret, None) as listener, Fleet([listener.to(secret, None)]):
        own = psutil.Process(listener.process.pid)
        wait_until(lambda: len(own.children()) == 1, "a process of its own")
        (child,) = own.children()

        listener.process.terminate()

        assert listener.process.wait(20) == 0
        assert not child.is_running()
        assert listener.process.stderr is not None
        assert listener.process.stderr.read() == ""


def test_it_serves_one_laboratory_at_a_time(generator: Remote) -> None:
    with Fleet([generator]):
        why, hint = complaint(generator)

    assert why == "refuses: it serves another laboratory"
    assert "wait" in hint


def test_a_wrong_secret_is_refused_on_both_sides(listener: Listener, certificate: Certificate, tmp_path: Path) -> None:
    why, hint = complaint(listener.to(secret_file(tmp_path, "another secret of some length"), certificate))

    assert why == "refuses: this is another secret"
    assert "--generator-secret-file" in hint
    wait_until(lambda: "127.0.0.1 is refused: this is another secret\n" in listener.said, "it is not said there")


@pytest.mark.parametrize("name", ["IP:127.0.0.1", "DNS:elsewhere.example"], ids=["another one", "another name"])
def test_a_certificate_that_is_not_trusted_ends_it_before_any_proof(
    listener: Listener, secret: Path, tmp_path: Path, name: str
) -> None:
    other = Certificate.make(tmp_path, name)
    with contextlib.ExitStack() as started:
        if name.startswith("DNS"):
            listener = started.enter_context(listening(secret, other))
        why, hint = complaint(listener.to(secret, other))

    assert why.startswith("has a certificate that is not trusted: ")
    assert "--generator-ca" in hint


def test_tls_on_one_side_only_is_said(
    listener: Listener, plain: Listener, secret: Path, certificate: Certificate
) -> None:
    assert complaint(plain.to(secret, certificate))[0] == "does not speak TLS"
    why, hint = complaint(listener.to(secret, None))
    assert why in {"ended", "does not answer"}
    assert "TLS" in hint


def test_what_is_no_generator_is_said_to_be_none(secret: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with _answering(server, b"HTTP/1.1 400 Bad Request\r\n\r\n"):
            (generator,) = _at(port, secret)
            why, hint = complaint(generator)
    (nobody,) = _at(free_port(), secret)

    assert (why, hint.partition(",")[0]) == (
        "does not speak the generator's language",
        "it must be `lab generator --listen`",
    )
    assert complaint(nobody)[0] == "cannot be reached: Connection refused"


def test_a_generator_that_does_not_know_the_secret_itself_gets_no_load(secret: Path) -> None:
    welcome = session.Welcome(b"x" * 32, "", "")
    said = messages.frame(Hello(session.own_version(), session.number())) + messages.frame(welcome)
    with socket.create_server(("127.0.0.1", 0)) as server, _answering(server, said):
        (generator,) = _at(server.getsockname()[1], secret)
        assert complaint(generator)[0] == "does not know the secret itself"


def test_garbage_and_silence_do_not_keep_a_laboratory_out(
    listener: Listener, plain: Listener, secret: Path, certificate: Certificate
) -> None:
    ports = (listener.port, plain.port)
    with contextlib.ExitStack() as opened:
        # Some say the first byte of a greeting, the others nothing.
        slow = [opened.enter_context(socket.create_connection(("127.0.0.1", port))) for port in ports * 15]
        for each in slow[:10]:
            each.sendall(b"\x16")
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 5000, messages.frame(Proof(b"", b""))):
            for port in ports:
                with socket.create_connection(("127.0.0.1", port)) as connection:
                    connection.sendall(garbage)

        with subject() as url, Fleet([listener.to(secret, certificate), plain.to(secret, None)]) as fleet:
            assert len(fleet.run(run(url, connections=2)).parts) == 2
        # Those that never prove themselves are closed.
        for each in slow:
            each.settimeout(30)
            with contextlib.suppress(ConnectionResetError):
                while each.recv(4096):
                    pass


@pytest.mark.parametrize(
    ("loss", "what"), [(signal.SIGKILL, "ended"), (signal.SIGSTOP, "does not answer")], ids=["killed", "stopped"]
)
def test_one_that_is_lost_costs_its_arm_and_ends_the_measurement_where_it_does_not_come_back(
    secret: Path,
    certificate: Certificate,
    monkeypatch: pytest.MonkeyPatch,
    loss: signal.Signals,
    what: str,
) -> None:
    monkeypatch.setattr(fleet_module, "_SLACK_SECONDS", 1.0)
    with subject(Behaviour(wait=0.002)) as url, listening(secret, certificate) as listener:
        generator = listener.to(secret, certificate)
        command = run(url, connections=2, seconds=1.0, timeout_seconds=1)
        with Fleet([generator, *processes(1)]) as fleet:
            started = psutil.Process(listener.process.pid)

            error = lost_in(fleet, command, lambda: os.kill(started.pid, loss))
            with pytest.raises(GeneratorLostError) as again:
                fleet.run(command)

    assert error.measured().lost == {generator.name: what}
    assert [part.name for part in error.measured().parts] == ["process 1"]
    assert str(again.value).startswith(f"a generator cannot be used: {generator.name} ")
    with pytest.raises(GeneratorLostError):
        again.value.measured()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--listen", "0.0.0.0:0"), "--listen 0.0.0.0 can be reached from other machines, so it needs TLS"),
        (("--listen", "127.0.0.1:0", "--tls-cert", "x"), "a certificate and its key belong together"),
        (("--listen", "127.0.0.1:0", "--tls-cert", "secret", "--tls-key", "secret"), "these are not a certificate"),
        (("--listen", "9000"), "--listen 9000: this is not HOST:PORT"),
        (("--listen", "127.0.0.1:0", "--secret-file", "short"), "a secret has 16 bytes at least, this one 5"),
        (("--listen", "127.0.0.1:0", "--secret-file", "none"), "--secret-file none: No such file or directory"),
    ],
)
def test_a_mistake_is_a_line_and_exit_code_2(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    secret_file(tmp_path)
    (tmp_path / "short").write_text("short")

    done = lab(
        "generator", *options, *(() if "--secret-file" in options else ("--secret-file", "secret")), cwd=tmp_path
    )

    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("0",), "--generators 0: this is not a number from 1 to 64"),
        (("127.0.0.1:1",), "generators elsewhere want a secret"),
        (
            ("192.0.2.1:9000", "--generator-secret-file", "secret"),
            "is not on this machine, so it needs TLS",
        ),
        (("127.0.0.1:1,127.0.0.1:1", "--generator-secret-file", "secret"), "two generators have the same address"),
        (("127.0.0.1:1,", "--generator-secret-file", "secret"), "--generators : this is not HOST:PORT"),
        (("2", "--generator-secret-file", "secret"), "are for --generators HOST:PORT"),
        (("127.0.0.1:1", "--generator-secret-file", "secret", "--generator-ca", "secret"), "this is not a certificate"),
    ],
)
def test_a_mistake_in_what_to_use_is_a_line_too(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    secret_file(tmp_path)
    two = ("--target", "a=http://127.0.0.1:1", "--target", "b=http://127.0.0.1:2", "--profile", "none")

    done = lab("bench", *two, "--generators", *options, cwd=tmp_path)

    assert done.returncode == 2
    assert said in done.stderr


def _at(port: int, secret: Path) -> list[Remote]:
    found = remote.chosen(f"127.0.0.1:{port}", secret, None)
    assert isinstance(found, list)
    return found


@contextlib.contextmanager
def _answering(server: socket.socket, said: bytes) -> Iterator[None]:
    """Say this to the first that connects, whatever it says."""

    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(said)
            with contextlib.suppress(ConnectionResetError):
                while connection.recv(4096):
                    pass

    thread = threading.Thread(target=answer)
    thread.start()
    yield
    thread.join()
