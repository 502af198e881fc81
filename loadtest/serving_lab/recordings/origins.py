"""Where recorded requests went: which of them are to the service that is compared."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, urlsplit

from serving_lab.errors import LabError

_PORTS = {"http": 80, "https": 443}
_KEPT_IN_TARGETS = "/?:@!$&'()*+,;=%-._~[]|"
_SHOWN = 5


def origin(url: str) -> str | None:
    """Scheme, host and port of a URL, in one spelling and without a user; None where it is not one of HTTP."""
    try:
        parts = urlsplit(url)
        scheme = parts.scheme
        port = parts.port or _PORTS.get(scheme)
    except ValueError:
        return None
    if scheme not in _PORTS or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{scheme}://{host}" + ("" if port == _PORTS[scheme] else f":{port}")


def has_user(url: str) -> bool:
    """Whether the URL signs in by itself (`https://user:password@host/`)."""
    try:
        return urlsplit(url).username is not None
    except ValueError:
        return False


def base_url(given: str | None, urls: Iterable[str], path: Path, section: str) -> str:
    """What the URLs of the service begin with: what the profile says, or the only origin that there is.

    Raises:
        LabError: there are several, and a person has to choose.
    """
    if given is not None:
        found = origin(given)
        if found is None:
            raise LabError(f"{section}.base is not a URL", hint=f"such as {section}: {{base: https://api.example.org}}")
        return found + urlsplit(given).path.rstrip("/")
    origins = Counter(each for each in map(origin, urls) if each)
    if not origins:
        raise LabError(f"{path} has no HTTP request")
    if len(origins) > 1:
        told = ", ".join(f"{each} ({count})" for each, count in origins.most_common(_SHOWN))
        raise LabError(
            f"{path} has requests to {len(origins)} addresses: {told}",
            hint=f"say in the profile which are wanted, such as {section}: {{base: https://api.example.org}}",
        )
    return next(iter(origins))


def below(base: str, url: str) -> str | None:
    """The path and query of a URL below the base; None where it is elsewhere.

    Raises:
        UnicodeEncodeError: it has half a character in it.
    """
    wanted, parts = urlsplit(base), urlsplit(url) if origin(url) else None
    if parts is None or origin(url) != origin(base):
        return None
    rest = parts.path.removeprefix(wanted.path)
    if not parts.path.startswith(wanted.path) or (rest and not rest.startswith("/")):
        return None
    query = f"?{parts.query}" if parts.query else ""
    return quote((rest or "/") + query, safe=_KEPT_IN_TARGETS)
