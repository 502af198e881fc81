"""Requests of the other endpoints as GraphQL: their bodies as variables, and written into the query."""

import json
import re
from dataclasses import replace

from support.wire import Request

from contract.cases import Accepted, Fault
from contract.cases.bodies import BODY_FAULTS, CONTENT_TYPE_FAULTS
from contract.cases.features import BATCH_ACCEPTED, BATCH_FAULTS, PREDICT_ACCEPTED, PREDICT_FAULTS

PATH = "/graphql"

_OPERATIONS = {
    "/predict": ("features", "Features", "predict", "{ prediction }"),
    "/batch-predict": ("samples", "Samples", "batchPredict", "{ predictions }"),
}
_KEY = re.compile(r'"(\w+)":')


def post(body: bytes, **changes: object) -> Request:
    """A request with this body."""
    return replace(Request("POST", PATH, body=body), **changes)  # type: ignore[arg-type] # fields of a request


def query(text: str, variables: dict[str, object] | None = None, operation: str | None = None) -> Request:
    """A request for a query."""
    return post(json.dumps({"query": text, "variables": variables, "operationName": operation}).encode())


def as_variables(request: Request) -> Request:
    """The same question with the body, byte by byte, as the variables."""
    argument, type_, field, selection = _OPERATIONS[request.target]
    text = f"query (${argument}: {type_}) {{ answer: {field}({argument}: ${argument}) {selection} }}"
    return post(b'{"query": %s, "variables": %s}' % (json.dumps(text).encode(), request.body))


def as_literal(request: Request) -> Request:
    """The same question with its value written into the query; GraphQL's names stand without quotes."""
    argument, _, field, selection = _OPERATIONS[request.target]
    value = _KEY.sub(r"k\1:", request.body.decode().removeprefix(f'{{"{argument}":').removesuffix("}"))
    return query(f"{{ answer: {field}({argument}: {value}) {selection} }}")


FAULTS = [*PREDICT_FAULTS, *BATCH_FAULTS]
ACCEPTED: list[Accepted] = [*PREDICT_ACCEPTED, *BATCH_ACCEPTED]

# Arguments that there are not, GraphQL itself refuses.
WRITABLE_FAULTS = [fault for fault in FAULTS if not fault.error.startswith("Missing")]

OUTER_FAULTS = [
    *[
        Fault(fault.id.removeprefix("/predict "), replace(fault.request, target=PATH), fault.status, fault.error)
        for fault in (*BODY_FAULTS, *CONTENT_TYPE_FAULTS)
        if fault.request.target == "/predict"
    ],
    Fault("no query", post(b'{"variables": {}}'), 400, "Missing query field"),
    Fault("query in other case", post(b'{"Query": "{ __typename }"}'), 400, "Missing query field"),
    Fault("empty query", post(b'{"query": ""}'), 400, "Missing query field"),
    *[
        Fault(f"query is {text}", post(b'{"query": %s}' % text.encode()), 400, "Query must be a string")
        for text in ("null", "1", "true", "[]", "{}", '["{ __typename }"]', r'"\ud800"')
    ],
    *[
        Fault(
            f"variables is {text}",
            post(b'{"query": "{ __typename }", "variables": %s}' % text.encode()),
            400,
            "Variables must be an object",
        )
        for text in ("[]", "1", '"{}"', "false")
    ],
    *[
        Fault(
            f"operation name is {text}",
            post(b'{"query": "{ __typename }", "operationName": %s}' % text.encode()),
            400,
            "OperationName must be a string",
        )
        for text in ("[]", "1", "{}", "false")
    ],
    Fault("several at once", post(b'[{"query": "{ __typename }"}]'), 400, "Request body must be a JSON object"),
    Fault("65537 characters", query("#" * 65_537), 400, "Maximum 65536 characters of query allowed"),
]
