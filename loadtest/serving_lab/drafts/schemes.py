"""How requests are let in, as the security schemes of an OpenAPI document say it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from serving_lab.api import json_path
from serving_lab.documents.examples import merged
from serving_lab.documents.openapi import OpenApiDocument, Operation
from serving_lab.drafts import answers
from serving_lab.drafts.credentials import is_secret, place, variable
from serving_lab.drafts.draft import Access, Body, Call
from serving_lab.drafts.of_document import call_of, security_of

TOKEN_NAMES = (
    *("token", "access_token", "accesstoken", "id_token", "idtoken", "jwt", "auth_token", "authtoken", "bearer"),
    *("session_token", "sessiontoken", "api_token", "key", "session", "sessionid", "session_id"),
)
"""Members of an answer to a sign-in that later requests need, the most likely first, in lower case."""
LIFETIMES = ("expires_in", "expiresin", "expires_in_seconds")
SIGNS_IN = re.compile(r"log[_-]?in|sign[_-]?in|auth|token|session", re.IGNORECASE)
SIGNS_UP = re.compile(r"regist|sign[_-]?up|reset|forgot|change|logout|revoke|refresh|verify", re.IGNORECASE)
_USERS = re.compile(r"user[_-]?name|user|e?mail|login|account|name", re.IGNORECASE)
_UNCHECKED = "unchecked: which member of the answer is the token?"
BEARER = "Bearer ${token}"


def access_of(document: OpenApiDocument, own_urls: tuple[str, ...] = ()) -> Access:
    """How most operations of a document are let in.

    Args:
        document: the document.
        own_urls: what URLs of the service begin with.
    """
    login = _login(document)
    scheme = _scheme(document)
    if scheme is None:
        return _with_login(document, login, ("the document does not say where the token goes",)) if login else Access()
    name, found = scheme
    return _of_scheme(document, name, found, login, own_urls)


def credentials(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a sign-in with variables in the places of who signs in and of the secrets."""
    users = [name for name in fields if _USERS.fullmatch(name)] or [name for name in fields if _USERS.search(name)]
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            found[name] = credentials(value)
        elif is_secret(name):
            found[name] = place(variable(name))
        elif name in users[:1] and isinstance(value, str):
            found[name] = place("API_USERNAME")
        else:
            found[name] = value
    return found


def _of_scheme(
    document: OpenApiDocument, name: str, scheme: Mapping[str, Any], login: Operation | None, own: tuple[str, ...]
) -> Access:
    kind, key = str(scheme.get("type")), str(scheme.get("name"))
    http = str(scheme.get("scheme")).lower()
    if kind == "apiKey":
        return _api_key(document, login, str(scheme.get("in")), key)
    if kind == "basic" or (kind == "http" and http == "basic"):
        return Access(
            authorization={"Authorization": f"Basic {place('API_BASIC')}"},
            authorization_to_do=("set API_BASIC to name:password in base64: printf %s 'name:password' | base64",),
        )
    if kind == "oauth2" and (flow := _oauth(document, scheme, own)):
        return flow
    if login and (kind in {"oauth2", "openIdConnect"} or http == "bearer"):
        return _with_login(document, login)
    if kind == "http" and http not in {"bearer", "none"}:
        return Access(authorization_to_do=(f"HTTP {http} ({name}) is not drafted: write it by hand",))
    if kind == "mutualTLS":
        return Access(authorization_to_do=("the document asks for a client certificate, which the lab does not send",))
    return Access(authorization={"Authorization": f"Bearer {place('API_TOKEN')}"})


def _api_key(document: OpenApiDocument, login: Operation | None, where: str, key: str) -> Access:
    if where == "query":
        return Access(query={key: place(variable(key))})
    if key.lower() == "authorization":
        if login:
            return _with_login(document, login, ("Bearer is a guess: the document says only that it is a header",))
        return Access(authorization={key: place("API_TOKEN")})
    if where == "cookie" and login:
        cookie = {"save": {"session": {"cookie": key}}, "authorization": {"Cookie": f"{key}=${{session}}"}}
        return replace(_with_login(document, login), **cookie, lifetime=None, sign_in_to_do=())  # type: ignore[arg-type]
    value = place(variable(key))
    return Access(authorization={"Cookie": f"{key}={value}"} if where == "cookie" else {key: value})


def _oauth(document: OpenApiDocument, scheme: Mapping[str, Any], own: tuple[str, ...]) -> Access | None:
    """The sign-in of the flows that need no browser."""
    flows = scheme.get("flows")
    version_2 = {"application": "clientCredentials"}.get(str(scheme.get("flow")), str(scheme.get("flow")))
    named = flows if isinstance(flows, dict) else {version_2: scheme}
    for flow, grant, user, secret in (
        ("password", "password", "username", "password"),
        ("clientCredentials", "client_credentials", "client_id", "client_secret"),
    ):
        url = document.resolved(named.get(flow)).get("tokenUrl")
        if not isinstance(url, str):
            continue
        path = _own_path(document, url, own)
        if path is None:
            return Access(
                authorization={"Authorization": f"Bearer {place('API_TOKEN')}"},
                authorization_to_do=("its tokens come from another host: set API_TOKEN to one",),
            )
        fields = {"grant_type": grant, user: place(variable(user)), secret: place(variable(secret))}
        return Access(
            sign_in=Call("POST", path, (), Body("form", fields)),
            save={"token": "$.access_token"},
            authorization={"Authorization": BEARER},
        )
    return None


def _own_path(document: OpenApiDocument, url: str, own: tuple[str, ...]) -> str | None:
    """The path of a URL below the service's base URL; None: it is another service's."""
    if "://" in url:
        base = next((each for each in own if url.startswith(each)), None)
        return None if base is None else urlsplit(url).path.removeprefix(urlsplit(base).path) or "/"
    path = url.removeprefix("./")
    return path if path.startswith("/") else f"{document.prefix}/{path}"


def _scheme(document: OpenApiDocument) -> tuple[str, Mapping[str, Any]] | None:
    """The scheme that most operations ask for; of those that one request may choose from, one that needs no browser."""
    schemes = _schemes(document)
    asked: Counter[str] = Counter()
    for operation in document.operations:
        for requirement in security_of(document, operation):
            asked.update(name for name in requirement if name in schemes)
    if not asked:
        return None
    most = max(asked.values())
    named = [name for name, count in asked.items() if count == most]
    return next(((name, schemes[name]) for name in named if _is_easy(schemes[name])), (named[0], schemes[named[0]]))


def _is_easy(scheme: Mapping[str, Any]) -> bool:
    flows = scheme.get("flows")
    return str(scheme.get("type")) in {"apiKey", "http", "basic"} or (isinstance(flows, dict) and "password" in flows)


def _schemes(document: OpenApiDocument) -> dict[str, Mapping[str, Any]]:
    components = document.resolved(document.content.get("components"))
    written = components.get("securitySchemes") or document.content.get("securityDefinitions")
    return {name: document.resolved(each) for name, each in document.resolved(written).items()}


def _login(document: OpenApiDocument) -> Operation | None:
    """The operation that takes a password and gives a token."""
    for operation in document.operations:
        named = f"{operation.path} {operation.definition.get('operationId', '')}"
        if operation.method == "POST" and SIGNS_IN.search(named) and not SIGNS_UP.search(named):
            body = call_of(document, operation)[0].body
            if body and isinstance(body.value, dict) and _has_secret(body.value):
                return operation
    return None


def _with_login(document: OpenApiDocument, login: Operation, to_do: tuple[str, ...] = ()) -> Access:
    call, _ = call_of(document, login)
    body = call.body
    if body and isinstance(body.value, dict):
        call = replace(call, body=Body(body.kind, credentials(body.value)))
    _, rules = answers.of_operation(document, login)
    named: dict[str, str] = {}
    for path in (*_members(document, login), *(path for path in rules if path != "$")):
        named.setdefault(str(json_path.steps(path)[-1]).lower(), path)
    token = next((named[name] for name in TOKEN_NAMES if name in named), None)
    lifetime = next((named[name] for name in LIFETIMES if name in named), None)
    return Access(
        sign_in=call,
        save={"token": token or "$.token"},
        lifetime=lifetime,
        authorization={"Authorization": BEARER},
        sign_in_to_do=() if token else (_UNCHECKED,),
        authorization_to_do=to_do,
    )


def _members(document: OpenApiDocument, login: Operation) -> Iterator[str]:
    """The paths of members that the document describes in the answer to the sign-in, required or not."""
    responses = document.resolved(login.definition.get("responses"))
    for status, response in responses.items():
        found = document.resolved(response)
        content = found.get("content")
        for media_type in content.values() if str(status).startswith("2") and isinstance(content, dict) else ():
            yield from _paths(document, document.resolved(media_type).get("schema"), "$")


def _paths(document: OpenApiDocument, schema: object, where: str) -> Iterator[str]:
    properties = merged(document, schema).get("properties")
    for key, member in properties.items() if isinstance(properties, dict) else ():
        path = json_path.member(where, key)
        yield path
        if where == "$":
            yield from _paths(document, member, path)


def _has_secret(fields: Mapping[str, Any]) -> bool:
    return any(_has_secret(value) if isinstance(value, dict) else is_secret(name) for name, value in fields.items())
