"""Signing in as a file describes it."""

import json
from collections.abc import Mapping

import msgspec

from serving_lab.api import json_path
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.api.request_form import RequestForm
from serving_lab.errors import LabError
from serving_lab.wire import exchange


class LoginForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request that signs in, and what of its answer other requests need."""

    request: RequestForm
    save: dict[str, str]


def sign_in(endpoint: Endpoint, request: Request, save: Mapping[str, str]) -> dict[str, str]:
    """Send the request and return what is to be kept of its answer: names, and texts at JSON paths.

    Raises:
        LabError: the service does not answer, refuses, or its answer has not what is to be kept.
    """
    answer = exchange.send(endpoint, request)
    try:
        document = json.loads(answer.body)
        values = {name: json_path.value_at(document, path) for name, path in save.items()}
    except (ValueError, LookupError):
        said = f"{answer.status} {answer.body[:200].decode(errors='replace').strip()}"
        raise LabError(
            f"{endpoint.url} does not sign in: {said}",
            hint="compare the file's login with what the service expects; is the password right?",
        ) from None
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
