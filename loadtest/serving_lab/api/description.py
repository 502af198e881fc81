"""The description of an API: how to sign in, which requests there are, what right answers are, and mixes of them.

Every command reads it; what a command adds stands in a section of its own (`serving_lab.api.profile_file`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from serving_lab.api import json_path, template, value_forms
from serving_lab.api.agreement import Agree, AgreeForm
from serving_lab.api.expectations import Expectation, ExpectForm, HeaderChecker
from serving_lab.api.request import Header, Parameter, Request
from serving_lab.api.request_form import RequestForm
from serving_lab.api.rules import WrongRuleError
from serving_lab.api.sign_in import SignIn, SignInForm
from serving_lab.api.value_forms import ValueForm
from serving_lab.api.values import Several, Value
from serving_lab.text.yaml_file import YamlFile

_PERSONAL = frozenset({"header", "query", "path"})
_PARAMETER = re.compile(r"\{[^{}/]+\}")


class CallForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request by its name, and what a right answer to it is."""

    request: RequestForm | None = None
    websocket: RequestForm | None = None
    """Instead of a request: a message on a WebSocket at this path."""
    expect: ExpectForm = ExpectForm()
    agree: list[str | AgreeForm] = []
    """JSON paths at which all targets answer the same to the same request; numbers to one part in a billion."""
    repeatable: bool = False
    """Whether its operation may be sent once more, and to another service, although its method is not a safe one."""


class EveryAnswerForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all right answers have in common."""

    headers: dict[str, Any] = {}


class DescriptionForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A description as it stands in a file."""

    sign_in: SignInForm | None = None
    authorization: dict[str, str] = {}
    """Headers of every request that does not bring its own."""
    authorization_query: dict[str, str] = {}
    """Parameters of the query of every request that does not bring its own."""
    before: list[RequestForm] = []
    """Sent to each service before a comparison or a scenario, so that all begin alike."""
    values: dict[str, ValueForm] = {}
    every_answer: EveryAnswerForm = EveryAnswerForm()
    error_message: str | None = None
    """The JSON path at which an error answer says what is wrong."""
    requests: dict[str, CallForm] = {}
    mixes: dict[str, dict[str, float]] = {}
    """Names of requests with their weights."""
    personal: list[str] = []
    """What a recording must not show: `$.email` in bodies, `header X-User`, `query email`, `path /users/{name}`."""


@dataclass(frozen=True)
class Call:
    """A request by its name; `${name}` in it stands for a variable of the service or for a value."""

    name: str
    request: Request
    """Of a WebSocket: what opens it, with the message as the body."""
    expectation: Expectation
    agree: tuple[Agree, ...] = ()
    signed_in: bool = False
    """Whether it carries what the sign-in gave."""
    websocket: bool = False
    repeatable: bool = False
    """Whether it may be sent once more although its method is not a safe one."""


@dataclass(frozen=True)
class Description:
    """What is known of an API."""

    sign_in: SignIn | None = None
    authorization: tuple[Header, ...] = ()
    query: tuple[Parameter, ...] = ()
    """What lets requests in beside that."""
    before: tuple[Request, ...] = ()
    values: Mapping[str, Value] = field(default_factory=dict)
    error_message: str | None = None
    requests: Mapping[str, Call] = field(default_factory=dict)
    mixes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    personal: tuple[str, ...] = ()
    """What a recording must not show, as it is written."""

    @classmethod
    def of(cls, file: YamlFile, further: frozenset[str] = frozenset()) -> "Description":
        """The description that a file holds.

        Args:
            file: The file, without what commands add.
            further: Names besides those that the sign-in saves to which requests may refer.

        Raises:
            LabError: it is wrong.
        """
        return _Reader(file, file.convert(DescriptionForm), further).description()


@dataclass(frozen=True)
class _Reader:
    file: YamlFile
    form: DescriptionForm
    further: frozenset[str]

    def description(self) -> Description:
        form, file = self.form, self.file
        values = value_forms.read(file, form.values)
        variables = frozenset({"host", *(form.sign_in.save if form.sign_in else ())}) | self.further
        for key, written in (("authorization", form.authorization), ("authorization_query", form.authorization_query)):
            for name in template.names(written):
                if name not in variables:
                    raise file.fault(key, f"${{{name}}} is not saved by sign_in")
        if taken := variables & values.keys():
            raise file.fault(f"values.{min(taken)}", "sign_in saves a variable of this name")
        if form.error_message is not None:
            self._check_path("error_message", form.error_message)
        self._check_headers("every_answer.headers", form.every_answer.headers)
        calls = {name: self._call(name, each, values, variables) for name, each in form.requests.items()}
        for name, mix in form.mixes.items():
            check_mix(file, f"mixes.{name}", mix, calls)
        return Description(
            sign_in=self._sign_in(form.sign_in),
            authorization=tuple(form.authorization.items()),
            query=tuple(form.authorization_query.items()),
            before=tuple(self._request(f"before[{at}]", each, variables) for at, each in enumerate(form.before)),
            values=values,
            error_message=form.error_message,
            requests=calls,
            mixes=form.mixes,
            personal=tuple(self._personal(at, each) for at, each in enumerate(form.personal)),
        )

    def _sign_in(self, form: SignInForm | None) -> SignIn | None:
        if form is None:
            return None
        if not form.save:
            hint = "name what requests need of the answer: {token: $.token}"
            raise self.file.fault("sign_in.save", "it is empty", hint=hint)
        for name, where in form.save.items():
            if isinstance(where, str):
                self._check_path(f"sign_in.save.{name}", where)
            elif bool(where.cookie) is bool(where.header):
                raise self.file.fault(f"sign_in.save.{name}", "it is one of {cookie: NAME} and {header: NAME}")
        if form.lifetime is not None:
            self._check_path("sign_in.lifetime", form.lifetime)
        request = self._request("sign_in.request", form.request, frozenset({"host"}), signs_in=True)
        expectation = self._expectation("sign_in.expect", form.expect or ExpectForm(), frozenset())
        return SignIn(request, form.save, form.lifetime, expectation)

    def _request(self, place: str, form: RequestForm, known: frozenset[str], *, signs_in: bool = False) -> Request:
        for name in template.names(msgspec.to_builtins(form)):
            if name not in known:
                hint = f"known are: {', '.join(sorted(known))}"
                raise self.file.fault(place, f"${{{name}}} is not defined", hint=hint)
        try:
            if signs_in:
                return form.build({}, ())
            return form.build({}, tuple(self.form.authorization.items()), tuple(self.form.authorization_query.items()))
        except ValueError as error:
            raise self.file.fault(place, str(error)) from None

    def _call(self, name: str, form: CallForm, values: Mapping[str, Value], variables: frozenset[str]) -> Call:
        place = f"requests.{name}"
        websocket = form.websocket is not None
        of_call = form.websocket or form.request
        if of_call is None or (form.websocket and form.request):
            raise self.file.fault(place, "it has one of request and websocket")
        at = f"{place}.{'websocket' if websocket else 'request'}"
        request = self._request(at, of_call, variables | values.keys())
        if request.method == "HEAD":
            raise self.file.fault(f"{at}.method", "answers to HEAD have no body to check", hint="describe GET")
        if request.chunked:
            raise self.file.fault(f"{at}.chunked", "these are sent with Content-Length", hint="leave chunked out")
        if websocket and request.method != "GET":
            raise self.file.fault(f"{at}.method", "a WebSocket is opened with GET", hint="leave the method out")
        sent = frozenset(template.names(msgspec.to_builtins(of_call))) & values.keys()
        return Call(
            name=name,
            request=request,
            expectation=self._expectation(f"{place}.expect", form.expect, sent),
            agree=tuple(
                self._agree(f"{place}.agree[{index}]", name, each, sent, values)
                for index, each in enumerate(form.agree)
            ),
            signed_in=self._carries_what_is_saved(request),
            websocket=websocket,
            repeatable=form.repeatable,
        )

    def _personal(self, at: int, written: str) -> str:
        place = f"personal[{at}]"
        if written.startswith("$"):
            self._check_path(place, written.replace("[*]", "[0]"))
            return written
        kind, _, name = written.partition(" ")
        if kind not in _PERSONAL or not name.strip() or (kind == "path" and not _PARAMETER.search(name)):
            hint = "such as $.email, header X-User, query email, or path /users/{name}"
            raise self.file.fault(place, f"{written!r} is not a place", hint=hint)
        return written

    def _carries_what_is_saved(self, request: Request) -> bool:
        texts = [request.target, *(value for _, value in request.headers), request.body.decode("latin-1")]
        return bool(self.form.sign_in and self.form.sign_in.save.keys() & set(template.names(texts)))

    def _expectation(self, place: str, form: ExpectForm, sent: frozenset[str]) -> Expectation:
        for path, each in form.json.items():
            try:
                _ = Expectation(rules={path: each}).checker
            except WrongRuleError as error:
                raise self.file.fault(f"{place}.json", str(error)) from None
        self._check_headers(f"{place}.headers", form.headers)
        expectation = Expectation.of(form, self.form.every_answer.headers)
        if unknown := expectation.sent - sent:
            raise self.file.fault(f"{place}.json", f"the request is not sent with a value {min(unknown)!r}")
        return expectation

    def _agree(
        self, place: str, call: str, form: str | AgreeForm, sent: frozenset[str], values: Mapping[str, Value]
    ) -> Agree:
        given = AgreeForm(path=form) if isinstance(form, str) else form
        self._check_path(place, given.path)
        if given.per is not None:
            self._check_path(f"{place}.per", given.per)
        if given.of is not None and given.of not in sent:
            raise self.file.fault(f"{place}.of", f"the request is not sent with a value {given.of!r}")
        of = tuple(sorted(sent)) if given.of is None else (given.of,)
        each = given.of is not None and isinstance(values[given.of], Several)
        return Agree(given.path, of, given.as_ or call, given.per, each)

    def _check_headers(self, place: str, rules: Mapping[str, Any]) -> None:
        try:
            HeaderChecker(rules)
        except WrongRuleError as error:
            raise self.file.fault(place, str(error)) from None

    def _check_path(self, place: str, path: str) -> None:
        try:
            json_path.steps(path)
        except ValueError as error:
            raise self.file.fault(place, str(error)) from None


def check_mix(
    file: YamlFile, place: str, mix: Mapping[str, float], calls: Mapping[str, Call], *, websocket: bool | None = None
) -> None:
    """Check that a mix is one, of requests or of messages where that matters.

    Raises:
        LabError: it is empty, or names what is not there.
    """
    if not mix:
        raise file.fault(place, "there are no requests in it")
    for name, weight in mix.items():
        at = f"{place}.{name}"
        if name not in calls:
            raise file.fault(at, f"there is no request {name!r}", hint=f"known are: {', '.join(calls) or 'none'}")
        if not 0 < weight < float("inf"):
            raise file.fault(at, "a weight is a number above 0")
        if websocket is not None and calls[name].websocket is not websocket:
            wanted = (
                "a message on a WebSocket" if websocket else "a request; messages on a WebSocket cannot be sent here"
            )
            raise file.fault(at, f"{name!r} is not {wanted}")
