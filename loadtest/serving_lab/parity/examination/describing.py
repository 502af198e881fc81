"""The OpenAPI document of a comparison: from a path on the candidate, another URL, or a file."""

from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request, fill
from serving_lab.documents import finding
from serving_lab.documents.openapi import OpenApiDocument
from serving_lab.documents.operations import Operations
from serving_lab.documents.references import NotFollowedError
from serving_lab.documents.site import Site
from serving_lab.errors import LabError
from serving_lab.parity.cases import Case, Source
from serving_lab.parity.examination.services import Services
from serving_lab.parity.examination.session import Session
from serving_lab.parity.plan import ParityPlan
from serving_lab.text.phrases import address


@dataclass(frozen=True)
class Described:
    """What is known of the API."""

    document: OpenApiDocument | None
    warnings: tuple[str, ...] = ()


def described(plan: ParityPlan, services: Services) -> Described:
    """The document that the profile names, if there is one.

    Raises:
        LabError: the profile names something that is not there, or is not an OpenAPI document.
    """
    where = plan.profile.openapi
    if where is None:
        return Described(None)
    try:
        document = _read(where, plan, services)
    except NotFollowedError as error:
        if where != finding.USUAL and not where.startswith("/"):
            raise LabError(
                f"no OpenAPI document: {error}", hint="openapi in the profile, or --openapi, names it"
            ) from None
        return Described(None, (f"no OpenAPI document is used: {error}",))
    if not document.operations and not document.left_out:
        return Described(None, (f"no OpenAPI document is used: {address(where)} describes no request to the service",))
    return _below_its_prefix(document, services, plan)


def _read(where: str, plan: ParityPlan, services: Services) -> OpenApiDocument:
    if where.startswith("file:"):
        return finding.in_file(Path(unquote(urlsplit(where).path)), services.candidate.endpoint.prefix, where)
    with services.describing(plan.described_by) as session:
        site, url = _site(where, session, plan)
        if where == finding.USUAL:
            return finding.at_usual_place(site)[1]
        return finding.at(site, url, session.endpoint.prefix)


def _site(where: str, session: Session, plan: ParityPlan) -> tuple[Site, str]:
    """Who has the document, and its URL there; the sign-in is for nobody but the service itself."""
    profile, paths = plan.profile, Operations()
    own = Site(
        session.endpoint,
        Request("GET", "/", profile.authorization).filled(session.variables).headers,
        tuple((name, fill(value, session.variables)) for name, value in profile.query),
        excluded=lambda target: paths.excludes(profile.exclude, "GET", target),
    )
    if where == finding.USUAL or where.startswith("/"):
        return own, f"{session.endpoint.url}{where}"
    parts = urlsplit(where)
    endpoint = Endpoint.parse(f"{parts.scheme}://{parts.netloc}")
    return (own if endpoint == replace(session.endpoint, prefix="") else Site(endpoint)), where


def _below_its_prefix(document: OpenApiDocument, services: Services, plan: ParityPlan) -> Described:
    """The document with the prefix below which the candidate answers: what its servers say may hold elsewhere only."""
    prefixes = document.prefixes
    if len(prefixes) == 1:
        return Described(document)
    prefix = finding.prefix_that_answers(
        document, lambda method, target: _status(method, target, document, services, plan)
    )
    if prefix is None:
        told = "the candidate has no path of the OpenAPI document that was tried"
        tried = " or ".join(map(_named, prefixes))
        return Described(document, (f"{told}, below {tried}: does its URL need another path?",))
    if prefix == prefixes[0]:
        return Described(document)
    told = f"the candidate has the paths of the OpenAPI document below {_named(prefix)}"
    return Described(
        document.below(prefix), (f"{told}, not below {_named(prefixes[0])} as it says: requests go there",)
    )


def _status(method: str, target: str, document: OpenApiDocument, services: Services, plan: ParityPlan) -> int | None:
    """What the candidate answers with; the primary is asked too, so that both begin alike."""
    paths = Operations(template for prefix in document.prefixes for template in document.below(prefix).templates)
    if paths.excludes(plan.profile.exclude, method, target):
        return None
    request = Request(method, target, plan.profile.authorization).with_query(*plan.profile.query)
    case = Case(Source.SURFACE, "prefix", request)
    _, exchange = services.primary.send(case), services.candidate.send(case)
    return exchange.answers[0].status if exchange.answers else None


def _named(prefix: str) -> str:
    return prefix or "/"
