"""Small changes to a request: what clients get wrong, and what two services read differently."""

import random
import string
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

from serving_lab.api.request import Header, Request
from serving_lab.parity.generation import edge_values, jsontext, mutate_json

_TOKEN_LETTERS = string.ascii_letters + string.digits + "-_.!~"
_SHARE_PADDED = 0.1
_FIELD_LETTERS = "".join(map(chr, (*range(32, 127), *range(160, 256))))

_Mutation = Callable[[Request, random.Random], Request]


def mutated(request: Request, rng: random.Random) -> Request:
    """The request with one change, seldom with more; not yet made well-formed."""
    for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
        request = rng.choices(_MUTATIONS, _WEIGHTS[bool(request.body)])[0](request, rng)
    return request


def authorization_spoiled(headers: tuple[Header, ...], rng: random.Random) -> tuple[Header, ...]:
    """What signs a request in, in a form that may not."""
    if not headers:
        return ()
    name, value = rng.choice(headers)
    scheme, _, credentials = value.rpartition(" ")
    spoiled = rng.choice(
        (
            value + "x",
            value[:-1] if not value.endswith("}") else f"x{value}",
            credentials,
            scheme,
            "",
            f"{scheme.lower()} {credentials}",
            f"{scheme.upper()}  {credentials}",
            f"{scheme}\t{credentials}",
            f"Basic {credentials}",
            f"{value}, {value}",
            f"{value} {credentials}",
            f'{scheme} "{credentials}"',
            f"{credentials} {scheme}",
            "Bearer a.b.c",
            "é",
        )
    )
    return (*(header for header in headers if header != (name, value)), (name, spoiled))


def _json(request: Request, rng: random.Random) -> Request:
    try:
        value = jsontext.read(request.body)
    except ValueError:
        return _bytes(request, rng)
    return replace(request, body=jsontext.write(mutate_json.mutated(value, rng)))


def _bytes(request: Request, rng: random.Random) -> Request:
    body = request.body
    here = rng.randrange(len(body) + 1)
    head, tail = body[:here], body[here:]
    inserted = rng.choice(edge_values.BYTES)
    changed = (
        head,
        head + tail[rng.choice((1, 1, 2, 8)) :],
        head + rng.randbytes(1) + tail,
        head + inserted + tail,
        inserted + body,
        body + inserted,
        body + body,
        body.replace(b'"', b"'"),
        body.replace(b", ", b",").replace(b": ", b":"),
        body.replace(b",", b"," + inserted, 1),
        body.decode("utf-8", "replace").encode(rng.choice(edge_values.ENCODINGS), "replace"),
        rng.choice(edge_values.BODIES),
        body + b" " * (rng.choice(edge_values.PADDING_BYTES) if rng.random() < _SHARE_PADDED else 1),
    )
    return replace(request, body=rng.choice(changed))


def _content_type(request: Request, rng: random.Random) -> Request:
    given = tuple(header for header in request.headers if header[0].lower() == "content-type")
    others = tuple(header for header in request.headers if header not in given)
    kind = rng.randrange(8)
    if kind == 0:
        return replace(request, headers=others)
    if kind == 1:
        return replace(request, headers=(*others, *((name.lower(), value.upper()) for name, value in given)))
    return replace(request, headers=(*others, ("Content-Type", rng.choice(edge_values.CONTENT_TYPES))))


def _authorization(request: Request, rng: random.Random) -> Request:
    signed = tuple(header for header in request.headers if "${" in header[1] or header[0].lower() == "authorization")
    others = tuple(header for header in request.headers if header not in signed)
    return replace(request, headers=(*others, *(authorization_spoiled(signed, rng) if rng.random() < 0.8 else ())))


def _header(request: Request, rng: random.Random) -> Request:
    headers = list(request.headers)
    kind = rng.randrange(5)
    if kind == 0 and headers:
        name, value = headers.pop(rng.randrange(len(headers)))
        headers.append((rng.choice((name.lower(), name.upper(), name.replace("-", "_"), f"X-{name}")), value))
    elif kind == 1:
        name = "".join(rng.choices(_TOKEN_LETTERS, k=rng.randint(1, 12)))
        headers.append((name, "".join(rng.choices(_FIELD_LETTERS, k=rng.randint(0, 20)))))
    elif kind == 2:
        rng.shuffle(headers)
    else:
        headers.append(rng.choice(edge_values.HEADERS))
    return replace(request, headers=tuple(headers))


def _query(request: Request, rng: random.Random) -> Request:
    path, _, query = request.target.partition("?")
    if query and rng.random() < 0.7:
        parts = query.split("&")
        index = rng.randrange(len(parts))
        name, _, value = parts[index].partition("=")
        changed = (name, f"{name}=", f"{name}={value}&{name}=x", f"{name}[]={value}", f"{name.upper()}={value}", "")
        others = (f"{name}={quote(mutate_json.text(rng), errors='replace')}" for _ in changed)
        parts[index] = rng.choice((*changed, *others))
        return replace(request, target=f"{path}?{'&'.join(parts)}")
    return replace(request, target=f"{request.target}{'&' if query else '?'}{rng.choice(edge_values.QUERIES)}")


def _path(request: Request, rng: random.Random) -> Request:
    path, mark, query = request.target.partition("?")
    here = rng.randrange(len(path) + 1)
    head, letter, tail = path[:here], path[here : here + 1] or "x", path[here + 1 :]
    changed = (
        *(f"{path}{suffix}" for suffix in edge_values.PATH_SUFFIXES),
        *(f"/{path}", f"/.{path}", path[:-1], path.upper(), path.rpartition("/")[0], path.replace("/", "//", 1)),
        *(f"{head}{middle}{tail}" for middle in (f"%{ord(letter) & 0xFF:02x}", letter.swapcase(), "", "/", "%2F")),
    )
    return replace(request, target=f"{rng.choice(changed)}{mark}{query}")


def _method(request: Request, rng: random.Random) -> Request:
    return replace(request, method=rng.choice(edge_values.METHODS))


def _chunked(request: Request, _: random.Random) -> Request:
    return replace(request, chunked=not request.chunked)


_MUTATIONS: tuple[_Mutation, ...] = (
    _json,
    _bytes,
    _content_type,
    _authorization,
    _header,
    _query,
    _path,
    _method,
    _chunked,
)
_WEIGHTS = {True: (62, 10, 6, 4, 6, 3, 3, 4, 4), False: (0, 2, 3, 12, 25, 15, 20, 20, 5)}
