"""The service that a document comes from: the only one that is asked for what the document refers to."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import quote, urldefrag, urljoin, urlsplit

from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Header, Parameter, Request
from serving_lab.documents.reading import UnreadableError, read
from serving_lab.documents.references import NotAnsweredError, NotFollowedError
from serving_lab.errors import LabError
from serving_lab.wire import exchange
from serving_lab.wire.message import Answer

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_IN_TARGETS = "/?:@!$&'()*+,;=-._~%"
_MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class Found:
    """What a URL has."""

    url: str
    """Where it was found: redirects within the service are followed."""
    content: bytes


@dataclass(frozen=True)
class Site:
    """A service, as far as documents are read from it."""

    endpoint: Endpoint
    authorization: tuple[Header, ...] = ()
    """Sent where the service does not answer with what is asked for without: it may refuse, hide it, or show a page."""
    query: tuple[Parameter, ...] = ()
    """Sent with that."""
    signed_in: bool = False
    """Whether it is sent at once."""
    excluded: Callable[[str], bool] = lambda _: False
    """Whether a target (`/cache/clear`) must not be asked for."""

    def get(self, url: str) -> Found:
        """What the service answers at a URL of its own.

        Raises:
            NotFollowedError: the URL, or one that the service redirects to, is not of this service, or has nothing.
        """
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._answer(self._target(url))
            location = answer.header("location")
            if answer.status not in _REDIRECTS or not location:
                break
            url = urldefrag(_joined(url, location)).url
            if not self._has(url):
                raise NotFollowedError("redirected to another address, which is never asked")
        if answer.status != HTTPStatus.OK:
            raise NotFollowedError(f"answered with {answer.status}")
        return Found(url, _decoded(answer))

    def fetch(self, url: str) -> tuple[str, object]:
        """A document that another one refers to: the URL where it was found, and its content.

        Raises:
            NotFollowedError: the URL is not of this service, or there is no document at it.
        """
        found = self.get(url)
        try:
            return found.url, read(found.content)
        except UnreadableError:
            raise NotFollowedError("neither JSON nor YAML") from None

    def _has(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
            return Endpoint.parse(f"{parts.scheme}://{parts.netloc}") == replace(self.endpoint, prefix="")
        except (ValueError, LabError):
            return False

    def _target(self, url: str) -> str:
        """What to ask the service for."""
        if not self._has(url):
            raise NotFollowedError("not on the service itself, and nobody else is asked")
        parts = urlsplit(url)
        target = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_IN_TARGETS)
        if self.excluded(target):
            raise NotFollowedError("excluded by the profile")
        return target

    def _answer(self, target: str) -> Answer:
        endpoint = replace(self.endpoint, prefix="")
        request = Request("GET", target)
        signed_in = request.with_headers(*self.authorization).with_query(*self.query)
        try:
            answer = exchange.send(endpoint, signed_in if self.signed_in else request)
            if answer.status != HTTPStatus.OK and signed_in != request and not self.signed_in:
                answer = exchange.send(endpoint, signed_in)
        except LabError:
            raise NotAnsweredError("not answered") from None
        return answer


def _joined(base: str, location: str) -> str:
    try:
        return urljoin(base, location)
    except ValueError:
        return location


def _decoded(answer: Answer) -> bytes:
    """The body without its content coding.

    Raises:
        NotFollowedError: it is damaged, unknown, or too large.
    """
    coding = (answer.header("content-encoding") or "identity").strip().lower()
    if coding == "identity":
        return answer.body
    if coding not in {"gzip", "x-gzip", "deflate"}:
        raise NotFollowedError(f"packed with {coding[:20]!r}, which is not read")
    try:
        unpacked = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(answer.body, _MOST_BYTES)
    except zlib.error:
        raise NotFollowedError("damaged") from None
    if len(unpacked) >= _MOST_BYTES:
        raise NotFollowedError(f"larger than {_MOST_BYTES >> 20} MiB")
    return unpacked
