"""The requests of a description as cases: what is measured is compared too, where there is no corpus."""

import random
from collections.abc import Iterator, Mapping

from serving_lab.api import places
from serving_lab.api.description import Call, Description
from serving_lab.api.request import Request
from serving_lab.api.values import Source as Drawing
from serving_lab.api.values import sources
from serving_lab.parity.cases import Case, Source

_DRAWS = 5
"""Requests of one description in which values are drawn."""
_SEED = 0
_KEPT = "\x01"
"""Stands around a variable that is filled in later, while values are drawn."""


def cases(api: Description) -> tuple[Case, ...]:
    """The requests, each once; several times with other values where it has any."""
    return tuple(case for call in api.requests.values() if not call.websocket for case in _cases(call, api))


def _cases(call: Call, api: Description) -> Iterator[Case]:
    drawings = sources(api.values)
    variables = {name: f"{_KEPT}{name}{_KEPT}" for name in _variables(api)}
    request = call.request.filled(variables)
    chance = random.Random(_SEED)  # noqa: S311
    count = _DRAWS if _names(request) & drawings.keys() else 1
    for number in range(1, count + 1):
        drawn = _drawn(request, drawings, chance)
        yield Case(Source.CORPUS, call.name if count == 1 else f"{call.name} {number}", drawn)


def _variables(api: Description) -> Iterator[str]:
    yield "host"
    yield from api.sign_in.save if api.sign_in else ()


def _names(request: Request) -> set[str]:
    return {
        *places.names(places.in_path(request.target)),
        *(name for _, value in request.headers for name in places.names(places.in_headers(value))),
        *places.names(places.in_body(request.body)),
    }


def _drawn(request: Request, drawings: Mapping[str, Drawing], chance: random.Random) -> Request:
    sent = {name: drawings[name](chance) for name in sorted(_names(request) & drawings.keys())}
    # What is neither a value nor saved by the sign-in is a token of the profile.
    others = {name: f'"{_KEPT}{name}{_KEPT}"' for name in _names(request) - sent.keys()}
    sent |= others

    def text(parts: list[places.Part]) -> str:
        return _restored(places.filled(parts, sent)).decode("latin-1")

    return Request(
        request.method,
        text(places.in_path(request.target)),
        tuple((name, text(places.in_headers(value))) for name, value in request.headers),
        _restored(places.filled(places.in_body(request.body), sent)),
        request.chunked,
    )


def _restored(content: bytes) -> bytes:
    """The content with variables as they were."""
    parts = content.split(_KEPT.encode())
    return b"".join(b"${%s}" % part if at % 2 else part for at, part in enumerate(parts))
