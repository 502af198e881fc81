"""What keeps a generated request HTTP/1.1, whatever a document or a mutation says; below that are raw requests."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from serving_lab.api.request import Header, Request

_VARIABLE = re.compile(r"(\$\{[^{}]*\})")

# What frames the message or ends the connection is the sender's; CONNECT has another form of target.
_SENDERS_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# Of all other fields a sender may write one line only, RFC 9110, 5.3.
_REPEATABLE = frozenset(
    {"accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "forwarded"}
)
_NOT_TOKEN = re.compile(r"[^!#$%&'*+.^_`|~0-9A-Za-z-]")
_NOT_FIELD_TEXT = re.compile(r"[^\t -~\x80-\xff]")
_TARGET_CHARACTERS = "/:?@!$&'()*+,;=-._~%"
_TARGET_MAXIMUM = 2000
_VALUE_MAXIMUM = 4000


def well_formed(request: Request, variables: frozenset[str] = frozenset()) -> Request:
    """The request with all that is not HTTP/1.1 taken out, and no `${...}` but these variables."""
    method = _NOT_TOKEN.sub("", request.method)
    return Request(
        method="GET" if method.upper() in {"", "CONNECT"} else method,
        target=_target(request.target, variables),
        headers=tuple(_headers(request.headers, variables)),
        body=_without_unknown(request.body.decode("latin-1"), variables).encode("latin-1"),
        chunked=request.chunked,
    )


def variables_of(requests: Iterable[Request]) -> frozenset[str]:
    """The `${...}` that stand anywhere in these requests."""
    texts = (
        text
        for request in requests
        for text in (request.target, request.body.decode("latin-1"), *(value for _, value in request.headers))
        if "${" in text
    )
    return frozenset(name for text in texts for name in _VARIABLE.findall(text))


def _target(text: str, variables: frozenset[str]) -> str:
    parts = _VARIABLE.split(text[:_TARGET_MAXIMUM])
    target = "".join(
        part if part in variables else quote(part, safe=_TARGET_CHARACTERS, errors="surrogatepass") for part in parts
    )
    return target if target.startswith("/") else f"/{target}"


def _headers(headers: Iterable[Header], variables: frozenset[str]) -> Iterator[Header]:
    taken = set(_SENDERS_HEADERS)
    for name, value in headers:
        token = _NOT_TOKEN.sub("", name)
        if token and token.lower() not in taken:
            taken |= {token.lower()} - _REPEATABLE
            text = _NOT_FIELD_TEXT.sub("", value.encode("latin-1", "replace").decode("latin-1"))
            yield token, _without_unknown(text[:_VALUE_MAXIMUM].strip(" \t"), variables)


def _without_unknown(text: str, variables: frozenset[str]) -> str:
    if "${" not in text:
        return text
    return _VARIABLE.sub(lambda match: match[0] if match[0] in variables else match[0].replace("${", "$(", 1), text)
