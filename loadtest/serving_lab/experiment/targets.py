"""The services that are measured: where they answer, what they know us by, and the requests made for them."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.api.sign_in import sign_in
from serving_lab.errors import LabError
from serving_lab.experiment.profile import Measured, Profile
from serving_lab.generator.messages import Draw, Template
from serving_lab.wire import exchange

_NAME = re.compile(r"[\w.-]+")
_WHOLE = re.compile(r'"\$\{(\w+)\}"|\$\{(\w+)\}')


@dataclass(frozen=True)
class Target:
    """A service, by its name; `inside` is its endpoint as the generator reaches it."""

    name: str
    endpoint: Endpoint
    inside: Endpoint
    pid: int | None = None
    """Its first process, where it is one of the lab's stack."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What it gave at the sign-in."""

    def signed_in(self, profile: Profile) -> "Target":
        """Sign in, and return the target with what that gave.

        Raises:
            LabError: it does not answer, or refuses.
        """
        if profile.login is None:
            return self
        request = profile.login.request.filled({"host": self.endpoint.host})
        return replace(self, variables=sign_in(self.endpoint, request, profile.login.save))

    def ask(self, requests: Iterable[Request]) -> None:
        """Send requests whose answers do not matter.

        Raises:
            LabError: the target does not answer.
        """
        for request in requests:
            exchange.send(self.endpoint, request.filled(self._known(self.endpoint)))

    def template(self, measured: Measured, weight: float, *, inside: bool) -> Template:
        """Return a request as the generator sends it, or as it is sent from here."""
        endpoint = self.inside if inside else self.endpoint
        request = measured.request.filled(self._known(endpoint))
        first, *headers = request.head(endpoint.host, endpoint.prefix)
        rest = "".join(f"{line}\r\n" for line in headers)
        return Template(
            name=measured.name,
            weight=weight,
            method=request.method,
            head=[*_path_parts(first), b"\r\n" + rest.encode("latin-1")],
            body=list(_body_parts(request.body)),
            has_length=request.needs_length,
            statuses=list(measured.statuses),
            rules=json.dumps(measured.rules).encode(),
        )

    def _known(self, endpoint: Endpoint) -> dict[str, str]:
        return {**self.variables, "host": endpoint.host}


def parse(given: str) -> Target:
    """Return the target of `name=url`.

    Raises:
        LabError: it is not of this form.
    """
    name, equals, url = given.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise LabError(f"{given!r} is no target", hint="--target old=http://127.0.0.1:5000")
    endpoint = Endpoint.parse(url)
    return Target(name, endpoint, endpoint)


def _path_parts(line: str) -> Iterator[bytes | Draw]:
    end = 0
    for found in _WHOLE.finditer(line):
        yield line[end : found.start()].encode("latin-1")
        yield Draw(found[1] or found[2], "path")
        end = found.end()
    yield line[end:].encode("latin-1")


def _body_parts(body: bytes) -> Iterator[bytes | Draw]:
    text, end = body.decode("latin-1"), 0
    for found in _WHOLE.finditer(text):
        yield text[end : found.start()].encode("latin-1")
        yield Draw(found[1], "value") if found[1] else Draw(found[2], "text")
        end = found.end()
    yield text[end:].encode("latin-1")
