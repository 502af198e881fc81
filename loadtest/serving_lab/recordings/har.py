"""HAR 1.2, as browsers and proxies write it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from serving_lab.errors import LabError
from serving_lab.recordings.recorded_answer import of_har
from serving_lab.recordings.recorded_request import HALF_A_CHARACTER, RecordedRequest, SignedIn
from serving_lab.recordings.recording import Faults, Recorded

_HINT = "save the requests again: in a browser's network panel, 'Save all as HAR'"
_CACHES = frozenset({"memory cache", "disk cache"})
_SWITCHING_PROTOCOLS = 101


class HarForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests of a HAR file are wanted, and how they are signed in."""

    base: str | None = None
    """What their URLs begin with (`https://api.example.org/v1`); it is not part of the paths that are sent."""
    signed_in: SignedIn = "recorded"


class _Log(msgspec.Struct, frozen=True):
    entries: list[Any]


class _Har(msgspec.Struct, frozen=True):
    log: _Log


def entries(path: Path, content: bytes, faults: Faults) -> Iterator[Recorded]:
    """The requests of a file; an entry that is none is among the faults.

    Raises:
        LabError: it is not a HAR file.
    """
    try:
        # Python's parser takes half characters, which mitmproxy writes.
        log = msgspec.convert(json.loads(content), _Har).log
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise LabError(f"{path} is not a HAR file: {why}", hint=_HINT) from None
    for number, entry in enumerate(log.entries, 1):
        name = f"entry {number}"
        request = _object(entry).get("request")
        if not isinstance(request, dict):
            faults.note(name, "it has no request")
            continue
        try:
            recorded = msgspec.convert(request, RecordedRequest)
        except UnicodeEncodeError:
            faults.note(name, HALF_A_CHARACTER)
        except msgspec.ValidationError as error:
            faults.note(name, str(error))
        else:
            answer = of_har(_object(_object(entry).get("response")))
            yield Recorded(name, recorded, answer=answer, why_not=_why_not(entry, recorded))


def _why_not(entry: Mapping[str, Any], request: RecordedRequest) -> str | None:
    """What else than a request that a server answered it is, in the words of Chrome, Firefox, Safari and Charles."""
    response, cache = _object(entry.get("response")), _object(entry.get("cache"))
    status = response.get("status")
    if (
        entry.get("_resourceType") == "websocket"
        or status == _SWITCHING_PROTOCOLS
        or (request.header("upgrade") or "").lower() == "websocket"
    ):
        return "handshakes of WebSockets"
    if request.method.upper() == "CONNECT":
        return "tunnels through a proxy"
    if entry.get("_fromCache") or str(entry.get("_fetchType")).lower() in _CACHES or cache.get("afterRequest"):
        return "answered from a cache"
    if response.get("_error") or entry.get("_charlesStatus") == "FAILED":
        return "aborted"
    return "aborted" if isinstance(status, (int, float)) and status <= 0 else None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
