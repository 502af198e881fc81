"""A drafted request as a description has it, and as it can be sent."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from serving_lab.api.request import Header, Request
from serving_lab.api.request_form import RequestForm
from serving_lab.drafts.draft import READING, Call, DraftedRequest

VARIABLE = re.compile(r"\$\{env:(\w+)\}")
"""What stands for a variable of the environment."""
_LATER = re.compile(r"\$\{(?!env:)[^}]*\}")
_CHANGES = re.compile(
    r"(?<![a-z])(?:log[_-]?(?:out|off)|sign[_-]?out|delete|remove|destroy|reset|clear|purge|flush|drop|shut[_-]?down"
    r"|restart|reboot|start|stop|kill|unsubscribe|revoke|cancel|run|trigger|send|refresh)(?![a-z])",
    re.IGNORECASE,
)
"""In the paths of requests that change something whatever their method."""


def changes_something(request: DraftedRequest) -> bool:
    """Whether the request may change the state of the service."""
    return request.call.method not in READING or _CHANGES.search(request.template) is not None


def form_of(call: Call) -> dict[str, object]:
    """The request as a description has it."""
    form: dict[str, object] = {} if call.method == "GET" else {"method": call.method}
    form["path"] = call.path
    if call.headers:
        several = len({name for name, _ in call.headers}) < len(call.headers)
        form["headers"] = [list(each) for each in call.headers] if several else dict(call.headers)
    return form if call.body is None else {**form, call.body.kind: call.body.value}


def fault(call: Call, known: Iterable[str] = ()) -> str | None:
    """Why a description cannot have this request; None: it can."""
    form = form_of(call)
    found = _LATER.findall(str(form))
    if unknown := [each for each in found if each not in {f"${{{name}}}" for name in known}]:
        return f"it has {unknown[0][:40]} in it, which a description takes for a variable"
    try:
        built(form, {}, ())
    except (ValueError, TypeError) as error:
        return str(error)
    return None


def variables_of(value: object) -> list[str]:
    """The variables of the environment that a value refers to."""
    return list(dict.fromkeys(VARIABLE.findall(str(value))))


def built(form: Mapping[str, object], environment: Mapping[str, str], authorization: tuple[Header, ...]) -> Request:
    """The request that a form means.

    Raises:
        ValueError: it means none.
    """
    known = {name: environment.get(name, f"${{env:{name}}}") for name in variables_of([form, authorization])}
    written = msgspec.convert(filled(form, known), RequestForm)
    return written.build({}, tuple((name, str(filled(value, known))) for name, value in authorization))


def filled(value: object, known: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    """The value with the variables of the environment filled in."""
    match value:
        case str():
            return VARIABLE.sub(lambda found: known[found[1]], value)
        case dict():
            return {key: filled(member, known) for key, member in value.items()}
        case list():
            return [filled(item, known) for item in value]
    return value
