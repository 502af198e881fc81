"""How much of an API the service itself describes."""

import http.client
import json

from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.wire import exchange

METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
"""Members of an OpenAPI path item that are operations."""


def documented_operations(endpoint: Endpoint, path: str) -> int:
    """Return how many operations the OpenAPI document at a path describes; 0 where there is none.

    Raises:
        LabError: the service does not answer.
    """
    answer = exchange.send(endpoint, Request("GET", path))
    if answer.status != http.client.OK:
        return 0
    try:
        document = json.loads(answer.body)
    except ValueError:
        return 0
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(paths, dict):
        return 0
    return sum(method in METHODS for item in paths.values() if isinstance(item, dict) for method in item)
