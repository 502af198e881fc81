"""Requests from recorded traffic: one for each operation, without secrets."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from urllib.parse import parse_qsl, unquote, unquote_plus

from serving_lab.api.request import Header, Request
from serving_lab.documents.operations import Operations, decoded_path
from serving_lab.drafts import answers
from serving_lab.drafts.credentials import Hidden, had_credentials, places_in_url
from serving_lab.drafts.draft import Access, Body, Call, DraftedRequest, too_deep
from serving_lab.recordings.path_templates import path_templates
from serving_lab.recordings.recording import Chosen

_FORM = "application/x-www-form-urlencoded"
_OF_BROWSERS = frozenset(
    {
        *("accept", "accept-language", "cache-control", "dnt", "origin", "postman-token", "pragma", "priority"),
        *("purpose", "referer", "save-data", "upgrade-insecure-requests", "user-agent", "x-requested-with"),
    }
)
"""Headers that say what sent the request, and that no API needs."""


def checkable(chosen: Iterable[Chosen]) -> list[Chosen]:
    """The requests whose answers can be checked, not what a browser asks beforehand."""
    return [each for each in chosen if each.request.method not in {"HEAD", "OPTIONS", "TRACE"}]


def drafted(chosen: Sequence[Chosen], known: Sequence[str], access: Access, hidden: Hidden) -> Iterator[DraftedRequest]:
    """A request for each operation.

    Args:
        chosen: the requests.
        known: the path templates of a document.
        access: how requests are let in; what it adds to all requests is left out of each.
        hidden: what must not be written.
    """
    operations = Operations(known)
    paths = [path for each in chosen if not operations.knows(path := decoded_path(each.request.target))]
    operations = Operations([*known, *path_templates(paths)])
    best: dict[str, Chosen] = {}
    for each in chosen:
        label = operations.label(each.request.method, each.request.target)
        if label not in best or (_succeeded(each) and not _succeeded(best[label])):
            best[label] = each
    credentials = any(had_credentials(each.recorded) for each in chosen)
    for label, each in best.items():
        template = label.partition(" ")[2]
        yield _drafted(
            each,
            hidden.text(places_in_url(template)),
            access,
            hidden,
            signed_in=had_credentials(each.recorded) or not credentials,
        )


def note_secrets(chosen: Iterable[Chosen], hidden: Hidden) -> None:
    """Note every secret that these requests and their answers have."""
    for each in chosen:
        recorded = each.recorded
        hidden.note_all({pair.name: pair.value.partition(" ")[2] or pair.value for pair in recorded.request.headers})
        for pair in recorded.request.headers:
            if pair.name.lower() == "cookie":
                hidden.note_all({f"{name}_sid": value for name, value in _cookies(pair.value)})
        hidden.note_all(dict(_query(each.request.target)))
        hidden.note_all(fields_of(each.request))
        if recorded.answer:
            hidden.note_all(parsed(recorded.answer.body))
            for name, value in recorded.answer.headers:
                if name.lower() == "set-cookie":
                    hidden.note_all({f"{key}_sid": cookie for key, cookie in _cookies(value.partition(";")[0])})
                else:
                    hidden.note_all({name: value.partition(" ")[2] or value})


def fields_of(request: Request) -> dict[str, object]:
    """The fields of a body that has some, JSON or a form; else none."""
    if (request.header("content-type") or "").lower().startswith(_FORM):
        return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    found = parsed(request.body)
    return found if isinstance(found, dict) else {}


def body_of(request: Request, json_fields: Callable[[object], object]) -> Body | None:
    """The body as a file has it; `json_fields` says what is written of a JSON value or of the fields of a form."""
    if not request.body:
        return None
    media_type = (request.header("content-type") or "").lower()
    if media_type.startswith(_FORM):
        pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        if len(dict(pairs)) == len(pairs):
            return Body("form", json_fields(dict(pairs)))
    if answers.is_json(media_type or "application/json"):
        try:
            document = json.loads(request.body)
            json.dumps(document, allow_nan=False)
            if not too_deep(document):
                return Body("json", json_fields(document))
        except (ValueError, RecursionError):
            pass  # broken JSON is sent as it was
    try:
        text = request.body.decode()
    except UnicodeDecodeError:
        return Body("bytes", request.body.decode("latin-1"))
    return Body("text", json_fields(text))


def headers_of(request: Request, body: Body | None, hidden: Hidden, left_out: Iterable[str]) -> Iterator[Header]:
    """The headers that a file needs."""
    names = {name.lower() for name in left_out}
    for name, value in request.headers:
        key = name.lower()
        if key in _OF_BROWSERS | names or key.startswith(("sec-", "x-newrelic", "traceparent", "tracestate")):
            continue
        if key == "content-type" and body is not None and body.kind in {"json", "form"}:
            continue
        if key == "content-type" and body is None:
            continue
        yield name, hidden.header(name, value)


def path_of(target: str, hidden: Hidden, left_out: Iterable[str] = ()) -> str:
    """The path and the query without secrets, and without these parameters."""
    path, _, query = places_in_url(target).partition("?")
    kept = []
    for part in query.split("&") if query else ():
        name, equals, value = part.partition("=")
        if unquote_plus(name) in left_out:
            continue
        plain = unquote_plus(value)
        member = hidden.member(unquote_plus(name), plain)
        kept.append(f"{name}{equals}{value if member == plain else member}")
    segments = [(segment, hidden.text(unquote(segment))) for segment in path.split("/")]
    shown = "/".join(segment if hidden_one == unquote(segment) else hidden_one for segment, hidden_one in segments)
    return shown + (f"?{'&'.join(kept)}" if kept else "")


def _drafted(each: Chosen, template: str, access: Access, hidden: Hidden, *, signed_in: bool) -> DraftedRequest:
    request, answer = each.request, each.recorded.answer
    body = body_of(request, hidden.json)
    call = Call(
        request.method,
        path_of(request.target, hidden, access.query),
        tuple(headers_of(request, body, hidden, access.authorization)),
        body,
    )
    right = answer is not None and answer.succeeded
    return DraftedRequest(
        template=template,
        call=call,
        statuses=(answer.status,) if answer and right else (),
        rules=answers.of_body(answer.media_type, answer.body) if answer and right else {},
        signed_in=signed_in,
        to_do=() if answer is None or right else (f"it was answered {answer.status} when it was recorded",),
    )


def _succeeded(each: Chosen) -> bool:
    return each.recorded.answer is None or each.recorded.answer.succeeded


def _query(target: str) -> Iterator[tuple[str, str]]:
    yield from parse_qsl(target.partition("?")[2])


def _cookies(value: str) -> Iterator[tuple[str, str]]:
    for part in value.split(";"):
        name, equals, rest = part.strip().partition("=")
        if equals:
            yield name, rest


def parsed(body: bytes) -> object:
    """The JSON value of a body; None where it is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
