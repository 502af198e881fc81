"""No secret and nothing personal is in a recording, in whatever way it is written; everything else is."""

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving_lab.api.profile_file import read_description
from serving_lab.recordings.tap_file import Tapped
from serving_lab.tap.bodies import Bodies
from serving_lab.tap.learned import Learned
from serving_lab.tap.pseudonyms import TOKEN_HEAD, Pseudonyms, is_pseudonym
from serving_lab.tap.surface import Surface, WithoutSecrets

from tap.running import answering, exactly, service, tapping

PASSWORD = "hunter2 & träumt"
OPAQUE = "0pAque-t0ken_of_alice.x/y+z=="
EMAIL = "alice.liddell@example.org"
PHONE = 4915112345678
DESCRIPTION = """
sign_in:
  request: {method: POST, path: /session, json: {login: "${env:WHO}", phrase: "${env:WHAT}"}}
  save: {ticket: $.ticket.value}
personal: [$.email, "$.contacts[*].phone", header X-User, query who, "path /people/{name}"]
requests:
  search: {request: {method: POST, path: "/search/${id}"}, repeatable: true}
values: {id: {unique: 3}}
"""


def token(subject: str, number: int = 0) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": subject, "n": number})
    head, claims = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{head}.{claims}.{base64.urlsafe_b64encode(f'{subject}{number}'.encode() * 4).decode().rstrip('=')}"


JWT = token("alice")


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    path = tmp_path / "api.yaml"
    path.write_text(DESCRIPTION)
    return Surface.of(read_description(path, WithoutSecrets()))


def request(target: str, *headers: str, body: bytes = b"", method: str = "POST", length: bool = True) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: x", *headers, *([f"Content-Length: {len(body)}"] if length else [])]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answer(body: bytes, *headers: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *headers, f"Content-Length: {len(body)}"]).encode() + b"\r\n\r\n" + body


JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"
BASIC = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
ESCAPED = "".join(f"\\u{ord(sign):04x}" for sign in JWT)
CHUNKS = b"".join(b"1\r\n" + bytes([octet]) + b"\r\n" for octet in f'{{"token": "{JWT}"}}'.encode()) + b"0\r\n\r\n"
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n'
    + PASSWORD.encode()
    + b'\r\n--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nkept\r\n--b--\r\n'
)


def packed(document: object) -> bytes:
    return gzip.compress(json.dumps(document).encode())


Secret = tuple[str, ...]
PLACES: dict[str, tuple[bytes, bytes, Secret]] = {
    "bearer": (request("/a", f"Authorization: Bearer {JWT}"), answer(b""), (JWT,)),
    "opaque bearer": (request("/a", f"authorization:bearer {OPAQUE}"), answer(b""), (OPAQUE,)),
    "no scheme": (request("/a", f"Authorization: {OPAQUE}"), answer(b""), (OPAQUE,)),
    "basic": (request("/a", f"Authorization: Basic {BASIC}"), answer(b""), (BASIC, PASSWORD)),
    "cookies": (
        request("/a", f"Cookie: theme=dark-blue-sky; sid={OPAQUE}"),
        answer(b"", f"Set-Cookie: sid=n3w-{OPAQUE}; Path=/; HttpOnly"),
        (OPAQUE,),
    ),
    "API keys": (
        request(f"/a?api_key={OPAQUE[:20]}", f"X-API-Key: k-{OPAQUE}", f"X-Auth-Token: {OPAQUE}"),
        answer(b""),
        (OPAQUE, OPAQUE[:20]),
    ),
    "a token in a query, dots encoded": (request(f"/a?t={JWT.replace('.', '%2E')}"), answer(b""), (JWT,)),
    "a token in a path": (request(f"/confirm/{JWT}"), answer(b""), (JWT,)),
    "a user in a URL": (request("/a", f"Referer: https://alice:{quote(OPAQUE, safe='')}@x/"), answer(b""), (OPAQUE,)),
    "an OAuth redirect": (
        request("/a"),
        answer(b"", f"Location: https://x/back?code={OPAQUE[:18]}&state=1"),
        (OPAQUE[:18],),
    ),
    "a sign-in": (
        request("/session", JSON, body=json.dumps({"login": EMAIL, "phrase": PASSWORD}).encode()),
        answer(json.dumps({"ticket": {"value": OPAQUE}}).encode(), JSON),
        (EMAIL, PASSWORD, OPAQUE),
    ),
    "a password in JSON": (
        request("/users", JSON, body=json.dumps({"user": {"newPassword": PASSWORD, "pin": "112233"}}).encode()),
        answer(json.dumps({"clientSecret": OPAQUE}).encode(), JSON),
        (PASSWORD, "112233", OPAQUE),
    ),
    "a key that is escaped": (
        request("/a", JSON, body=b'{"pass\\u0077ord": "' + OPAQUE.encode() + b'"}'),
        answer(b""),
        (OPAQUE,),
    ),
    "a token that is escaped": (
        request("/a", JSON, body=f'{{"x": "{ESCAPED}"}}'.encode()),
        answer(b""),
        (JWT, ESCAPED),
    ),
    "a form": (
        request("/a", FORM, body=f"a=1&password={quote_plus(PASSWORD)}&next={quote(f'/x?t={JWT}', safe='')}".encode()),
        answer(b""),
        (PASSWORD, JWT),
    ),
    "parts": (
        request("/a", "Content-Type: multipart/form-data; boundary=b", body=MULTIPART),
        answer(b""),
        (PASSWORD,),
    ),
    "chunks": (request("/a", JSON, "Transfer-Encoding: chunked", body=CHUNKS, length=False), answer(b""), (JWT,)),
    "gzip": (
        request("/a", JSON, "Content-Encoding: gzip", body=packed({"secret": OPAQUE})),
        answer(packed({"token": JWT}), JSON, "Content-Encoding: gzip"),
        (OPAQUE, JWT),
    ),
    "deflate": (
        request("/a"),
        answer(zlib.compress(json.dumps({"token": JWT}).encode()), JSON, "Content-Encoding: deflate"),
        (JWT,),
    ),
    "a packing that cannot be read": (request("/a"), answer(JWT.encode(), "Content-Encoding: x-own"), (JWT,)),
    "numbers": (
        request("/a", JSON, body=b'{"pin": 481516, "user": {"otp": 234299}}'),
        answer(b""),
        ("481516", "234299"),
    ),
    "a stream of events": (
        request("/a"),
        answer(
            f'event: x\ndata: {{"it\'s": 1, "access_token": "{OPAQUE}"}}\n\n'.encode(),
            "Content-Type: text/event-stream",
        ),
        (OPAQUE,),
    ),
    "XML": (
        request("/a", body=f"<a:x><b:Password type='t'>{PASSWORD.replace('&', '&amp;')}</b:Password></a:x>".encode()),
        answer(f"<html><input type=hidden name='csrf_token' value='{OPAQUE}'></html>".encode()),
        (PASSWORD.partition(" ")[0], OPAQUE),
    ),
    "a text in UTF-16": (
        request("/a"),
        answer(f'{{"token": "{JWT}"}}'.encode("utf-16"), "Content-Type: application/json; charset=utf-16"),
        (JWT, JWT.encode("utf-16-le").decode("latin-1")),
    ),
    "what is marked personal": (
        request(
            f"/people/{quote('Alice Liddell')}?who={quote_plus('Ms Liddell')}",
            "X-User: liddell-7",
            JSON,
            body=json.dumps({"email": EMAIL, "contacts": [{"phone": PHONE}, {"phone": "+44 1865 276 150"}]}).encode(),
        ),
        answer(json.dumps({"email": EMAIL, "greeting": f"Hello {EMAIL}!"}).encode(), JSON),
        (EMAIL, str(PHONE), "1865", "Liddell", "liddell-7"),
    ),
    "a secret that comes back elsewhere": (
        request("/a", f"Authorization: Bearer {OPAQUE}"),
        answer(f"<a href='/logout?x={quote(OPAQUE, safe='')}'>{OPAQUE}</a>".encode(), "Content-Type: text/html"),
        (OPAQUE,),
    ),
    "addresses of people": (request("/a", "X-Forwarded-For: 198.51.100.23, 10.0.0.1"), answer(b""), ("198.51.100.23",)),
}
WAYS: tuple[Callable[[str], str], ...] = (
    str,
    quote,
    quote_plus,
    lambda value: quote(value, safe=""),
    lambda value: json.dumps(value)[1:-1],
    lambda value: base64.b64encode(value.encode()).decode().rstrip("=")[:-2],
)


@pytest.mark.service
@pytest.mark.parametrize("name", PLACES)
def test_no_secret_is_in_the_file(name: str, surface: Surface, tmp_path: Path) -> None:
    asked, answered, values = PLACES[name]
    with service(answering(answered)) as primary, tapping(primary.endpoint, tmp_path, surface=surface) as tap:
        with tap.connect() as client:
            for octet in asked[:-1]:
                client.send(bytes([octet]))  # split at every place
            client.send(asked[-1:])
            assert exactly(client, len(answered)) == answered
            client.sendall(asked)
            assert exactly(client, len(answered)) == answered
        recorded = tap.recorded()

    assert len(recorded) == 2
    content = tap.record.read_bytes()
    for value in values:
        for way in WAYS:
            assert way(value).encode("utf-8", "replace") not in content, (value, recorded)
    assert_consistent(*recorded)


def assert_consistent(first: Tapped, second: Tapped) -> None:
    assert first.session == second.session
    assert first.request == second.request
    assert first.primary.headers == second.primary.headers
    assert first.primary.body == second.primary.body


@pytest.mark.service
def test_what_is_no_secret_is_kept(surface: Surface, tmp_path: Path) -> None:
    body = b'{"token_type":  "bearer", "features": [1.50, -2e3], "max_tokens": 5, "note": "caf\xc3\xa9"}'
    asked = request("/predict?page=2&q=a+b", "X-Request-ID: 4f-1", "User-Agent: x/1 (y; z=1)", JSON, body=body)
    answered = answer(body, JSON, "WWW-Authenticate: Bearer")
    with service(answering(answered)) as primary, tapping(primary.endpoint, tmp_path, surface=surface) as tap:
        tap.ask(asked, answered)
        (recorded,) = tap.recorded()

    assert recorded.request.target == "/predict?page=2&q=a+b"
    assert dict(recorded.request.headers)["X-Request-ID"] == "4f-1"
    assert dict(recorded.request.headers)["User-Agent"] == "x/1 (y; z=1)"
    assert dict(recorded.primary.headers)["WWW-Authenticate"] == "Bearer"
    assert recorded.request.body == recorded.primary.body == body


def test_a_token_stays_a_token_and_who_has_several_stays_one_person() -> None:
    pseudonyms = Pseudonyms()
    first, second, other = (pseudonyms.of(each) for each in (token("alice", 1), token("alice", 2), token("bob")))

    assert is_pseudonym(first)
    assert [len(each.split(".")) for each in (first, second, other)] == [3, 3, 3]
    assert len({first, second, other}) == 3
    assert pseudonyms.user(token("alice", 1)) == pseudonyms.user(token("alice", 2)) != pseudonyms.user(token("bob"))
    assert pseudonyms.of(first) == first
    assert first.startswith(TOKEN_HEAD)


KINDS = (str.isdigit, str.isalpha, str.isupper)


@pytest.mark.parametrize("value", ["Alice-77", "alice@example.org", "+49 151 1234567", "x", "Ünïcode", "a" * 5000])
def test_a_pseudonym_has_the_form_of_what_it_stands_for(value: str) -> None:
    found, other = Pseudonyms().of(value), Pseudonyms().of(value)

    assert found != value
    assert found != other or len(value) < 3
    assert len(found) == max(8, min(len(value), 4096))
    for sign, stands in zip(value, found, strict=False):
        assert [kind(sign) for kind in KINDS] == [kind(stands) for kind in KINDS]


def test_numbers_stay_numbers() -> None:
    pseudonyms = Pseudonyms()

    assert len(pseudonyms.number("4915112345678")) == 13
    assert len(pseudonyms.number("-7.5")) == 6
    assert pseudonyms.number("17") == pseudonyms.number("17") != pseudonyms.number("18")


@settings(deadline=None)
@given(secret=st.text(min_size=8, max_size=40), ascii_only=st.booleans(), indent=st.sampled_from([None, 1]))
def test_any_text_is_replaced_in_json_and_nothing_else_is(secret: str, ascii_only: bool, indent: int | None) -> None:
    known = Surface(json_paths=frozenset({("who", "*", "name")}))
    bodies = Bodies(Pseudonyms(), Learned(Pseudonyms()), known)
    document = {"n": [1, {"a": "kept"}], "who": [{"name": secret}], "secret": secret, "last": None}
    written = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")

    cleaned = json.loads(bodies.cleaned(written, "application/json", secret=False, saved=False, cut=False))

    assert cleaned["who"][0]["name"] == cleaned["secret"] != secret
    assert {**cleaned, "who": 0, "secret": 0} == {**document, "who": 0, "secret": 0}


@pytest.mark.service
def test_who_sends_is_told_by_what_the_description_calls_authorization(tmp_path: Path) -> None:
    path = tmp_path / "api.yaml"
    path.write_text("sign_in: {request: {path: /login}, save: {t: $.t}}\nauthorization: {X-Ticket: '${t}'}\n")
    known = Surface.of(read_description(path, WithoutSecrets()))
    answered = answer(b"")
    with service(answering(answered)) as primary, tapping(primary.endpoint, tmp_path, surface=known) as tap:
        for ticket in ("of-alice-111", "of-alice-111", "of-bob-222222"):
            tap.ask(request("/a", f"X-Ticket: {ticket}"), answered)
        first, second, other = (each.session for each in tap.recorded())

    assert first == second != other
    assert b"of-alice-111" not in tap.record.read_bytes()


def test_signs_that_may_be_part_of_a_password_are_not_kept() -> None:
    assert not set("!$%^&*") & set(Pseudonyms().of("correct!$%^&*horse"))
    assert "-" not in Pseudonyms().of("a-b-c-d-")
