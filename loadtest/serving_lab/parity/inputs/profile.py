"""A profile: everything `lab parity` knows of an API beyond its two base URLs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import msgspec

from serving_lab.api import json_path, template
from serving_lab.api.request import Header, Request
from serving_lab.api.request_form import RequestForm
from serving_lab.api.sign_in import LoginForm
from serving_lab.parity.cases import Case, Source, Steps
from serving_lab.parity.inputs.corpus import Corpus, Known
from serving_lab.parity.inputs.har import HarForm
from serving_lab.parity.inputs.intended import read_intended
from serving_lab.parity.inputs.recorded import LINE
from serving_lab.parity.inputs.tokens import TokenForm
from serving_lab.parity.judgement.declarations import Declaration
from serving_lab.parity.judgement.rules import JSON_PATH, Rules, Tolerance
from serving_lab.text.yaml_file import YamlFile

OPENAPI_PATH = "/openapi.json"


class ToleranceForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Numbers at a JSON path that may lie apart."""

    where: str
    relative: float = 0.0
    absolute: float = 0.0


class LogForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a line of a log of JSON lines becomes a request."""

    request: RequestForm
    """`${line:$.features}` stands for a value of the line."""


class ProfileForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A profile file."""

    login: LoginForm | None = None
    before: list[RequestForm] = []
    authorization: dict[str, str] = {}
    openapi: str | None = OPENAPI_PATH
    exclude: list[str] = []
    tolerances: list[ToleranceForm] = []
    unordered: list[str] = []
    counters: list[str] = []
    tokens: dict[str, TokenForm] = {}
    corpus: list[str] = []
    intended: str | None = None
    prediction_log: LogForm | None = None
    har: HarForm = HarForm()


@dataclass(frozen=True)
class Profile:
    """What is known of an API; without a profile file, nothing but where its document is usually found."""

    login: Case | None = None
    """Sent to each side; what it saves is then known to all requests to that side."""
    before: tuple[Request, ...] = ()
    """Sent to both sides before each part, so that both begin alike."""
    authorization: tuple[Header, ...] = ()
    """What generated and recorded requests carry."""
    openapi: str | None = OPENAPI_PATH
    """Path of the OpenAPI document on the candidate."""
    exclude: tuple[str, ...] = ()
    """Operations that generated requests must not call, such as `POST /cache/*`."""
    rules: Rules = field(default_factory=Rules)
    variables: Mapping[str, str] = field(default_factory=dict)
    """Signed tokens, the same for both sides."""
    cases: tuple[Case, ...] = ()
    sequences: tuple[Steps, ...] = ()
    intended: tuple[Declaration, ...] = ()
    log_request: RequestForm | None = None
    """What a line of a log becomes."""
    har: HarForm = field(default_factory=HarForm)
    """Which requests of a HAR file are meant."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """What the files took from the environment, by name: a report shows the name instead."""

    @classmethod
    def load(cls, path: Path | None, environment: Mapping[str, str], corpus: Iterable[Path] = ()) -> Self:
        """Read a profile if there is one, the files it names (their paths are relative to it), and further corpora.

        Raises:
            LabError: a file cannot be read or is wrong, or the environment has not what one names.
        """
        environment = _Environment(environment)
        if path is None:
            found = Corpus.read([*corpus], Known(environment))
            return cls(cases=found.cases, sequences=found.sequences, secrets=environment.read)
        file = YamlFile.read(path, environment)
        form = file.convert(ProfileForm)
        authorization = tuple(form.authorization.items())
        variables = _tokens(file, form)
        saved = frozenset(form.login.save if form.login else ())
        names = frozenset({"host", *variables, *saved, *(f"other_{name}" for name in saved)})
        for name in template.names(form.authorization):
            if name not in names:
                raise file.fault("authorization", f"${{{name}}} is neither saved by the login nor one of the tokens")
        found = Corpus.read([*_corpus_paths(file, form), *corpus], Known(environment, names, authorization))
        return cls(
            login=_login(file, form.login),
            before=tuple(
                _request(file, f"before[{index}]", request, authorization, names)
                for index, request in enumerate(form.before)
            ),
            authorization=authorization,
            openapi=form.openapi,
            exclude=tuple(form.exclude),
            rules=_rules(file, form),
            variables=variables,
            cases=found.cases,
            sequences=found.sequences,
            intended=read_intended(path.parent / form.intended, environment) if form.intended else (),
            log_request=_log_request(file, form.prediction_log),
            har=form.har,
            secrets=environment.read,
        )


class _Environment(Mapping[str, str]):
    """An environment that remembers what was read of it."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.read: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        self.read[name] = self._variables[name]
        return self.read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def _tokens(file: YamlFile, form: ProfileForm) -> dict[str, str]:
    signed = {}
    for name, token in form.tokens.items():
        if not name.isidentifier():
            raise file.fault(f"tokens.{name}", "a name has letters, digits and underscores")
        try:
            signed[name] = token.sign()
        except ValueError as error:
            raise file.fault(f"tokens.{name}", str(error)) from None
    if form.login and (taken := form.login.save.keys() & signed.keys()):
        raise file.fault(f"tokens.{min(taken)}", "the login saves a variable of this name")
    return signed


def _login(file: YamlFile, form: LoginForm | None) -> Case | None:
    if form is None:
        return None
    if not form.save:
        raise file.fault("login.save", "it is empty", hint="name what requests need of the answer: {token: $.token}")
    for name, path in form.save.items():
        try:
            json_path.steps(path)
        except ValueError as error:
            raise file.fault(f"login.save.{name}", str(error)) from None
    request = _request(file, "login.request", form.request, (), frozenset({"host"}))
    return Case(Source.CORPUS, "login", request, form.save)


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


def _corpus_paths(file: YamlFile, form: ProfileForm) -> list[Path]:
    paths: dict[Path, None] = {}
    for index, pattern in enumerate(form.corpus):
        try:
            found = sorted(file.path.parent.glob(pattern))
        except (ValueError, NotImplementedError) as error:
            raise file.fault(f"corpus[{index}]", f"{pattern!r}: {error}") from None
        if not found:
            raise file.fault(
                f"corpus[{index}]", f"no file is called {pattern!r}", hint="paths are relative to this file"
            )
        paths |= dict.fromkeys(found)
    return list(paths)


def _rules(file: YamlFile, form: ProfileForm) -> Rules:
    tolerances = []
    for index, tolerance in enumerate(form.tolerances):
        place = f"tolerances[{index}]"
        _check_json_path(file, f"{place}.where", tolerance.where)
        if min(tolerance.relative, tolerance.absolute) < 0 or max(tolerance.relative, tolerance.absolute) == 0:
            raise file.fault(place, "it tolerates nothing", hint="say relative: 1e-9, or absolute: 0.01")
        tolerances.append(Tolerance(tolerance.where, tolerance.relative, tolerance.absolute))
    for name, paths in (("unordered", form.unordered), ("counters", form.counters)):
        for index, where in enumerate(paths):
            _check_json_path(file, f"{name}[{index}]", where)
    return Rules(tuple(tolerances), frozenset(form.unordered), frozenset(form.counters))


def _check_json_path(file: YamlFile, place: str, path: str) -> None:
    if not JSON_PATH.fullmatch(path):
        raise file.fault(place, f"{path!r} is no JSON path", hint="such as $.total, or $.items[*].price for all items")


def _log_request(file: YamlFile, form: LogForm | None) -> RequestForm | None:
    if form is None:
        return None
    place = "prediction_log.request"
    paths = [path for text in template.texts(msgspec.to_builtins(form.request)) for path in LINE.findall(text)]
    if not paths:
        raise file.fault(place, "it has nothing of the line", hint='say what is of the line: "${line:$.features}"')
    for path in paths:
        try:
            json_path.steps(path)
        except ValueError as error:
            raise file.fault(place, str(error)) from None
    return form.request
