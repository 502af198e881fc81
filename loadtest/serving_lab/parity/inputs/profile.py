"""A profile of `lab parity`: the description of an API, and what else a comparison must know of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import msgspec

from serving_lab.api import json_path, template
from serving_lab.api.description import Description, DescriptionForm
from serving_lab.api.profile_file import ProfileFile
from serving_lab.api.request import Header, Parameter, Request
from serving_lab.api.request_form import RequestForm
from serving_lab.api.sign_in import SignIn
from serving_lab.documents import finding
from serving_lab.parity.cases import Case, Steps
from serving_lab.parity.inputs import described
from serving_lab.parity.inputs.corpus import Corpus, Known
from serving_lab.parity.inputs.intended import read_intended
from serving_lab.parity.inputs.recorded import LINE
from serving_lab.parity.inputs.tokens import TokenForm
from serving_lab.parity.judgement.declarations import Declaration
from serving_lab.parity.judgement.rules import JSON_PATH, Rules, Tolerance
from serving_lab.recordings.har import HarForm
from serving_lab.recordings.postman import PostmanForm
from serving_lab.text.environment import Environment
from serving_lab.text.yaml_file import YamlFile


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
    """What `lab parity` adds to a description."""

    openapi: str | None = finding.USUAL
    exclude: list[str] = []
    tolerances: list[ToleranceForm] = []
    unordered: list[str] = []
    counters: list[str] = []
    tokens: dict[str, TokenForm] = {}
    corpus: list[str] = []
    intended: str | None = None
    prediction_log: LogForm | None = None
    har: HarForm = HarForm()
    postman: PostmanForm = PostmanForm()


@dataclass(frozen=True)
class Profile:
    """What is known of an API; without a profile file, nothing but where its document is usually found."""

    sign_in: SignIn | None = None
    """How to sign in to each side; what it saves is then known to all requests to that side."""
    before: tuple[Request, ...] = ()
    """Sent to both sides before each part, so that both begin alike."""
    authorization: tuple[Header, ...] = ()
    """What generated and recorded requests carry."""
    query: tuple[Parameter, ...] = ()
    """Parameters that they carry."""
    openapi: str | None = finding.USUAL
    """Where the OpenAPI document is: a path on the candidate, a URL, a file as a URL, or at a usual place."""
    exclude: tuple[str, ...] = ()
    """Operations that generated requests must not call, such as `POST /cache/*`."""
    rules: Rules = field(default_factory=Rules)
    variables: Mapping[str, str] = field(default_factory=dict)
    """Signed tokens, the same for both sides."""
    described: tuple[Case, ...] = ()
    """The requests of the description, which are compared where there is no corpus."""
    cases: tuple[Case, ...] = ()
    sequences: tuple[Steps, ...] = ()
    intended: tuple[Declaration, ...] = ()
    log_request: RequestForm | None = None
    """What a line of a log becomes."""
    har: HarForm = field(default_factory=HarForm)
    """Which requests of a HAR file are meant."""
    postman: PostmanForm = field(default_factory=PostmanForm)
    """Which requests of a Postman collection are meant."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """What the files took from the environment, by name: a report shows the name instead."""

    @classmethod
    def load(
        cls,
        path: Path | None,
        environment: Mapping[str, str],
        corpus: Iterable[Path] = (),
        intended: Sequence[Path] | None = None,
        openapi: str | None = None,
    ) -> Self:
        """Read a profile if there is one, the files that it names (their paths are relative to it), and further ones.

        Args:
            path: The profile.
            environment: What `${env:NAME}` in files stands for.
            corpus: Corpora besides those that the profile names.
            intended: Files of intended differences, instead of the one that the profile names.
            openapi: Where the OpenAPI document is, instead of what the profile says; a file's path is the user's.

        Raises:
            LabError: a file cannot be read or is wrong, or refers to an unset environment variable.
        """
        environment = Environment(environment)
        declared = tuple(each for file in intended or () for each in read_intended(file, environment))
        if path is None:
            found = Corpus.read([*corpus], Known(environment))
            return cls(
                openapi=_document_place(finding.USUAL, openapi, Path()),
                cases=found.cases,
                sequences=found.sequences,
                intended=declared,
                secrets=environment.read,
            )
        files = ProfileFile.read(path, "parity", ProfileForm, environment)
        file, form = files.own, files.own.convert(ProfileForm)
        saved = _saved(files.api)
        variables = _tokens(file, form, saved)
        names = frozenset({"host", *variables, *saved, *(f"other_{name}" for name in saved)})
        api = Description.of(files.api, names)
        if form.intended and intended is None:
            declared = read_intended(path.parent / form.intended, environment)
        found = Corpus.read(
            [*_corpus_paths(file, form), *corpus], Known(environment, names, api.authorization, api.query)
        )
        return cls(
            sign_in=api.sign_in,
            before=api.before,
            authorization=api.authorization,
            query=api.query,
            openapi=_document_place(form.openapi, openapi, path.parent),
            exclude=tuple(form.exclude),
            rules=_rules(file, form),
            variables=variables,
            described=() if found.cases or found.sequences else described.cases(api),
            cases=found.cases,
            sequences=found.sequences,
            intended=declared,
            log_request=_log_request(file, form.prediction_log),
            har=form.har,
            postman=form.postman,
            secrets=environment.read,
        )


def _document_place(written: str | None, given: str | None, folder: Path) -> str | None:
    if given:
        return finding.place_of(given, Path())
    return written if written is None or written == finding.USUAL else finding.place_of(written, folder)


def _saved(api: YamlFile) -> frozenset[str]:
    """The names that the sign-in saves."""
    sign_in = api.convert(DescriptionForm).sign_in
    return frozenset(sign_in.save if sign_in else ())


def _tokens(file: YamlFile, form: ProfileForm, saved: frozenset[str]) -> dict[str, str]:
    signed = {}
    for name, token in form.tokens.items():
        if not name.isidentifier():
            raise file.fault(f"tokens.{name}", "a name has letters, digits and underscores")
        try:
            signed[name] = token.sign()
        except ValueError as error:
            raise file.fault(f"tokens.{name}", str(error)) from None
    if taken := saved & signed.keys():
        raise file.fault(f"tokens.{min(taken)}", "sign_in saves a variable of this name")
    return signed


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
        raise file.fault(
            place, f"{path!r} is not a JSON path", hint="such as $.total, or $.items[*].price for all items"
        )


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
