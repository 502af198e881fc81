"""How requests were let in when they were recorded: by a sign-in that is among them, or by what they had."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from serving_lab.api import json_path
from serving_lab.api.request import Request
from serving_lab.drafts.credentials import Hidden, is_secret, lets_in, place, variable
from serving_lab.drafts.draft import Access, Call
from serving_lab.drafts.of_recording import body_of, fields_of, headers_of, note_secrets, parsed, path_of
from serving_lab.drafts.schemes import BEARER, LIFETIMES, SIGNS_IN, SIGNS_UP, TOKEN_NAMES, credentials
from serving_lab.recordings.recording import Chosen

_PASSWORD = re.compile(r"pass|pwd|secret|^pin$|^otp$", re.IGNORECASE)
_SESSION = re.compile(r"sess|sid|auth|token|jwt|login", re.IGNORECASE)
_SHORTEST = 6
"""Characters of what is recognized as a token by coming again."""
_SCHEMES = {"basic": "Basic", "bearer": "Bearer", "token": "Token", "apikey": "ApiKey"}
_GUESSED = "a guess: the recording has no credentials, browsers leave them out of what they save"
_UNCHECKED = "unchecked, the recording has no answer: which member of it is the token?"


def access_of(chosen: Sequence[Chosen], hidden: Hidden) -> tuple[Access, Chosen | None]:
    """How requests are let in, and the recorded sign-in if there is one; all secrets are noted in `hidden`."""
    login = _login(chosen)
    if login is None:
        note_secrets(chosen, hidden)
        return _without_login(chosen), None
    saved = _token(login, chosen) or _cookies(login, chosen)
    if saved is None:
        saved = _Saved({"token": "$.token"}, {"Authorization": BEARER}, (), (_UNCHECKED,), ())
    for value, stands_for in saved.secrets:
        hidden.note(value, stands_for)
    note_secrets(chosen, hidden)
    request = login.request
    body = body_of(request, lambda fields: hidden.json(credentials(fields) if isinstance(fields, dict) else fields))
    access = Access(
        sign_in=Call(
            request.method,
            path_of(request.target, hidden),
            tuple(headers_of(request, body, hidden, saved.authorization)),
            body,
        ),
        save=saved.save,
        lifetime=_lifetime(login),
        authorization=saved.authorization,
        sign_in_to_do=saved.sign_in_to_do,
        authorization_to_do=saved.authorization_to_do,
    )
    return access, login


class _Saved:
    """What a sign-in gives, and how later requests have it."""

    def __init__(
        self,
        save: Mapping[str, object],
        authorization: Mapping[str, str],
        secrets: Sequence[tuple[str, str]],
        sign_in_to_do: tuple[str, ...] = (),
        authorization_to_do: tuple[str, ...] = (),
    ) -> None:
        self.save = save
        self.authorization = authorization
        self.secrets = secrets
        self.sign_in_to_do = sign_in_to_do
        self.authorization_to_do = authorization_to_do


def _login(chosen: Sequence[Chosen]) -> Chosen | None:
    """The request that takes a password, the first that was answered with something that signs in."""
    found = []
    for each in chosen:
        path = each.request.target.partition("?")[0]
        if each.request.method not in {"POST", "PUT"} or SIGNS_UP.search(path):
            continue
        if any(_PASSWORD.search(name) and isinstance(value, str) for name, value in _leaves(fields_of(each.request))):
            found.append(each)
    gives = [each for each in found if _token(each, chosen) or _cookies(each, chosen)]
    named = [each for each in found if SIGNS_IN.search(each.request.target)]
    return next(iter([*(each for each in gives if each in named), *gives, *named]), None)


def _token(login: Chosen, chosen: Sequence[Chosen]) -> _Saved | None:
    """The token in the answer: what later requests have in a header, else what is called one."""
    answer = login.recorded.answer
    if answer is None or not answer.succeeded:
        return None
    placed = {path: value for path, value in _texts(parsed(answer.body), "$") if len(value) >= _SHORTEST}
    headers = [(pair.name, pair.value) for each in chosen for pair in each.recorded.request.headers]
    for path, value in placed.items():
        for name, header in headers:
            if value in header and name.lower() != "cookie":
                authorization = {_named(name): header.replace(value, "${token}")}
                return _Saved({"token": path}, authorization, [(value, "${token}")])
    for own, value in answer.headers:
        plain = value.partition(" ")[2] or value
        for name, header in headers:
            if is_secret(own) and own.lower() != "set-cookie" and len(plain) >= _SHORTEST and plain in header:
                save: dict[str, object] = {"token": {"header": own}}
                # What is saved is the whole header, its scheme included.
                return _Saved(save, {name: header.replace(value, "${token}")}, [(plain, "${token}")])
    by_name = {path: str(json_path.steps(path)[-1]).lower() for path in placed}
    for wanted in TOKEN_NAMES:
        for path, key in by_name.items():
            if key == wanted:
                return _Saved({"token": path}, {"Authorization": BEARER}, [(placed[path], "${token}")], (), (_GUESSED,))
    return None


def _cookies(login: Chosen, chosen: Sequence[Chosen]) -> _Saved | None:
    """The cookies that the answer sets: those that later requests have, else those that are called a session."""
    answer = login.recorded.answer
    if answer is None or answer.status >= 400:
        return None
    pairs = [value.partition(";")[0].partition("=") for name, value in answer.headers if name.lower() == "set-cookie"]
    set_ = {name.strip(): value for name, _, value in pairs if name.strip() and value}
    sent = {
        part.strip().partition("=")[0]
        for each in chosen
        if each is not login
        for pair in each.recorded.request.headers
        if pair.name.lower() == "cookie"
        for part in pair.value.split(";")
    }
    names = (
        [name for name in set_ if name in sent] or [name for name in set_ if _SESSION.search(name)] or list(set_)[:1]
    )
    if not names:
        return None
    variables = {name: "session" if len(names) == 1 else f"cookie_{at}" for at, name in enumerate(names, 1)}
    return _Saved(
        {stands: {"cookie": name} for name, stands in variables.items()},
        {"Cookie": "; ".join(f"{name}=${{{stands}}}" for name, stands in variables.items())},
        [(set_[name], f"${{{stands}}}") for name, stands in variables.items()],
    )


def _without_login(chosen: Sequence[Chosen]) -> Access:
    """What the requests had themselves; a person has to say what it is now."""
    authorization: dict[str, str] = {}
    query: dict[str, str] = {}
    to_do: list[str] = []
    for each in chosen:
        auth = each.recorded.auth
        if auth and auth.kind == "apikey" and auth.name:
            (query if auth.in_query else authorization).setdefault(auth.name, place(variable(auth.name)))
        elif auth and auth.kind == "basic":
            authorization.setdefault("Authorization", f"Basic {place('API_BASIC')}")
        elif auth and auth.kind in {"bearer", "oauth2", "jwt"}:
            authorization.setdefault("Authorization", f"Bearer {place('API_TOKEN')}")
        elif auth:
            to_do.append(f"{auth.kind} signs requests in a way that is not drafted")
        for pair in each.recorded.request.headers:
            if lets_in(pair.name):
                authorization.setdefault(_named(pair.name), _placed(pair.name, pair.value))
        for name in _secrets_of_query(each.request):
            query.setdefault(name, place(variable(name)))
    if authorization.get("Authorization", "").startswith("Basic "):
        to_do.append("set API_BASIC to name:password in base64: printf %s 'name:password' | base64")
    return Access(authorization=authorization, query=query, authorization_to_do=tuple(dict.fromkeys(to_do)))


def _named(header: str) -> str:
    """The header in one spelling: HTTP/2 has it in lower case."""
    return header.title() if header.lower() in {"authorization", "cookie"} else header


def _placed(name: str, value: str) -> str:
    if name.lower() == "authorization":
        known = _SCHEMES.get(value.partition(" ")[0].lower(), "Bearer" if not value else "")
        return f"{known} {place('API_BASIC' if known == 'Basic' else 'API_TOKEN')}" if known else place("API_TOKEN")
    return place(variable(name))


def _secrets_of_query(request: Request) -> Iterator[str]:
    for part in request.target.partition("?")[2].split("&"):
        name = part.partition("=")[0]
        if is_secret(name):
            yield name


def _lifetime(login: Chosen) -> str | None:
    answer = login.recorded.answer
    document = parsed(answer.body) if answer else None
    if not isinstance(document, dict):
        return None
    named = (key for key, value in document.items() if key.lower() in LIFETIMES and isinstance(value, int))
    return next((json_path.member("$", key) for key in named), None)


def _leaves(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _leaves(member, key)
    else:
        yield name, value


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _texts(member, json_path.member(where, key))
    elif isinstance(value, str):
        yield where, value
