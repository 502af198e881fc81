"""Recorded traffic: which of it is to the service, what of it is left out, and how it is signed in."""

import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from serving_lab.api.request import Header, Parameter, Request
from serving_lab.errors import LabError
from serving_lab.recordings import origins
from serving_lab.recordings.recorded_answer import RecordedAnswer
from serving_lab.recordings.recorded_request import HALF_A_CHARACTER, RecordedRequest, SignedIn, sendable
from serving_lab.text.phrases import address, listed, some

_GZIP = b"\x1f\x8b"
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
"""How mitmproxy packs a `.zhar`."""
_OTHER_PACKINGS = {b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ": "xz", b"BZh": "bzip2"}
_MOST_BYTES = 2 << 30


@dataclass(frozen=True)
class Wanted:
    """Which requests of a recording are wanted, as the profile says."""

    section: str
    """The key of the profile that says so."""
    base: str | None
    """What their URLs begin with; None: there is only one service in the recording."""
    signed_in: SignedIn
    authorization: tuple[Header, ...]
    query: tuple[Parameter, ...] = ()


@dataclass(frozen=True)
class Auth:
    """A way to sign a request in, without its secrets."""

    kind: str
    """`bearer`, `basic`, `apikey`, `oauth2`; other names of Postman's likewise."""
    name: str = ""
    """Of an API key: the header or the parameter."""
    in_query: bool = False


@dataclass(frozen=True)
class Recorded:
    """One request of a recording."""

    name: str
    """What it is called, such as `entry 3`."""
    request: RecordedRequest
    auth: Auth | None = None
    """How it was signed in, where the recording says it apart from the headers."""
    answer: RecordedAnswer | None = None
    why_not: str | None = None
    """What else than a request that a server answered it is, in singular and plural; None: it is one."""


@dataclass(frozen=True)
class Chosen:
    """A recorded request that is to the service, as it can be sent again."""

    name: str
    request: Request
    recorded: Recorded


@dataclass(frozen=True)
class Recording:
    """The requests of a file that are to the service, and what a person should know of those that were left out."""

    requests: tuple[Chosen, ...]
    warnings: tuple[str, ...] = ()


class Faults:
    """What of a recording cannot be sent again, told once a kind."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def note(self, name: str, why: str) -> None:
        """Note a request that cannot be sent again."""
        self._names.setdefault(why, []).append(name)

    def told(self) -> Iterator[str]:
        """A sentence for each kind."""
        for why, names in self._names.items():
            yield f"{some(names)} cannot be sent again: {why}"


def chosen(path: Path, recorded: Iterable[Recorded], wanted: Wanted, faults: Faults) -> Recording:
    """The requests that are wanted, and in words what else the recording has.

    Raises:
        LabError: there are none, or it cannot be said which.
    """
    entries = list(recorded)
    base = _base(path, entries, wanted, faults)
    shown = address(wanted.base or base)
    found: list[Chosen] = []
    elsewhere, signed = 0, _Signed(wanted)
    others: Counter[str] = Counter()
    for entry in entries:
        try:
            target = origins.below(base, entry.request.url)
        except UnicodeEncodeError:
            faults.note(entry.name, HALF_A_CHARACTER)
            continue
        if target is None:
            elsewhere += 1
        elif entry.why_not:
            others[entry.why_not] += 1
        else:
            try:
                signs_in = signed.in_(entry)
                request = sendable(entry.request, target, wanted.authorization, signed_in=signs_in)
                request = request.with_query(*(wanted.query if signs_in else ()))
            except ValueError as error:
                faults.note(entry.name, str(error))
                continue
            name = f"{path.name} {entry.name}: {request.method} {request.target.partition('?')[0]}"
            found.append(Chosen(name, request, entry))
    told = list(faults.told())
    if others:
        told.append(f"left out: {listed([f'{count} {what}' for what, count in others.items()])}")
    if not found:
        why = told[0] if told else f"{len(entries)} are to other addresses"
        hint = f"the profile's {wanted.section}: {{base: …}} says what the URLs of the service begin with"
        raise LabError(f"{path} has no request below {shown}: {why}", hint=hint)
    if elsewhere:
        told.append(f"{elsewhere} requests that are not below {shown} were left out")
    return Recording(tuple(found), tuple(f"{path}: {each}" for each in (*told, *signed.told())))


def read_bytes(path: Path) -> bytes:
    """What is in a file, packed with gzip or zlib or not.

    Raises:
        LabError: it cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}") from error
    for begins, packing in _OTHER_PACKINGS.items():
        if content.startswith(begins):
            raise LabError(f"{path} is packed with {packing}, which is not read", hint="unpack it first")
    try:
        if content.startswith(_GZIP):
            content = gzip.GzipFile(fileobj=io.BytesIO(content)).read(_MOST_BYTES + 1)
        elif content.startswith(_ZLIB):
            unpacking = zlib.decompressobj()
            content = unpacking.decompress(content, _MOST_BYTES + 1)
            if not unpacking.eof and len(content) <= _MOST_BYTES:
                raise EOFError("it ends too early")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        kind = "gzip" if content.startswith(_GZIP) else "zlib"
        raise LabError(f"{path} is a damaged {kind} file: {error}") from error
    if len(content) > _MOST_BYTES:
        raise LabError(f"{path} has more than {_MOST_BYTES >> 30} GiB", hint="split it")
    return content


def _base(path: Path, entries: list[Recorded], wanted: Wanted, faults: Faults) -> str:
    urls = [entry.request.url for entry in entries if not entry.why_not] or [each.request.url for each in entries]
    if not urls and (why := next(faults.told(), "")):
        raise LabError(f"{path} has no request that can be sent again: {why}")
    return origins.base_url(wanted.base, urls, path, wanted.section)


class _Signed:
    """Which requests are signed in, and what a person should know of it."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._own = {name.lower() for name, _ in wanted.authorization}
        self._own_query = {name for name, _ in wanted.query}
        self._requests = self._with_credentials = self._without_authorization = 0

    def in_(self, entry: Recorded) -> bool:
        """Whether a request is sent with the profile's authorization."""
        request = entry.request
        names = {pair.name.lower() for pair in request.headers}
        by_other_means = entry.auth is not None or origins.has_user(request.url)
        by_query = bool({name for name, _ in parse_qsl(urlsplit(request.url).query)} & self._own_query)
        had = bool(by_other_means or by_query or request.credentials or names & self._own)
        self._requests += 1
        self._with_credentials += bool(by_other_means or by_query or names & ({"authorization", "cookie"} | self._own))
        self._without_authorization += had and not (self._wanted.authorization or self._wanted.query)
        preflight = request.method == "OPTIONS" and "access-control-request-method" in names
        return had or (self._wanted.signed_in == "all" and not preflight)

    def told(self) -> Iterator[str]:
        """What a person should know."""
        if self._without_authorization:
            yield (
                f"{self._without_authorization} requests were signed in when recorded, and are sent without: "
                "no authorization is known"
            )
        if (
            (self._wanted.authorization or self._wanted.query)
            and self._wanted.signed_in == "recorded"
            and not self._with_credentials
        ):
            yield (
                f"none of its {self._requests} requests has credentials, so none is signed in; browsers leave them out "
                f"of what they save: {self._wanted.section}: {{signed_in: all}} in the profile signs all of them in"
            )
