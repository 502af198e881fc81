"""A profile: everything `lab bench` knows of an API beyond its base URLs, and the loads it is measured under."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import msgspec

from serving_lab.api import json_path, template
from serving_lab.api.request import Header, Request
from serving_lab.api.request_form import RequestForm
from serving_lab.api.sign_in import LoginForm
from serving_lab.experiment import value_forms
from serving_lab.experiment.value_forms import ValueForm
from serving_lab.generator import checks
from serving_lab.generator.messages import Value
from serving_lab.text.yaml_file import YamlFile

BEST: Literal["best"] = "best"


class ExpectForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a right answer is."""

    status: int | list[int] = 200
    json: dict[str, Any] = {}
    """Rules by JSON path; see `serving_lab.generator.checks`."""


class MeasuredForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request that load is made of."""

    request: RequestForm
    expect: ExpectForm = ExpectForm()
    agree: list[str] = []
    """JSON paths at which all targets must answer the same to the same request; numbers to one part in a billion."""


class OfPeakForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rate that is found out: a share of what the slowest target can answer."""

    of_peak: float


class ObjectiveForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a service level promises."""

    p99_seconds: float
    wrong_share: float = 0.0


class ScenarioForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One load."""

    title: str = ""
    requests: dict[str, float]
    """Names of requests, and their weights."""
    loop: Literal["closed", "open", "knee"] = "closed"
    connections: int | Literal["best"] = 10
    """`best`: as many as give each target its largest throughput (closed loop only)."""
    rate: float | OfPeakForm | None = None
    """Requests/s, in an open loop."""
    arrivals: Literal["poisson", "constant"] = "poisson"
    objective: ObjectiveForm | None = None


class ProfileForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A profile file."""

    login: LoginForm | None = None
    authorization: dict[str, str] = {}
    before: list[RequestForm] = []
    values: dict[str, ValueForm] = {}
    requests: dict[str, MeasuredForm]
    scenarios: dict[str, ScenarioForm]
    default: list[str] = []


@dataclass(frozen=True)
class Measured:
    """A request that load is made of; `${name}` in it stands for a variable of the target or a value."""

    name: str
    request: Request
    statuses: tuple[int, ...]
    rules: Mapping[str, Any]
    agree: tuple[str, ...]


@dataclass(frozen=True)
class Login:
    """The request that signs in, and what of its answer others need."""

    request: Request
    save: Mapping[str, str]


@dataclass(frozen=True)
class Profile:
    """What is known of an API."""

    login: Login | None
    before: tuple[Request, ...]
    values: Mapping[str, Value]
    requests: Mapping[str, Measured]
    scenarios: Mapping[str, ScenarioForm] = field(default_factory=dict)
    default: tuple[str, ...] = ()
    """Names of the scenarios that run where none is named."""

    @classmethod
    def load(cls, path: Path, environment: Mapping[str, str]) -> Self:
        """Read a profile; paths in it are relative to it.

        Raises:
            LabError: the file cannot be read or is wrong, or the environment has not what it names.
        """
        file = YamlFile.read(path, environment)
        form = file.convert(ProfileForm)
        authorization = tuple(form.authorization.items())
        values = value_forms.read(file, form.values)
        saved = frozenset(form.login.save if form.login else ())
        variables = saved | {"host"}
        for name in template.names(form.authorization):
            if name not in variables:
                raise file.fault("authorization", f"${{{name}}} is not saved by the login")
        if taken := variables & values.keys():
            raise file.fault(f"values.{min(taken)}", "the login saves a variable of this name")
        return cls(
            login=_login(file, form.login),
            before=tuple(
                _request(file, f"before[{at}]", each, authorization, variables) for at, each in enumerate(form.before)
            ),
            values=values,
            requests={
                name: _measured(file, name, each, authorization, variables | values.keys())
                for name, each in form.requests.items()
            },
            scenarios={name: _scenario(file, name, each, form.requests) for name, each in form.scenarios.items()},
            default=_default(file, form),
        )


def _login(file: YamlFile, form: LoginForm | None) -> Login | None:
    if form is None:
        return None
    if not form.save:
        raise file.fault("login.save", "it is empty", hint="name what requests need of the answer: {token: $.token}")
    for name, path in form.save.items():
        _check_path(file, f"login.save.{name}", path)
    return Login(_request(file, "login.request", form.request, (), frozenset({"host"})), form.save)


def _request(
    file: YamlFile, place: str, form: RequestForm, authorization: tuple[Header, ...], names: frozenset[str]
) -> Request:
    for name in template.names(msgspec.to_builtins(form)):
        if name not in names:
            raise file.fault(place, f"${{{name}}} stands for nothing", hint=f"known are: {', '.join(sorted(names))}")
    try:
        return form.build({}, authorization)
    except ValueError as error:
        raise file.fault(place, str(error)) from None


def _measured(
    file: YamlFile, name: str, form: MeasuredForm, authorization: tuple[Header, ...], names: frozenset[str]
) -> Measured:
    place = f"requests.{name}"
    request = _request(file, f"{place}.request", form.request, authorization, names)
    if request.method == "HEAD":
        raise file.fault(f"{place}.request.method", "answers to HEAD have no body to check", hint="measure GET")
    if request.chunked:
        raise file.fault(f"{place}.request.chunked", "load is sent with Content-Length", hint="leave chunked out")
    for path, rule in form.expect.json.items():
        try:
            checks.Checker([], {path: rule})
        except checks.WrongRuleError as error:
            raise file.fault(f"{place}.expect.json", str(error)) from None
    for at, path in enumerate(form.agree):
        _check_path(file, f"{place}.agree[{at}]", path)
    given = form.expect.status
    statuses = tuple(given if isinstance(given, list) else [given])
    return Measured(name, request, statuses, form.expect.json, tuple(form.agree))


def _check_path(file: YamlFile, place: str, path: str) -> None:
    try:
        json_path.steps(path)
    except ValueError as error:
        raise file.fault(place, str(error)) from None


def _scenario(file: YamlFile, name: str, form: ScenarioForm, requests: Mapping[str, MeasuredForm]) -> ScenarioForm:
    place = f"scenarios.{name}"

    def require(holds: bool, where: str, problem: str) -> None:
        if not holds:
            raise file.fault(f"{place}.{where}" if where else place, problem)

    require(name.isidentifier(), "", "a name has letters, digits and underscores")
    for request, weight in form.requests.items():
        require(request in requests, f"requests.{request}", f"there is no request {request!r}")
        require(0 < weight < float("inf"), f"requests.{request}", "a weight is a number above 0")
    require(bool(form.requests), "requests", "there are none")
    require(form.connections == BEST or 1 <= form.connections <= 4096, "connections", "from 1 to 4096, or best")
    require(
        form.connections != BEST or form.loop == "closed", "connections", "best goes with a closed loop, and no other"
    )
    rate = form.rate.of_peak if isinstance(form.rate, OfPeakForm) else form.rate
    require((rate is not None) is (form.loop == "open"), "rate", "an open loop has one, and the others find their own")
    require(rate is None or 0 < rate < float("inf"), "rate", "a number above 0")
    require((form.objective is not None) is (form.loop == "knee"), "objective", "a knee has one, and the others none")
    if form.objective:
        require(form.objective.p99_seconds > 0, "objective.p99_seconds", "seconds above 0")
        require(0 <= form.objective.wrong_share < 1, "objective.wrong_share", "from 0 to below 1")
    return form


def _default(file: YamlFile, form: ProfileForm) -> tuple[str, ...]:
    for at, name in enumerate(form.default):
        if name not in form.scenarios:
            raise file.fault(f"default[{at}]", f"there is no scenario {name!r}")
    return tuple(form.default or form.scenarios)
