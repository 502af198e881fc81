"""Which origins are the same, however they are written."""

import pytest
from serving_core.http.cors import Cors

SAME = [
    ("https://app.example.org", "app.example.org"),
    ("https://app.example.org", "app.example.org:443"),
    ("https://app.example.org", "app.example.org:"),
    ("https://app.example.org:443", "app.example.org"),
    ("https://app.example.org", "APP.Example.ORG"),
    ("HTTPS://App.Example.Org", "app.example.org:0443"),
    ("http://app.example.org", "app.example.org:80"),
    ("http://app.example.org:80", "app.example.org"),
    ("https://app.example.org:8443", "app.example.org:8443"),
    ("http://app.example.org:443", "app.example.org:443"),
    ("wss://app.example.org", "app.example.org:443"),
    ("ws://app.example.org", "app.example.org:80"),
    ("https://app.example.org.", "app.example.org"),
    ("https://app.example.org", "app.example.org."),
    ("https://xn--bcher-kva.example", "XN--BCHER-KVA.example:443"),
    ("http://[::1]:8000", "[::1]:8000"),
    ("http://[::1]", "[0:0:0:0:0:0:0:1]:80"),
    ("https://[2001:DB8::A]", "[2001:db8::a]:443"),
    ("http://127.0.0.1:8000", "127.0.0.1:8000"),
    ("http://localhost:8000", "LOCALHOST:8000"),
]
OTHERS = [
    ("https://app.example.org", "app.example.org:80"),
    ("http://app.example.org", "app.example.org:443"),
    ("https://app.example.org:8443", "app.example.org"),
    ("https://app.example.org", "app.example.org:8443"),
    ("https://app.example.org.evil.example", "app.example.org"),
    ("https://evil.example", "app.example.org"),
    ("https://sub.app.example.org", "app.example.org"),
    ("https://app.example.org..", "app.example.org"),
    ("https://app.example.org/", "app.example.org"),
    ("https://user@app.example.org", "app.example.org"),
    ("https://app.example.org@evil.example", "app.example.org"),
    ("https://evil.example,https://app.example.org", "app.example.org"),
    ("https://app.example.org", "app.example.org,evil.example"),
    ("https://app.example.org:443:443", "app.example.org"),
    ("https://app.example.org:99999999", "app.example.org:99999999"),
    ("http://[::1]", "[::2]"),
    ("http://[::1", "[::1"),
    ("http://[1]", "[1]"),
    ("http://::1", "[::1]"),
    ("ftp://app.example.org", "app.example.org"),
    ("file://", ""),
    ("null", "null"),
    ("app.example.org", "app.example.org"),
    ("https://", ""),
    ("https:// ", " "),
    ("", ""),
    ("https://app.example.org", None),
]


@pytest.mark.parametrize(("origin", "host"), SAME)
def test_a_page_of_the_host_may_open_a_websocket(origin: str, host: str) -> None:
    assert Cors(frozenset()).admits_handshake(origin, host)


@pytest.mark.parametrize(("origin", "host"), OTHERS)
def test_a_page_of_another_host_may_not(origin: str, host: str | None) -> None:
    assert not Cors(frozenset({"https://one.example"})).admits_handshake(origin, host)


@pytest.mark.parametrize("setting", ["https://app.example.org", "https://app.example.org:443"])
@pytest.mark.parametrize("origin", ["https://app.example.org", "https://APP.example.org:443", "wss://app.example.org."])
def test_an_allowed_origin_may_be_written_otherwise(setting: str, origin: str) -> None:
    cors = Cors(frozenset({setting}))

    assert cors.response_headers(origin)["Access-Control-Allow-Origin"] == origin
    assert cors.preflight_headers(origin, "GET", {"GET"})
    assert cors.admits_handshake(origin, "elsewhere.example")


@pytest.mark.parametrize("origin", ["http://app.example.org", "https://app.example.org:444", "null", "", "*", None])
def test_another_origin_is_not_allowed(origin: str | None) -> None:
    cors = Cors(frozenset({"https://app.example.org"}))

    assert cors.response_headers(origin) == {"Vary": "Origin"}
    assert cors.preflight_headers(origin, "GET", {"GET"}) is None
