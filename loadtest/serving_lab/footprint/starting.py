"""From nothing to the first right answer: one start, watched."""

import http.client
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from serving_lab.api.description import Call, Description
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.errors import LabError
from serving_lab.experiment.targets import Target
from serving_lab.footprint.launching import Launched, Launcher, address
from serving_lab.footprint.result import Milestone
from serving_lab.generator.drawing import Ready, drawn
from serving_lab.generator.messages import Closed, RunCommand
from serving_lab.wire import exchange
from serving_lab.wire.connection import TIMEOUT_SECONDS
from serving_lab.wire.ports import free_port

START_SECONDS = 120.0
_POLL_SECONDS = 0.003
_SIGN_IN_FIRST = (302, 303, 401, 403)
"""What services answer to those whom they do not know; some send them to their sign-in."""
_ENDED_SECONDS = 0.5
"""How often it is asked whether the target still runs: in containers that is a question to the engine."""


@dataclass(frozen=True)
class Subject:
    """A target that can be started."""

    name: str
    launcher: Launcher
    ready_path: str
    variables: Mapping[str, str] | None = None
    """What an earlier instance gave at the sign-in; None: it is only asked whether it is ready."""

    def at(self, endpoint: Endpoint) -> Target:
        """Return the target as its instance at this place."""
        return Target(self.name, endpoint, endpoint, variables=self.variables or {})


def wait_until_ready(subject: Subject, launched: Launched, endpoint: Endpoint) -> float:
    """Return when the instance said that it is ready, in seconds since its zero.

    Raises:
        LabError: it ended, or did not say so in time.
    """
    request = Request("GET", subject.ready_path)

    def ready() -> str | None:
        status = exchange.send(endpoint, request, START_SECONDS).status
        return None if status == http.client.OK else f"{subject.ready_path} answers {status}"

    return _poll(subject, launched, ready, "was not ready")


def first_right_answer(
    subject: Subject, launched: Launched, endpoint: Endpoint, request: Ready, signed_in: Callable[[], Ready]
) -> float:
    """Return when the instance gave its first right answer, in seconds since its zero.

    Args:
        subject: What was started.
        launched: Its instance.
        endpoint: Where that answers.
        request: What is asked, with what an earlier instance gave at the sign-in.
        signed_in: Signs in to this instance, and returns the request with what it gave: used where it wants that.

    Raises:
        LabError: it ended, or gave none in time.
    """

    def right() -> str | None:
        nonlocal request
        method = request.content.split(b" ", 1)[0].decode("latin-1")
        answer = exchange.send_encoded(endpoint, request.content, method, START_SECONDS)
        wrong = request.checker.wrong(answer.status, answer.body)
        if wrong and answer.status in _SIGN_IN_FIRST:
            request = signed_in()
        return wrong

    return _poll(subject, launched, right, "gave no right answer")


def first_request(target: Target, call: Call, api: Description, seed: int) -> Ready:
    """Return the first request of a start; equal seeds draw the same values."""
    run = RunCommand(
        host=target.endpoint.hostname,
        port=target.endpoint.port,
        tls=False,
        templates=[target.template(call, 1.0, inside=False)],
        values=dict(api.values),
        seed=seed,
        connections=1,
        loop=Closed(),
        lead_in_seconds=0,
        seconds=0,
        timeout_seconds=TIMEOUT_SECONDS,
    )
    return drawn(run, 1)[0]


@dataclass(frozen=True)
class Started:
    """One start."""

    seconds: dict[Milestone, float]
    """When each milestone was reached."""
    signed_in: bool
    """Whether the first right answer needed a sign-in of its own, which took a part of the time."""


def start(subject: Subject, first: tuple[Call, Description] | None, seed: int) -> Started:
    """Start a fresh instance, and return when it reached each milestone; then it is ended.

    Raises:
        LabError: it does not get there.
    """
    port = free_port()
    endpoint = address(port)
    target = subject.at(endpoint)
    asked = first if subject.variables is not None else None
    request = first_request(target, *asked, seed) if asked else None
    signed_in = False

    def with_its_own() -> Ready:
        nonlocal signed_in
        assert asked is not None  # noqa: S101 - a request was made from it
        call, api = asked
        signed_in = api.sign_in is not None
        return first_request(target.signed_in(api.sign_in), call, api, seed)

    with subject.launcher.launch(port) as launched:
        seconds: dict[Milestone, float] = {"ready": wait_until_ready(subject, launched, endpoint)}
        if request:
            seconds["answered"] = first_right_answer(subject, launched, endpoint, request, with_its_own)
        return Started(seconds, signed_in)


def _poll(subject: Subject, launched: Launched, problem: Callable[[], str | None], what: str) -> float:
    asked_after = time.perf_counter()
    deadline = launched.zero + START_SECONDS
    last = "it does not answer"
    while (now := time.perf_counter()) < deadline:
        try:
            if (found := problem()) is None:
                return time.perf_counter() - launched.zero
            last = found
        except LabError as error:
            last = str(error)
        if now - asked_after > _ENDED_SECONDS:
            asked_after = now
            if words := launched.ended():
                raise LabError(f"{subject.name} ended while it started: {words}")
        time.sleep(_POLL_SECONDS)
    raise LabError(
        f"{subject.name} {what} within {START_SECONDS:.0f} s: {last}",
        hint="check that it starts by itself, and the paths in the footprint file",
    )
