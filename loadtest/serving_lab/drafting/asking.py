"""Asks the service what it answers to the drafted requests that change nothing."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

import msgspec

from serving_lab.api import json_path
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Header, Parameter, Request
from serving_lab.api.sign_in import NotSignedInError, OfHeadForm, SignIn
from serving_lab.drafts import answers
from serving_lab.drafts.draft import Access, DraftedRequest
from serving_lab.drafts.forms import VARIABLE, built, changes_something, filled, form_of, variables_of
from serving_lab.drafts.schemes import LIFETIMES, TOKEN_NAMES
from serving_lab.errors import LabError
from serving_lab.wire import exchange
from serving_lab.wire.message import Answer

_TIMEOUT_SECONDS, _ALL_SECONDS = 5.0, 60.0
"""For one answer, and for all of them."""


class Asking:
    """The service that is asked, and what lets requests in there."""

    def __init__(self, endpoint: Endpoint, access: Access, environment: Mapping[str, str]) -> None:
        self._endpoint = endpoint
        self._environment = environment
        self._variables: Mapping[str, str] = {}
        self._until = time.monotonic() + _ALL_SECONDS
        self.access = access
        """As drafted, and corrected by what the service answers."""
        self.missing = tuple(name for name in _named(access) if name not in environment)
        """Variables of the environment without which nobody is let in."""
        self.let_in = access.known and not self.missing
        """Whether requests that need it are let in."""

    def sign_in(self) -> None:
        """Sign in, and find the token in what is answered."""
        call = self.access.sign_in
        if call is None or not self.let_in:
            return
        try:
            request = built(form_of(call), self._environment, ()).filled({"host": self._endpoint.host})
            answer = exchange.send(self._endpoint, request, _TIMEOUT_SECONDS)
        except (LabError, ValueError):
            self._refused("it was not answered")
            return
        if answer.status >= 400:
            names = " and ".join(dict.fromkeys(VARIABLE.findall(str(form_of(call)))))
            self._refused(f"it was answered {answer.status}" + (f": are {names} right?" if names else ""))
            return
        if self._granted(answer) is None and self._may_be_elsewhere and (found := _token(answer)):
            token, lifetime = found
            self.access = replace(self.access, save={"token": token}, lifetime=lifetime, sign_in_to_do=())
        granted = self._granted(answer)
        if granted is None:
            self._refused("its answer has no token where it was looked for")
        else:
            self._variables = granted
            self.access = replace(self.access, sign_in_to_do=())

    def asked(self, request: DraftedRequest) -> DraftedRequest:
        """The request with what was answered, where it may be asked."""
        if time.monotonic() > self._until:
            return replace(request, to_do=(*request.to_do, "it was not asked: the answers took a minute"))
        if changes_something(request) or (request.signed_in and self.access.known and not self.let_in):
            return request
        authorization = tuple(self.access.authorization.items()) if request.signed_in and self.let_in else ()
        try:
            sent = built(form_of(request.call), self._environment, authorization)
            sent = sent.filled({**self._variables, "host": self._endpoint.host})
            sent = sent.with_query(*(self.query if request.signed_in else ()))
            answer = exchange.send(self._endpoint, sent, _TIMEOUT_SECONDS)
        except (LabError, ValueError):
            return replace(request, to_do=(*request.to_do, "it was not answered when it was asked"))
        if not 200 <= answer.status < 300:
            told = f"it was answered {answer.status} when it was asked"
            return replace(request, answered=answer.status, to_do=(*request.to_do, told))
        observed = answers.of_body(answer.header("content-type") or "", answer.body)
        return replace(
            request,
            answered=answer.status,
            statuses=(answer.status,),
            rules=answers.refined(dict(request.rules), observed),
            # What is answered rightly is asked rightly, whatever it is made of.
            to_do=(),
        )

    @property
    def authorization(self) -> tuple[Header, ...]:
        """The headers that let requests in, as far as that is known."""
        if not self.let_in:
            return ()
        sent = built({"path": "/"}, self._environment, tuple(self.access.authorization.items()))
        return sent.filled({**self._variables, "host": self._endpoint.host}).headers

    @property
    def query(self) -> tuple[Parameter, ...]:
        """The parameters of the query that let requests in, as far as they are known."""
        known = {name: self._environment[name] for name in _named(self.access) if name in self._environment}
        return tuple((name, filled(value, known)) for name, value in self.access.query.items()) if self.let_in else ()

    @property
    def _may_be_elsewhere(self) -> bool:
        """Whether the token may be in another member of the answer than was drafted."""
        return [*map(type, self.access.save.values())] == [str] and "token" in self.access.save

    def _granted(self, answer: Answer) -> Mapping[str, str] | None:
        save = {
            name: where if isinstance(where, str) else msgspec.convert(where, OfHeadForm)
            for name, where in self.access.save.items()
        }
        try:
            how = SignIn(Request("POST", "/"), save, self.access.lifetime)
            return how.granted(answer.body, answer.headers).variables
        except NotSignedInError:
            return None

    def _refused(self, told: str) -> None:
        self.let_in = False
        self.access = replace(self.access, sign_in_to_do=(*self.access.sign_in_to_do, told))


def _named(access: Access) -> list[str]:
    sign_in = form_of(access.sign_in) if access.sign_in else {}
    return variables_of([sign_in, dict(access.authorization), dict(access.query)])


def _token(answer: Answer) -> tuple[str, str | None] | None:
    """Where the token of an answer to a sign-in is, and where its lifetime."""
    try:
        document = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    named: dict[str, str] = {}
    for path, value in _members(document, "$"):
        if isinstance(value, (str, int)) and value:
            named.setdefault(str(json_path.steps(path)[-1]).lower(), path)
    token = next((named[name] for name in TOKEN_NAMES if name in named), None)
    return (token, next((named[name] for name in LIFETIMES if name in named), None)) if token else None


def _members(value: object, where: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, member in value.items():
            path = json_path.member(where, key)
            yield path, member
            yield from _members(member, path)
