"""The surface of an API, without bodies: every path with every method, and the spellings that routers disagree on."""

from collections.abc import Iterator

from serving_lab.api.request import Header, Parameter, Request
from serving_lab.documents.openapi import METHODS, OpenApiDocument, Operation
from serving_lab.documents.operations import Operations
from serving_lab.documents.paths import example, filled, quoted
from serving_lab.parity.cases import Case, Source

_UNKNOWN_METHOD = "FROB"
_UNKNOWN_PATH = "/no-such-path"


def cases(
    document: OpenApiDocument,
    *,
    authorization: tuple[Header, ...],
    query: tuple[Parameter, ...] = (),
    exclude: tuple[str, ...],
) -> tuple[Case, ...]:
    """The cases in the document's order; what `exclude` names (`POST /cache/*`) is not among them."""
    paths = Operations(document.templates)
    requests: dict[Request, bool] = {}
    for request, signed_in in _requests(document):
        signed = request.with_headers(*authorization).with_query(*query) if signed_in else request
        requests.setdefault(signed, signed != request)
    return tuple(
        Case(Source.SURFACE, f"{'signed in ' if signed_in else ''}{request.method} {request.target}", request)
        for request, signed_in in requests.items()
        if not paths.excludes(exclude, request.method, request.target)
    )


def _requests(document: OpenApiDocument) -> Iterator[tuple[Request, bool]]:
    """Requests, each with whether it is signed in."""
    described: dict[str, list[Operation]] = {}
    for operation in document.operations:
        described.setdefault(operation.template, []).append(operation)
    for operations in described.values():
        path = filled(operations[0])
        for method in dict.fromkeys((*METHODS, *(operation.method for operation in operations), _UNKNOWN_METHOD)):
            yield Request(method, path), False
            yield Request(method, path), True
        for operation in operations:
            for target in _spellings(path):
                yield Request(operation.method, target), True
            yield Request(operation.method, f"{path}?{_query(operation)}"), True
    for method in (*METHODS, _UNKNOWN_METHOD):
        yield Request(method, f"{document.prefix}{_UNKNOWN_PATH}"), True
    yield Request("GET", f"{document.prefix}/"), True


def _spellings(path: str) -> Iterator[str]:
    """The path as other routers would still take it for the same."""
    yield f"{path}/"
    yield f"{path}//"
    yield f"/{path}"
    yield f"/.{path}"
    yield f"{path}/."
    yield f"{path}%2F"
    yield f"{path};a=1"
    yield f"{path}.json"
    head, slash, last = path.rpartition("/")
    yield path.upper()
    yield f"{head}//{last}"
    if last[:1].isalnum():
        yield f"{head}{slash}%{ord(last[0]):02X}{last[1:]}"
    if head:
        yield f"{head}%2F{last}"


def _query(operation: Operation) -> str:
    """A query with the operation's own parameters, or one that means nothing to it."""
    own = [parameter for parameter in operation.parameters if parameter.get("in") == "query" and "name" in parameter]
    return "&".join(f"{quoted(str(each['name']), safe='/')}={quoted(example(each))}" for each in own) or "unknown=1"
