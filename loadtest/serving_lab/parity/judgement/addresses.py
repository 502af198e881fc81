"""A service's own address in its answers, which the other side cannot have."""

import re
from dataclasses import replace
from functools import lru_cache
from urllib.parse import urlsplit

from serving_lab.wire.message import Answer, Exchange

_NEUTRAL_HOST, _NEUTRAL_PORT = b"service", b"0"
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SLASH = r"(?:\\*(?:/|u002f)|%(?:25)?2f|&#(?:x2f|47);)"
_COLON = r"(?::|\\+u003a|%(?:25)?3a|&#(?:x3a|58);)"
_END = r"(?![\w-]|\.\w|:\d)"
_SAID = r"\\?[\"']?\s*[:=>]?\s*\\?[\"']?"
"""Between a name and its value, in JSON and elsewhere."""
_PORT_NAME = r"(?:(?<![A-Za-z])(?:port|PORT|Port)|(?<=[a-z0-9])Port)"
_HOST_NAME = r"(?i:host(?:_?name)?|server(?:_?name)?|domain|addr(?:ess)?)"
_OF_PORT, _OF_HOST = re.compile(f".*{_PORT_NAME}"), re.compile(f".*{_HOST_NAME}")


def without_address(exchange: Exchange, url: str) -> Exchange:
    """The exchange with a service's own address replaced by a neutral one, in headers and bodies.

    Exchanges are judged in this form: redirects and links of two services differ otherwise. An address is a base URL,
    or host and port; slashes and colons may be escaped as JSON, URLs and HTML do it. A host or a port alone counts in a
    URL, and where its name says what it is: `"port": 5000`.
    """
    return replace(exchange, answers=tuple(_neutral(answer, url) for answer in exchange.answers))


def _neutral(answer: Answer, url: str) -> Answer:
    words = _words(url)
    told = b"\n".join([*(value.encode("latin-1", "replace") for _, value in answer.headers), answer.body]).lower()
    if not any(word in told for word in words):
        return answer
    scheme, pattern, bare = urlsplit(url).scheme.encode(), _pattern(url), _bare(url)

    def neutral(found: re.Match[bytes]) -> bytes:
        if found["host"]:
            return _NEUTRAL_HOST
        if not found["scheme"]:
            return b"//%s" % _NEUTRAL_HOST
        other = found["scheme"].lower()
        return b"%s://%s" % (b"http" if other == scheme else other, _NEUTRAL_HOST)

    def level(content: bytes) -> bytes:
        lowered = content.lower()
        if not any(word in lowered for word in words):
            return content
        return bare.sub(_without_value, pattern.sub(neutral, content))

    headers = tuple(
        (name, _alone(name, level(value.encode("latin-1", "replace")).decode("latin-1"), url))
        for name, value in answer.headers
    )
    return replace(answer, headers=headers, body=level(answer.body))


def _without_value(found: re.Match[bytes]) -> bytes:
    return found[1] + _NEUTRAL_HOST if found[1] else found[2] + _NEUTRAL_PORT


def _alone(name: str, value: str, url: str) -> str:
    """The value of a header, which is neutral where it is the host or the port, and the name says so."""
    host, port = _host_and_port(url)
    if value == port and _OF_PORT.fullmatch(name):
        return _NEUTRAL_PORT.decode()
    return _NEUTRAL_HOST.decode() if value == host and _OF_HOST.fullmatch(name) else value


def _host_and_port(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.hostname or "", str(parts.port or _PORTS[parts.scheme])


@lru_cache(maxsize=16)
def _words(url: str) -> list[bytes]:
    """Whatever an address or a part of it has, one of these is in it: most answers have none, and patterns are slow."""
    host, port = _host_and_port(url)
    return [each.encode() for each in {host, port, *(_LOOPBACK if host in _LOOPBACK else ())}]


@lru_cache(maxsize=16)
def _bare(url: str) -> re.Pattern[bytes]:
    """What matches a host or a port behind a name that says what it is."""
    host, port = map(re.escape, _host_and_port(url))
    return re.compile(rf"({_HOST_NAME}{_SAID}){host}(?![\w.:-])|({_PORT_NAME}{_SAID}){port}(?![\w.])".encode())


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
