"""Requests with several faults at once: the contract says which one is reported."""

import itertools

from support.wire import JSON_TYPE, LIMIT_BYTES, Request

from contract.cases import Fault
from contract.cases.bodies import GOOD

# In the order in which they are checked. Rate limits have a module of their own.
ANSWERS = {
    "path": (404, "Not found"),
    "method": (405, "Method not allowed"),
    "size": (413, "Request body too large"),
    "token": (401, "Token is invalid"),
    "type": (415, "Content-Type must be application/json"),
    "json": (400, "Malformed JSON"),
    "fields": (400, "Features must be a list"),
}


def faulty(*faults: str, path: str = "/predict") -> Request:
    """Return a prediction request with these faults and no others."""
    body = GOOD
    if "fields" in faults:
        body = b'{"features": 1}'
    if "json" in faults:
        body = b'{"features": 1'
    if "size" in faults:
        body += b" " * LIMIT_BYTES
    content_type = (("Content-Type", "text/plain"),) if "type" in faults else JSON_TYPE
    bad_token = (("Authorization", "Bearer no.such.token"),) if "token" in faults else ()
    return Request(
        "PUT" if "method" in faults else "POST",
        "/no-such-path" if "path" in faults else path,
        headers=(*content_type, *bad_token),
        body=body,
        signed_in="token" not in faults,
    )


ORDER = [
    Fault(" and ".join(faults), faulty(*faults), *ANSWERS[faults[0]])
    for faults in [
        *[(fault,) for fault in ANSWERS],
        *[pair for pair in itertools.combinations(ANSWERS, 2) if pair != ("json", "fields")],
        *[tuple(ANSWERS)[first:] for first in range(5)],
    ]
]
