"""`lab init`: from options to a drafted file, and to what a person reads about it."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rich.console import Console
from rich.text import Text

from serving_lab import exit_codes
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Header, Request
from serving_lab.documents import finding
from serving_lab.documents.openapi import OpenApiDocument
from serving_lab.documents.references import NotFollowedError
from serving_lab.documents.site import Site
from serving_lab.drafting.asking import Asking
from serving_lab.drafts import of_document, of_recording, recorded_sign_in, recordings, schemes, writing
from serving_lab.drafts.credentials import Hidden
from serving_lab.drafts.draft import Access, Draft, DraftedRequest
from serving_lab.drafts.forms import fault, variables_of
from serving_lab.errors import LabError
from serving_lab.recordings.recording import Chosen
from serving_lab.text.environment import Environment
from serving_lab.text.phrases import address, counted, visible
from serving_lab.wire import exchange

_LOGOUT = re.compile(r"log[_-]?(?:out|off)|sign[_-]?out", re.IGNORECASE)
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_NOBODY_LET_IN = "requests are refused: say how to sign in, by sign_in and authorization"
_HINT = "--openapi PATH|FILE|URL names it; --har FILE and --postman FILE draft from recorded traffic"
_IN_ENVIRONMENT = {"API_TOKEN": "Bearer", "API_BASIC": "Basic"}
"""Variables that let a person in where nothing else says how, each with its scheme."""


@dataclass(frozen=True)
class Options:
    """What a person may ask for."""

    url: str
    openapi: str | None
    har: Sequence[Path]
    postman: Sequence[Path]
    base: str | None
    output: Path
    force: bool


@dataclass(frozen=True)
class _Found:
    """A document, and what names it in a file."""

    document: OpenApiDocument
    place: str
    named: str


def init(options: Options, environment: Mapping[str, str], console: Console) -> int:
    """Draft the description of an API, write it, and tell what is left to do.

    Raises:
        LabError: a file is wrong, the service does not answer, or there is nothing to draft from.
    """
    _check_writable(options)
    endpoint = Endpoint.parse(options.url)
    traffic = recordings.read(
        options.har, options.postman, options.base or endpoint.url, given=options.base is not None
    )
    exchange.send(endpoint, Request("GET", "/"))
    recorded = _Recorded.of(traffic, endpoint, Environment(environment))
    site = Site(endpoint, recorded.authorization, recorded.asking.query)
    found = _document(options, endpoint, site, needed=not traffic.chosen)
    draft, missing = _draft(endpoint, found, recorded)
    made_of = [*([found.place] if found else ()), *(path.name for path in (*options.har, *options.postman))]
    written = writing.text(draft, endpoint.url, made_of, "lab init")
    _write(options, written)
    _tell(options, draft, written, missing, console)
    return exit_codes.OK


@dataclass(frozen=True)
class _Recorded:
    """What recorded traffic and the environment tell of how requests are let in, before any document is read."""

    traffic: recordings.Traffic
    hidden: Hidden
    login: Chosen | None
    asking: Asking
    """The service, signed in to as recorded."""
    environment: Environment

    @classmethod
    def of(cls, traffic: recordings.Traffic, endpoint: Endpoint, environment: Environment) -> "_Recorded":
        hidden = Hidden()
        access, login = recorded_sign_in.access_of(traffic.chosen, hidden)
        asking = Asking(endpoint, _possible(access), environment)
        asking.sign_in()
        return cls(traffic, hidden, login, asking, environment)

    @property
    def authorization(self) -> tuple[Header, ...]:
        """What a document behind the sign-in is asked for with."""
        known = self.environment
        guessed = (("Authorization", f"{how} {known[name]}") for name, how in _IN_ENVIRONMENT.items() if name in known)
        return self.asking.authorization or tuple(guessed)[:1]


def _possible(access: Access) -> Access:
    """The same, without a sign-in that a description cannot have."""
    if access.sign_in and (why := fault(access.sign_in)):
        return Access(authorization_to_do=(f"no sign-in is drafted, {why}",))
    return access


def _draft(endpoint: Endpoint, found: _Found | None, recorded: _Recorded) -> tuple[Draft, tuple[str, ...]]:
    """The draft, and the variables of the environment that it needs and that are not set."""
    traffic, hidden, asking = recorded.traffic, recorded.hidden, recorded.asking
    notes = list(traffic.notes)
    document = found.document if found else None
    if found and document:
        document, told = _below_its_prefix(document, endpoint)
        notes += [*told, *(f"{label}: no request is drafted, {why.why}" for label, why in document.left_out)]
    if document and asking.access.sign_in is None:
        described = schemes.access_of(document, (endpoint.url,))
        if described.known or not asking.access.known:
            asking = Asking(endpoint, _possible(described), recorded.environment)
            asking.sign_in()
    access = asking.access
    chosen = [each for each in of_recording.checkable(traffic.chosen) if each is not recorded.login]
    requests = _requests(document, chosen, access, hidden)
    kept: list[DraftedRequest] = []
    for request in requests:
        if why := fault(request.call, access.save):
            notes.append(f"{request.operation}: no request is drafted, {why}")
        else:
            kept.append(asking.asked(request))
    access = asking.access
    if not access.known and any(each.answered in _REFUSED for each in kept):
        access = replace(access, authorization_to_do=(*access.authorization_to_do, _NOBODY_LET_IN))
    parity = dict(_parity(found, traffic, kept, access))
    return Draft(access, tuple(kept), parity, tuple(notes)), asking.missing


def _requests(
    document: OpenApiDocument | None, chosen: Sequence[Chosen], access: Access, hidden: Hidden
) -> list[DraftedRequest]:
    """The requests of the document, and in their places those that were recorded, which are what a client sends."""
    described = {each.operation: each for each in of_document.drafted(document)} if document else {}
    templates = document.templates if document else ()
    for each in of_recording.drafted(chosen, templates, access, hidden):
        known = described.get(each.operation)
        if known is None or each.statuses:
            described[each.operation] = replace(each, rules=known.rules or each.rules) if known else each
    return [each for each in described.values() if not _is_sign_in(each, access)]


def _is_sign_in(request: DraftedRequest, access: Access) -> bool:
    sign_in = access.sign_in
    return sign_in is not None and (request.call.method, request.call.path) == (sign_in.method, sign_in.path)


def _document(options: Options, endpoint: Endpoint, site: Site, *, needed: bool) -> _Found | None:
    """The document that is named, or the one at a usual place.

    Raises:
        LabError: there is none, and there is nothing else to draft from.
    """
    given = options.openapi
    if given is None:
        try:
            place, document = finding.at_usual_place(site)
        except NotFollowedError as error:
            if not needed:
                return None
            places = ", ".join(finding.USUAL_PLACES[:3])
            raise LabError(
                f"{endpoint.url} has no OpenAPI document at the usual places ({places}, …): {error}", hint=_HINT
            ) from None
        return _Found(document, place, place)
    where = finding.place_of(given, Path())
    try:
        if where.startswith("file:"):
            path = Path(unquote(urlsplit(where).path))
            document = finding.in_file(path, endpoint.prefix, where)
            named = os.path.relpath(path, options.output.absolute().parent)
            return _Found(document, named, named)
        if where.startswith("/"):
            return _Found(finding.at(site, f"{endpoint.url}{where}", endpoint.prefix), where, where)
        parts = urlsplit(where)
        others = Endpoint.parse(f"{parts.scheme}://{parts.netloc}")
        own = site if others == replace(endpoint, prefix="") else Site(others)
        return _Found(finding.at(own, where, endpoint.prefix), address(where), where)
    except NotFollowedError as error:
        raise LabError(f"no OpenAPI document: {error}", hint=_HINT) from None


def _below_its_prefix(document: OpenApiDocument, endpoint: Endpoint) -> tuple[OpenApiDocument, tuple[str, ...]]:
    prefixes = document.prefixes
    if len(prefixes) == 1:
        return document, ()

    def status(method: str, target: str) -> int | None:
        try:
            return exchange.send(endpoint, Request(method, target)).status
        except LabError:
            return None

    prefix = finding.prefix_that_answers(document, status)
    if prefix is None:
        return document, (
            "the service has none of the document's paths that were tried: does its URL need another path?",
        )
    return document.below(prefix), ()


def _parity(
    found: _Found | None,
    traffic: recordings.Traffic,
    requests: Sequence[DraftedRequest],
    access: Access,
) -> Iterator[tuple[str, object]]:
    """What `lab parity` needs to know besides."""
    if found is None:
        yield "openapi", None
    elif found.named not in finding.USUAL_PLACES:
        yield "openapi", found.named
    if logouts := [each.template for each in requests if _LOGOUT.search(each.template)]:
        yield "exclude", [f"* {re.sub(r'{[^}]*}', '*', template)}" for template in logouts]
    for key, base in traffic.bases.items():
        form: dict[str, object] = {"base": base}
        if access.known and not traffic.had_credentials:
            form["signed_in"] = "all"
        yield key, form


def _check_writable(options: Options) -> None:
    path = options.output
    if path.exists() and not options.force:
        raise LabError(
            f"{path} exists, and is not overwritten", hint="--force overwrites it; --output FILE names another"
        )
    if not path.absolute().parent.is_dir():
        raise LabError(f"{path.parent} is not a folder", hint="--output FILE says where the draft goes")


def _write(options: Options, written: str) -> None:
    try:
        with options.output.open("w" if options.force else "x", encoding="utf-8") as file:
            file.write(written)
    except OSError as error:
        raise LabError(f"{options.output}: {error.strerror}", hint="--output FILE says where the draft goes") from error


def _tell(options: Options, draft: Draft, written: str, missing: Sequence[str], console: Console) -> None:
    def say(text: str) -> None:
        console.print(Text(visible(text)), soft_wrap=True)

    path = options.output
    succeeded = sum(each.succeeded for each in draft.requests)
    say(f"{path}: {counted(len(draft.requests), 'request')}, of which {succeeded} answered 2xx when asked")
    for line, told in writing.to_do(written):
        say(f"{path}:{line}: {writing.TO_DO} {told}")
    for note in draft.notes:
        say(f"note: {note}")
    needed = variables_of(written)
    if needed:
        say(f"set {', '.join(needed)} in the environment: what opens the service is not in the file")
    if missing:
        say(f"not set now: {', '.join(missing)}; once set, lab init --force also asks what needs a sign-in")
    say("then:")
    say(f"  lab parity --primary OLD_URL --candidate NEW_URL --profile {path}")
    say(f"  lab bench --target old=OLD_URL --target new=NEW_URL --profile {path}")
