"""What was answered to a recorded request, as far as the recording has it."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving_lab.api.request import Header


@dataclass(frozen=True)
class RecordedAnswer:
    """An answer of a recording."""

    status: int
    headers: tuple[Header, ...] = ()
    media_type: str = ""
    body: bytes = b""

    @property
    def succeeded(self) -> bool:
        """Whether its status is 2xx."""
        return 200 <= self.status < 300


def of_har(response: Mapping[str, Any]) -> RecordedAnswer | None:
    """The answer that an entry of a HAR file has; None where it has none that can be read."""
    status, content = response.get("status"), response.get("content")
    if not isinstance(status, int) or status <= 0:
        return None
    written = content if isinstance(content, dict) else {}
    headers = _headers(response.get("headers"), "name")
    media_type = str(written.get("mimeType") or _value(headers, "content-type"))
    return RecordedAnswer(status, headers, media_type, _body(written.get("text"), written.get("encoding")))


def of_postman(responses: object) -> RecordedAnswer | None:
    """The example of an answer that an item of a Postman collection has, one of success if there is any."""
    found = []
    for each in responses if isinstance(responses, list) else ():
        status = each.get("code") if isinstance(each, dict) else None
        if isinstance(status, int):
            headers = _headers(each.get("header"), "key")
            language = each.get("_postman_previewlanguage")
            media_type = _value(headers, "content-type") or ("application/json" if language == "json" else "")
            found.append(RecordedAnswer(status, headers, media_type, _body(each.get("body"), None)))
    return next((each for each in found if each.succeeded), found[0] if found else None)


def _headers(written: object, name: str) -> tuple[Header, ...]:
    """The headers; several values of one, which browsers join by line ends, are several headers."""
    return tuple(
        (str(each[name]), value)
        for each in (written if isinstance(written, list) else ())
        if isinstance(each, dict) and each.get(name) and isinstance(each.get("value"), str)
        for value in each["value"].split("\n")
    )


def _value(headers: tuple[Header, ...], name: str) -> str:
    return next((value for key, value in headers if key.lower() == name), "")


def _body(text: object, encoding: object) -> bytes:
    if not isinstance(text, str):
        return b""
    if encoding == "base64":
        try:
            return base64.b64decode(text)
        except (binascii.Error, ValueError):
            return b""
    return text.encode("utf-8", "replace")
