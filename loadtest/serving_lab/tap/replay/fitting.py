"""A profile for `lab bench` that is fitted to recorded traffic: which requests, how often, and how they arrive."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
from rich.console import Console

from serving_lab import exit_codes
from serving_lab.api.description import Description
from serving_lab.api.profile_file import read_description
from serving_lab.errors import LabError
from serving_lab.recordings import tap_file
from serving_lab.recordings.tap_file import WEBSOCKET, Tapped
from serving_lab.stack import private_file
from serving_lab.tap.replay.outcome import operations_of
from serving_lab.tap.replay.replaying import CREDENTIAL_HEADERS
from serving_lab.tap.surface import Surface, WithoutSecrets
from serving_lab.text.phrases import counted
from serving_lab.text.yaml_text import block, comment, entry

_MOST_BODIES = 100
"""Of an operation; the most frequent ones, and of equally frequent ones the first."""
_MOST_CONNECTIONS = 4096
_FEWEST = 2
_SIGN = re.compile(r"[^a-z0-9]+")
_PARAMETER = re.compile(r"\{[^{}/]*\}")
_SCENARIO = "recorded"


@dataclass(frozen=True)
class Arrivals:
    """How requests arrived."""

    rate: float
    """Requests per second."""
    burstiness: float
    """Variance of the gaps by the square of their mean: 0 is constant, 1 Poisson, more comes in bursts."""


@dataclass(frozen=True)
class Operation:
    """Requests of one operation."""

    name: str
    """Such as `post_orders`."""
    method: str
    template: str
    exchanges: tuple[Tapped, ...]


def write(recording: Path, output: Path, description: Path | None, console: Console) -> int:
    """Write a profile that `lab bench --profile` reads, and say what it has.

    Raises:
        LabError: a file cannot be read or written, or there are too few requests in the recording.
    """
    api = read_description(description, WithoutSecrets()) if description else Description()
    recorded = sorted(tap_file.read(recording), key=lambda each: each.at)
    operations = list(fitted(recorded, Surface.of(api)))
    if not operations or len(recorded) < _FEWEST:
        raise LabError(f"{recording} has too few requests that were answered with 2xx", hint="record longer")
    arrivals = arrivals_of([each.at for each in recorded])
    lines = _lines(recording, operations, arrivals, recorded, description, api)
    private_file.write(output, "\n".join(lines) + "\n")
    console.print(
        f"{output}: {counted(len(operations), 'operation')}, {arrivals.rate:.3g} requests/s, burstiness "
        f"{arrivals.burstiness:.2g} (1: as from independent clients)",
        soft_wrap=True,
        markup=False,
    )
    return exit_codes.OK


def fitted(recorded: Sequence[Tapped], surface: Surface) -> Iterator[Operation]:
    """The operations that were answered with 2xx and that a generator can send, the most frequent first."""
    usable = [each for each in recorded if _is_usable(each, surface)]
    operations = operations_of(usable)
    found: dict[str, list[Tapped]] = {}
    for each in usable:
        found.setdefault(operations.label(each.request.method, each.request.target), []).append(each)
    taken: set[str] = set()
    for label, exchanges in sorted(found.items(), key=lambda item: -len(item[1])):
        method, _, template = label.partition(" ")
        words = _SIGN.sub("_", f"{method}_{_PARAMETER.sub('one', template)}".lower()).strip("_")
        name, number = words, 2
        while name in taken:
            name, number = f"{words}_{number}", number + 1
        taken.add(name)
        yield Operation(name, method, template, tuple(exchanges))


def arrivals_of(times: Sequence[float]) -> Arrivals:
    """The rate of requests at these times, and how bursty it is.

    Gaps are fitted by moments to a gamma distribution, of which the exponential one is the case of burstiness 1.
    """
    gaps = np.diff(np.sort(np.asarray(times, dtype=float)))
    mean = float(gaps.mean()) if gaps.size else 0.0
    if mean <= 0:
        return Arrivals(float(len(times)), 1.0)
    return Arrivals(1 / mean, float(gaps.var() / mean**2))


def _is_usable(each: Tapped, surface: Surface) -> bool:
    """Whether a generator can send it: it reads one kind of answer, has no place for bytes, and signs in by itself."""
    request = each.request
    if request.method in {"HEAD", WEBSOCKET} or request.cut or not 200 <= each.primary.status < 300:
        return False
    return not surface.signs_in(request.method, request.target)


def _lines(
    recording: Path,
    operations: Sequence[Operation],
    arrivals: Arrivals,
    recorded: Sequence[Tapped],
    path: Path | None,
    description: Description,
) -> Iterator[str]:
    seconds = recorded[-1].at - recorded[0].at
    told = f"{counted(len(recorded), 'exchange')} in {seconds:.3g} s, burstiness of arrivals {arrivals.burstiness:.2g}"
    yield from comment(f"Fitted by lab replay --profile to {recording.name}: {told}.", 0)
    yield from comment("Values in requests are those that were recorded, with pseudonyms for what is secret.", 0)
    if path is not None:
        yield from comment(f"How to sign in is taken over from {path.name}.", 0)
        yield from _taken_over(path)
    values: dict[str, Any] = {}
    credentials = CREDENTIAL_HEADERS | {name.lower() for name, _ in description.authorization}
    requests = {each.name: _call(each, values, credentials) for each in operations}
    if values:
        yield from block("values", values)
    yield "requests:"
    for name, request in requests.items():
        yield from entry(name, request, 1)
    yield from block("mixes", {_SCENARIO: {each.name: len(each.exchanges) for each in operations}})
    scenario = {
        "title": "As it was recorded",
        "mix": _SCENARIO,
        "loop": "open",
        "connections": min(_MOST_CONNECTIONS, max(10, len({each.connection for each in recorded}))),
        "rate": round(arrivals.rate, 3),
        "arrivals": "poisson",
        "burstiness": round(min(max(arrivals.burstiness, 0.05), 100.0), 3),
    }
    yield "bench:"
    yield from block("scenarios", {_SCENARIO: scenario}, 1)


def _taken_over(api: Path) -> Iterator[str]:
    """The lines of a description that say how to sign in, as they are."""
    wanted = False
    for line in api.read_text(encoding="utf-8-sig").splitlines():
        if line[:1].strip() and not line.startswith("#"):
            wanted = line.startswith(("sign_in:", "authorization:", "authorization_query:"))
        if wanted:
            yield line


def _call(operation: Operation, values: dict[str, Any], credentials: frozenset[str]) -> dict[str, Any]:
    statuses = sorted({each.primary.status for each in operation.exchanges})
    expect = {} if statuses == [HTTPStatus.OK] else {"expect": {"status": statuses}}
    return {"request": _request(operation, values, credentials), **expect}


def _request(operation: Operation, values: dict[str, Any], credentials: frozenset[str]) -> dict[str, Any]:
    """The request, whose values are drawn from what was recorded: parameters of the path each by itself."""
    requests = [each.request for each in operation.exchanges]
    request: dict[str, Any] = {"method": operation.method, "path": _path(operation, values)}
    if not any(name.lower() in credentials for each in requests for name, _ in each.headers):
        request["signed_in"] = False
    bodies = _most_frequent(each.body for each in requests)
    if bodies == [b""]:
        return request
    documents = [_document(body) for body in bodies]
    if None not in documents:
        values[f"{operation.name}_body"] = {"choice": documents}
        request["json"] = f"${{{operation.name}_body}}"
    else:
        request["bytes"] = bodies[0].decode("latin-1")
    media_type = requests[0].request.header("content-type")
    if media_type and not (media_type == "application/json" and "json" in request):
        request["headers"] = {"Content-Type": media_type}
    return request


def _path(operation: Operation, values: dict[str, Any]) -> str:
    segments = operation.template.split("/")
    asked = [each.request.target.partition("?") for each in operation.exchanges]
    split = [unquote(path).split("/") for path, _, _ in asked]
    for at, segment in enumerate(segments):
        if _PARAMETER.search(segment):
            name = f"{operation.name}_{at}"
            values[name] = {"choice": _most_frequent(each[at] for each in split)}
            segments[at] = f"${{{name}}}"
        else:
            segments[at] = quote(segment)
    query = _most_frequent(query for _, _, query in asked)[0]
    return "/".join(segments) + (f"?{query}" if query else "")


def _most_frequent(items: Any) -> list[Any]:  # noqa: ANN401 - of texts or bytes
    return [item for item, _ in Counter(items).most_common(_MOST_BODIES)]


def _document(body: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
