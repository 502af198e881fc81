"""The services that are measured: where they answer, what they know us by, and the requests made for them."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from serving_lab.api import places
from serving_lab.api.description import Call
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.api.sign_in import SignIn
from serving_lab.errors import LabError
from serving_lab.generator.messages import Template
from serving_lab.wire import exchange, signing_in

_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class Target:
    """A service, by its name; `inside` is its endpoint as the generator reaches it."""

    name: str
    endpoint: Endpoint
    inside: Endpoint
    pid: int | None = None
    """Its first process, where that is one of this machine."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What it gave at the sign-in."""
    label: str | None = None
    """What people call it, where the catalogue says so."""
    colour: str | None = None
    """Of its marks and lines in reports, likewise."""

    def signed_in(self, sign_in: SignIn | None) -> "Target":
        """The target with what it gave at the sign-in, where there is one.

        Raises:
            LabError: it does not answer, or refuses.
        """
        if sign_in is None:
            return self
        return replace(self, variables=signing_in.sign_in(sign_in, self.endpoint).variables)

    def ask(self, requests: Iterable[Request]) -> None:
        """Send requests whose answers do not matter.

        Raises:
            LabError: the target does not answer.
        """
        for request in requests:
            exchange.send(self.endpoint, request.filled(self._known(self.endpoint)))

    def template(self, call: Call, weight: float, *, inside: bool) -> Template:
        """A request as the generator sends it, or as it is sent from here."""
        endpoint = self.inside if inside else self.endpoint
        request = call.request.filled(self._known(endpoint))
        first, *headers = request.head(endpoint.host, endpoint.prefix)
        rest = "".join(f"{line}\r\n" for line in headers)
        return Template(
            name=call.name,
            weight=weight,
            method=request.method,
            head=[*places.in_path(first), b"\r\n", *places.in_headers(rest)],
            body=places.in_body(request.body),
            has_length=request.needs_length,
            statuses=list(call.expectation.statuses),
            rules=json.dumps(call.expectation.rules).encode(),
            only=call.expectation.only,
        )

    def _known(self, endpoint: Endpoint) -> dict[str, str]:
        return {**self.variables, "host": endpoint.host}


def parse(given: str) -> Target:
    """The target of `name=url`.

    Raises:
        LabError: it is not of this form.
    """
    name, equals, url = given.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise LabError(f"{given!r} is not a target", hint="--target old=http://127.0.0.1:5000")
    endpoint = Endpoint.parse(url)
    return Target(name, endpoint, endpoint)


def with_processes(targets: Sequence[Target], given: Sequence[str]) -> list[Target]:
    """The targets with their first processes, each given as `name=pid`.

    Raises:
        LabError: one is not of this form, or there is no such target.
    """
    pids = {}
    for each in given:
        name, _, pid = each.partition("=")
        if name not in {target.name for target in targets} or not pid.isdecimal():
            raise LabError(
                f"{each!r} is not the process of a target", hint="--process old=4711, as in --target old=URL"
            )
        pids[name] = int(pid)
    return [replace(target, pid=pids.get(target.name, target.pid)) for target in targets]
