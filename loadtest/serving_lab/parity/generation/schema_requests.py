"""Requests that fit an OpenAPI document, and requests that do not: schemathesis writes them, Hypothesis draws them."""

import contextlib
import copy
import os
import unittest
import warnings as python_warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings, strategies
from hypothesis.errors import Unsatisfiable
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from hypothesis.strategies import SearchStrategy
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation

from serving_lab.api.request import Request
from serving_lab.documents.openapi import METHODS, OpenApiDocument, Operation
from serving_lab.parity.generation.left_out import NONE_GENERATED, LeftOutOperations, reason

_Operation = APIOperation[Any, Any, Any, Any]
_Case = schemathesis.Case[_Operation]
_BASE = "http://localhost"
_BOUNDARY = "boundary-of-the-parts"
# What the HTTP client below schemathesis, and schemathesis itself, add of their own accord.
_CLIENTS_HEADERS = frozenset({"accept", "accept-encoding", "connection", "content-length", "user-agent"})
# Where a schema says these, it says itself which members there may be, or a part of it would contradict.
_OPEN = frozenset(
    {"additionalProperties", "unevaluatedProperties", "patternProperties", "allOf", "anyOf", "oneOf", "$ref"}
)
_ATTEMPTS, _FEWEST_ATTEMPTS = 6, 100
"""To draw a request, and to draw any; more would take seconds."""
_NONE = Constants()
_TEST_CASE_HEADER = "x-schemathesis-testcaseid"


class Fit(StrEnum):
    """Whether a request fits the document."""

    VALID = "valid"
    INVALID = "invalid"


_MODES = {Fit.VALID: GenerationMode.POSITIVE, Fit.INVALID: GenerationMode.NEGATIVE}


@dataclass(frozen=True)
class SchemaOperation:
    """One operation of a document, as a source of requests."""

    method: str
    path: str
    """Its template below the service's base URL."""
    has_input: bool
    """Whether there is anything to vary: parameters or a body."""
    _base_url: str = field(repr=False)
    _operation: _Operation = field(repr=False)

    def draw(self, fit: Fit, count: int, number: int) -> list[Request]:
        """At most `count` requests; `number` is the seed, which with the count decides which.

        Raises:
            Exception: whatever schemathesis raises about a schema that it cannot read or satisfy.
        """
        drawn: list[Request] = []

        cases = self._operation.as_strategy(generation_mode=_MODES[fit])
        attempts = _Attempts(max(_FEWEST_ATTEMPTS, _ATTEMPTS * count))

        @seed(number)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        @given(strategies.just(None).flatmap(lambda _: attempts.of(cases)))
        def collect(case: _Case) -> None:
            # Some values fit a schema and no URL.
            with contextlib.suppress(requests.RequestException, UnicodeError):
                drawn.append(_request(case, self.method, self._base_url))

        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            try:
                collect()
            except Exception:
                if not attempts.used_up:
                    raise
        if not drawn:
            raise Unsatisfiable("nothing was found")
        return drawn


class _Attempts:
    """Ends the drawing where most of what is tried does not fit: a deep schema has one success in forty."""

    def __init__(self, most: int) -> None:
        self._left = most
        self.used_up = False

    def of(self, cases: SearchStrategy[_Case]) -> SearchStrategy[_Case]:
        """The cases, as long as there are attempts left."""
        self._left -= 1
        if self._left < 0:
            self.used_up = True
            raise unittest.SkipTest("too few fit")  # at which Hypothesis stops, without looking for the cause
        return cases


def schema_operations(
    document: OpenApiDocument, left_out: LeftOutOperations, *, signed_in: bool
) -> list[SchemaOperation]:
    """The operations that requests can be drawn for; those that they cannot are noted in `left_out`.

    Where requests are `signed_in` by other means, the document's own security schemes are left out of them.
    """
    _keep_caches_at_home()
    _draw_the_same_everywhere()
    for label, why in document.left_out:
        left_out.note(NONE_GENERATED, label, why.why, why.what)
    for spared in document.contained.spared:
        left_out.note("not used:", spared.why, "", spared.what)
    operations: list[SchemaOperation] = []
    for keyed in _keyed(document):
        try:
            prepared = _prepared(document, keyed, signed_in=signed_in)
            schema = schemathesis.openapi.from_dict(prepared, config=SchemathesisConfig())
        except Exception as error:  # noqa: BLE001 - a document of others may make schemathesis raise anything
            for operation, _ in keyed:
                left_out.note(NONE_GENERATED, operation.label, reason(error))
            continue
        for operation, key in keyed:
            try:
                operations.append(_schema_operation(operation, schema[operation.path][key.upper()]))
            except Exception as error:  # noqa: BLE001 - as above
                left_out.note(NONE_GENERATED, operation.label, reason(error))
    return operations


_Keyed = list[tuple[Operation, str]]


def _keyed(document: OpenApiDocument) -> Iterator[_Keyed]:
    """The operations that can be read together, each with the key under which schemathesis looks for it.

    Methods without a key of their own are read as POST.
    """
    described = [operation for operation in document.operations if not operation.left_out]
    yield [(each, each.method.lower()) for each in described if each.method in METHODS]
    for method in dict.fromkeys(each.method for each in described if each.method not in METHODS):
        yield [(each, "post") for each in described if each.method == method]


def _keep_caches_at_home() -> None:
    """Have Hypothesis keep its tables of characters with the user's caches, not in the working directory."""
    try:
        home = Path.home()
    except RuntimeError:
        home = Path(os.devnull)  # it does without where it cannot write
    caches = os.environ.get("XDG_CACHE_HOME") or home / ".cache"
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", f"{caches}/hypothesis")


def _draw_the_same_everywhere() -> None:
    """Have Hypothesis draw from the document alone.

    It also draws constants of the source code that runs from a checkout: then equal seeds would send other requests
    after each change of the laboratory. There is no setting for that.
    """
    if providers._get_local_constants is not _no_constants:
        providers._get_local_constants = _no_constants
        providers.CONSTANTS_CACHE.cache.clear()  # what this process has drawn before


def _no_constants() -> Constants:
    return _NONE


def _schema_operation(operation: Operation, found: _Operation) -> SchemaOperation:
    has_input = bool(found.body) or any(True for _ in found.iter_parameters())
    return SchemaOperation(operation.method, operation.template, has_input, _BASE + operation.prefix, found)


def _prepared(document: OpenApiDocument, keyed: _Keyed, *, signed_in: bool) -> dict[str, Any]:
    """The document as schemathesis is to have it: with these operations."""
    content: dict[str, Any] = copy.deepcopy(dict(document.content))
    paths: dict[str, Any] = {}
    for operation, key in keyed:
        item = paths.setdefault(
            operation.path, {"parameters": operation.shared} if operation.shared is not None else {}
        )
        item[key] = _definition(document, operation, signed_in=signed_in)
    if signed_in:
        content.pop("security", None)
    for holder in (content.get("components"), content):
        for key in ("securitySchemes", "securityDefinitions"):
            schemes = holder.get(key) if isinstance(holder, dict) else None
            if isinstance(holder, dict) and isinstance(schemes, dict):
                holder[key] = {name: scheme for name, scheme in schemes.items() if document.resolved(scheme)}
    return content | {"paths": paths}


def _definition(document: OpenApiDocument, operation: Operation, *, signed_in: bool) -> dict[str, Any]:
    definition: dict[str, Any] = copy.deepcopy(dict(operation.definition))
    definition.pop("callbacks", None)
    definition["responses"] = {"default": {"description": "whatever it is"}}
    if signed_in:
        definition.pop("security", None)
    for holder in _body_schemas(definition):
        holder["schema"] = _closed(document, holder["schema"])
    return definition


def _body_schemas(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What holds the schema of a body: a media type, or with Swagger 2.0 a parameter."""
    body = definition.get("requestBody")
    media_types = body.get("content") if isinstance(body, dict) else None
    parameters = definition.get("parameters")
    for holder in (
        *(media_types.values() if isinstance(media_types, dict) else ()),
        *(parameters if isinstance(parameters, list) else ()),
    ):
        if isinstance(holder, dict) and "schema" in holder and holder.get("in", "body") == "body":
            yield holder


def _closed(document: OpenApiDocument, schema: object) -> object:
    """The schema of an object without members that it does not name.

    Half of what is drawn would be such members, which services ignore; mutations add some too.
    """
    resolved = document.resolved(schema)
    if resolved.get("type") != "object" or "properties" not in resolved or _OPEN & resolved.keys():
        return schema
    return {**resolved, "additionalProperties": False}


def _request(case: _Case, method: str, base_url: str) -> Request:
    """What schemathesis would send, without what it says of itself."""
    arguments = case.as_transport_kwargs(base_url=base_url)
    prepared = requests.Request(**arguments).prepare()
    chosen = {name.lower() for name in case.headers}
    headers = {
        name: value if isinstance(value, str) else value.decode("latin-1")
        for name, value in prepared.headers.items()
        if name.lower() != _TEST_CASE_HEADER and (name.lower() in chosen or name.lower() not in _CLIENTS_HEADERS)
    }
    content = prepared.body or b""
    body = content if isinstance(content, bytes) else str(content).encode("utf-8", "surrogatepass")
    content_type = headers.get("Content-Type", "")
    _, found, boundary = content_type.partition("boundary=")
    if found and content_type.startswith("multipart/"):
        # It is random each time, and the same seed must give the same bytes.
        headers["Content-Type"] = content_type.replace(boundary, _BOUNDARY)
        body = body.replace(boundary.encode("latin-1"), _BOUNDARY.encode())
    return Request(method, prepared.path_url, tuple(headers.items()), body)
