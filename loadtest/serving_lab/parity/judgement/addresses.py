"""A service's own address in its answers, which the other side cannot have."""

import re
from dataclasses import replace
from functools import lru_cache
from urllib.parse import urlsplit

from serving_lab.wire.message import Answer, Exchange

_NEUTRAL_HOST = b"service"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SLASH, _COLON = r"(?:\\?/|%2[Ff])", "(?::|%3[Aa])"
_END = r"(?![\w-]|\.\w|:\d)"


def without_address(exchange: Exchange, url: str) -> Exchange:
    """The exchange with a service's own address replaced by a neutral one, in headers and bodies.

    Exchanges are judged in this form: redirects and links of two services differ otherwise. An address is a base URL,
    or host and port; slashes and colons may be escaped as JSON and URLs do it. A host alone counts within a URL only.
    """
    return replace(exchange, answers=tuple(_neutral(answer, url) for answer in exchange.answers))


def _neutral(answer: Answer, url: str) -> Answer:
    scheme, pattern = urlsplit(url).scheme.encode(), _pattern(url)

    def neutral(found: re.Match[bytes]) -> bytes:
        if found["host"]:
            return _NEUTRAL_HOST
        if not found["scheme"]:
            return b"//%s" % _NEUTRAL_HOST
        other = found["scheme"].lower()
        return b"%s://%s" % (b"http" if other == scheme else other, _NEUTRAL_HOST)

    headers = tuple(
        (name, pattern.sub(neutral, value.encode("latin-1", "replace")).decode("latin-1"))
        for name, value in answer.headers
    )
    return replace(answer, headers=headers, body=pattern.sub(neutral, answer.body))


@lru_cache(maxsize=16)
def _pattern(url: str) -> re.Pattern[bytes]:
    """What matches an address: as `host` where it stands alone, else with the scheme that it has there."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    hosts = {parts.netloc}
    if parts.hostname in _LOOPBACK:  # one and the same, by any of its names
        hosts |= {f"127.0.0.1{port}", f"localhost{port}", f"[::1]{port}"}
    host = "|".join(_escaped(each) for each in sorted(hosts))
    prefix = parts.path.rstrip("/")
    path = f"(?:{_escaped(prefix)}{_END})?" if prefix else ""
    in_url = rf"(?:(?P<scheme>https?|wss?){_COLON})?{_SLASH}{{2}}(?:{host}){_END}{path}"
    alone = rf"(?P<host>(?<![\w.-])(?:{host}){_END})" if port else "(?P<host>(?!))"
    return re.compile(rf"(?<![\w.-]){in_url}|{alone}".encode(), re.IGNORECASE)


def _escaped(text: str) -> str:
    """A pattern of the text, its slashes and colons as they are, or escaped."""
    return re.sub("[/:]", lambda found: _SLASH if found[0] == "/" else _COLON, re.escape(text))
