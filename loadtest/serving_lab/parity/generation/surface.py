"""The surface of an API, without bodies: every path with every method, and the spellings that routers disagree on."""

from collections.abc import Iterator

from serving_lab.api.request import Header, Request
from serving_lab.documents.openapi import METHODS, OpenApiDocument, Operation
from serving_lab.documents.operations import Operations
from serving_lab.documents.paths import example, filled, quoted
from serving_lab.parity.cases import Case, Source

_UNKNOWN_METHOD = "FROB"
_UNKNOWN_PATH = "/no-such-path"


def cases(
    document: OpenApiDocument, *, authorization: tuple[Header, ...], exclude: tuple[str, ...]
) -> tuple[Case, ...]:
    """The cases in the document's order; what `exclude` names (`POST /cache/*`) is not among them."""
    paths = Operations(document.templates)
    requests = dict.fromkeys(_requests(document, authorization))
    return tuple(
        Case(Source.SURFACE, f"{'signed in ' if request.headers else ''}{request.method} {request.target}", request)
        for request in requests
        if not paths.excludes(exclude, request.method, request.target)
    )


def _requests(document: OpenApiDocument, authorization: tuple[Header, ...]) -> Iterator[Request]:
    described: dict[str, list[Operation]] = {}
    for operation in document.operations:
        described.setdefault(operation.template, []).append(operation)
    for operations in described.values():
        path = filled(operations[0])
        for method in dict.fromkeys((*METHODS, *(operation.method for operation in operations), _UNKNOWN_METHOD)):
            yield Request(method, path)
            if authorization:
                yield Request(method, path, authorization)
        for operation in operations:
            for target in _spellings(path):
                yield Request(operation.method, target, authorization)
            yield Request(operation.method, f"{path}?{_query(operation)}", authorization)
    for method in (*METHODS, _UNKNOWN_METHOD):
        yield Request(method, f"{document.prefix}{_UNKNOWN_PATH}", authorization)
    yield Request("GET", f"{document.prefix}/", authorization)


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
