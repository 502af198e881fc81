"""Postman collections, format 2.1 and 2.0."""

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from serving_lab.errors import LabError
from serving_lab.recordings.recorded_answer import of_postman
from serving_lab.recordings.recorded_request import CREDENTIALS, Pair, PostData, RecordedRequest, SignedIn
from serving_lab.recordings.recording import Auth, Faults, Recorded
from serving_lab.text.phrases import visible

Variables = Mapping[str, str | int | float | bool]

_HINT = "in Postman: Export, Collection v2.1"
_VARIABLE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_PATH_VARIABLE = re.compile(r"(?<=/):([^/?#]+)")
_DEEPEST = 50
"""Folders in folders, and variables in variables."""
_BOUNDARY = "boundary-of-the-parts"
_WITHOUT_BODY = frozenset({"GET", "HEAD", "COPY", "PURGE", "UNLOCK"})
"""Postman sends what such a request has for a body only where it is told to."""
_MEDIA_TYPES = {
    "json": "application/json",
    "xml": "application/xml",
    "html": "text/html",
    "javascript": "application/javascript",
    "text": "text/plain",
}
_DYNAMIC = {
    "$timestamp": "1767225600",
    "$isoTimestamp": "2026-01-01T00:00:00.000Z",
    "$randomInt": "7",
    "$randomBoolean": "true",
}
"""Always the same, because both services must be sent the same."""
_UUIDS = frozenset({"$guid", "$randomUUID"})


class PostmanForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests of a collection are wanted, how they are signed in, and what its variables stand for."""

    base: str | None = None
    """What their URLs begin with (`https://api.example.org/v1`, `{{baseUrl}}`); it is not part of the paths sent."""
    signed_in: SignedIn = "recorded"
    variables: dict[str, str | int | float | bool] = {}
    """Over those of the collection itself."""


def items(
    path: Path, content: bytes, variables: Variables, replaced: Iterable[str], faults: Faults
) -> tuple["Known", list[Recorded]]:
    """The variables of a collection, and its requests in their order; those that cannot be sent are among the faults.

    Args:
        path: what errors call it.
        content: the collection.
        variables: values over those of the collection.
        replaced: names of headers that are not sent as they are.
        faults: what takes the requests that cannot be sent.

    Raises:
        LabError: it is not a collection.
    """
    try:
        collection = _object(json.loads(content))
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise LabError(f"{path} is not a Postman collection: {why}", hint=_HINT) from None
    collection = _object(collection.get("collection")) or collection  # Postman's API has it below a key
    if not isinstance(collection.get("item"), list):
        raise LabError(f"{path} is not a Postman collection: it has no list of items", hint=_HINT)
    own = {
        str(each.get("key") or each.get("id")): _text(each.get("value")) for each in _enabled(collection, "variable")
    }
    known = Known(own | {name: _text(value) for name, value in variables.items()})
    reading = _Reading(known, CREDENTIALS | {name.lower() for name in replaced}, faults)
    return known, list(reading.folder(collection, (), None))


class Known:
    """What the variables of a collection stand for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def fill(self, text: str, request: str = "") -> str:
        """The text with all variables filled in.

        Raises:
            ValueError: one has no value.
        """
        for _ in range(_DEEPEST):
            if not _VARIABLE.search(text):
                return text
            text = _VARIABLE.sub(lambda found: self._value(found[1], request), text)
        raise ValueError("its variables stand for each other")

    def url(self, text: str, request: str = "") -> str:
        """The URL with all variables filled in; one that it begins with may have no value: then it is the host."""
        begins = _VARIABLE.match(text)
        if begins and begins[1] not in self._values:
            return f"http://{{{{{begins[1]}}}}}{self.fill(text[begins.end() :], request)}"
        filled = self.fill(text, request)
        return filled if "://" in filled else f"http://{filled}"

    def _value(self, name: str, request: str) -> str:
        if name in self._values:
            return self._values[name]
        if name in _UUIDS:
            return str(uuid.uuid5(uuid.NAMESPACE_URL, request))
        if name in _DYNAMIC:
            return _DYNAMIC[name]
        raise ValueError(f"{{{{{name}}}}} has no value: give it one in the profile's postman: {{variables: …}}")


class _Reading:
    def __init__(self, known: Known, replaced: frozenset[str], faults: Faults) -> None:
        self._known = known
        self._replaced = replaced
        self._faults = faults

    def folder(self, folder: Mapping[str, Any], names: tuple[str, ...], auth: Auth | None) -> Iterator[Recorded]:
        """The requests of a folder, signed in as it is unless they say otherwise."""
        auth = _auth(folder, auth)
        for number, item in enumerate(folder["item"], 1):
            found = _object(item)
            path = (*names, visible(str(found.get("name") or f"item {number}")).replace("\n", " "))
            name = f"'{' / '.join(path)}'"
            if isinstance(found.get("item"), list):
                if len(path) > _DEEPEST:
                    self._faults.note(name, f"it is more than {_DEEPEST} folders deep")
                else:
                    yield from self.folder(found, path, auth)
                continue
            try:
                request, own = self._request(name, found), _auth(_object(found.get("request")), auth)
            except ValueError as error:
                self._faults.note(name, str(error))
            else:
                yield Recorded(name, request, own, of_postman(found.get("response")))

    def _request(self, name: str, item: Mapping[str, Any]) -> RecordedRequest:
        written = item.get("request")
        request = {"url": written} if isinstance(written, str) else _object(written)
        if not request.get("url"):
            raise ValueError("it has no URL" if request else "it has no request")
        method = self._fill(name, request.get("method") or "GET").upper()
        prunes = not _object(item.get("protocolProfileBehavior")).get("disableBodyPruning")
        body = None if prunes and method in _WITHOUT_BODY else self._body(name, _object(request.get("body")))
        headers = list(self._headers(name, request))
        if body and body.mimeType.startswith("multipart/"):
            headers = [pair for pair in headers if pair.name.lower() != "content-type"]  # which had another boundary
        return RecordedRequest(method, self._url(name, request["url"]), headers, body)

    def _url(self, name: str, url: object) -> str:
        parts = {"raw": url} if isinstance(url, str) else _object(url)
        values = {str(each.get("key") or each.get("id")): each.get("value") for each in _enabled(parts, "variable")}
        raw = parts.get("raw") or _put_together(parts)
        address, question_mark, query = str(raw).partition("?")

        def value(found: re.Match[str]) -> str:
            if values.get(found[1]) in (None, ""):
                raise ValueError(f"its path variable {found[1]!r} has no value")
            return _text(values[found[1]])

        return self._known.url(_PATH_VARIABLE.sub(value, address) + question_mark + query, name)

    def _headers(self, name: str, request: Mapping[str, Any]) -> Iterator[Pair]:
        written = request.get("header")
        if isinstance(written, str):
            lines = (line.partition(":") for line in written.splitlines() if line.strip())
            written = [{"key": key.strip(), "value": value.strip()} for key, _, value in lines]
        for each in _enabled({"header": written}, "header"):
            key = self._fill(name, each.get("key"))
            # What a variable stands for is another user's secret, and need not be known.
            yield Pair(key, "" if key.lower() in self._replaced else self._fill(name, each.get("value")))

    def _body(self, name: str, body: Mapping[str, Any]) -> PostData | None:
        mode = body.get("mode")
        if body.get("disabled") or mode is None:
            return None
        if mode == "raw":
            language = _object(_object(body.get("options")).get("raw")).get("language")
            return PostData(_MEDIA_TYPES.get(str(language), ""), self._fill(name, body.get("raw")))
        if mode == "graphql":
            return PostData("application/json", self._graphql(name, _object(body.get("graphql"))))
        if mode == "urlencoded":
            fields = [self._field(name, each) for each in _enabled(body, mode)]
            return PostData("application/x-www-form-urlencoded", None, fields)
        if mode == "formdata":
            fields = [self._field(name, each) for each in _enabled(body, mode)]
            return PostData(f"multipart/form-data; boundary={_BOUNDARY}", None, fields)
        if mode == "file":
            content = _object(body.get("file")).get("content")
            if content is None:
                raise ValueError("a collection does not contain the files that it sends")
            return PostData("", _text(content))
        raise ValueError(f"the mode of its body is {mode!r}")

    def _field(self, name: str, field: Mapping[str, Any]) -> Pair:
        if field.get("type") == "file":
            raise ValueError("a collection does not contain the files that it sends")
        media_type = field.get("contentType")
        return Pair(
            self._fill(name, field.get("key")),
            self._fill(name, field.get("value")),
            contentType=self._fill(name, media_type) if media_type else None,
        )

    def _graphql(self, name: str, body: Mapping[str, Any]) -> str:
        content: dict[str, object] = {"query": self._fill(name, body.get("query"))}
        if operation := body.get("operationName"):
            content["operationName"] = operation
        if written := self._fill(name, body.get("variables")).strip():
            try:
                content["variables"] = json.loads(written)
            except (ValueError, RecursionError):
                raise ValueError("its GraphQL variables are not JSON") from None
        return json.dumps(content)

    def _fill(self, name: str, value: object) -> str:
        return self._known.fill(_text(value), name)


def _put_together(parts: Mapping[str, Any]) -> str:
    """A URL whose text is not given, from its parts."""
    host = parts.get("host")
    path = parts.get("path")
    steps = [_text(_object(step).get("value", step)) for step in path] if isinstance(path, list) else [_text(path)]
    query = "&".join(f"{_text(each.get('key'))}={_text(each.get('value'))}" for each in _enabled(parts, "query"))
    return (
        (f"{parts['protocol']}://" if parts.get("protocol") else "")
        + (".".join(map(_text, host)) if isinstance(host, list) else _text(host))
        + (f":{_text(parts['port'])}" if parts.get("port") else "")
        + "/"
        + "/".join(steps).lstrip("/")
        + (f"?{query}" if query else "")
    )


def _auth(holder: Mapping[str, Any], inherited: Auth | None) -> Auth | None:
    """How Postman signs in what this says it of; None: it does not."""
    auth = holder.get("auth")
    if not isinstance(auth, dict):
        return inherited
    kind = str(auth.get("type"))
    if kind == "noauth":
        return None
    written = auth.get(kind)
    pairs = [_object(each) for each in written] if isinstance(written, list) else []
    values = {str(each.get("key")): each.get("value") for each in pairs} or _object(written)
    return Auth(kind, _text(values.get("key")) if kind == "apikey" else "", in_query=values.get("in") == "query")


def _enabled(holder: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    """The members of a list that are switched on."""
    members = holder.get(key)
    for each in members if isinstance(members, list) else ():
        if isinstance(each, dict) and not each.get("disabled") and each.get("enabled") is not False:
            yield each


def _text(value: object) -> str:
    """A value as it stands in a request."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
