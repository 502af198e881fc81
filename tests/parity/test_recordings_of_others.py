"""Recordings as browsers and proxies write them: what is odd in them costs no more than itself, and is told."""

import base64
import gzip
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Request
from serving_lab.api.request_form import RequestForm
from serving_lab.errors import LabError
from serving_lab.parity.inputs.recorded import Recording, read_har, read_log
from serving_lab.recordings.har import HarForm

BASE = "https://api.example.org"
AUTHORIZATION = (("Authorization", "Bearer ${token}"),)


def entry(
    method: str = "GET",
    url: str = f"{BASE}/a",
    headers: Iterable[tuple[str, str | None]] = (),
    **parts: object,
) -> dict[str, Any]:
    """An entry; a body belongs to the request, all else beside it."""
    written = [{"name": name, "value": value} for name, value in headers]
    body: dict[str, object] = {key: parts.pop(key) for key in ("postData", "bodySize") if key in parts}
    request: dict[str, object] = {"method": method, "url": url, "headers": written, **body}
    return {"request": request, "response": {"status": 200}} | parts


def posted(text: str, *headers: tuple[str, str], **data: object) -> dict[str, Any]:
    return entry("POST", headers=headers, postData={"mimeType": "text/plain", "text": text} | data)


def read(tmp_path: Path, *entries: object, form: HarForm | None = None, signed_in: bool = False) -> Recording:
    path = tmp_path / "x.har"
    path.write_text(json.dumps({"log": {"entries": entries}}))
    return read_har(path, form, AUTHORIZATION if signed_in else ())


def sent(recording: Recording) -> list[Request]:
    return [case.request for case in recording.cases if isinstance(case.request, Request)]


class TestCredentials:
    def test_none_in_the_file_is_told_with_the_setting_that_adds_them(self, tmp_path: Path) -> None:
        entries = entry(), entry("POST", headers=[("X-CSRF-Token", "1")])
        recording = read(tmp_path, *entries, signed_in=True)

        (warning,) = recording.warnings
        assert "none of its 2 requests has credentials" in warning
        assert "har: {signed_in: all} in the profile" in warning

    def test_the_setting_signs_all_in_but_for_preflights(self, tmp_path: Path) -> None:
        preflight = entry("OPTIONS", headers=[("Access-Control-Request-Method", "PUT")])
        recording = read(tmp_path, entry(), preflight, form=HarForm(signed_in="all"), signed_in=True)

        assert [request.header("Authorization") for request in sent(recording)] == ["Bearer ${token}", None]
        assert recording.warnings == ()

    def test_a_user_in_an_address_is_never_shown_and_makes_no_origin(self, tmp_path: Path) -> None:
        own = entry(url="https://me:p@ss@API.example.org:443/a")
        recording = read(tmp_path, entry(), own, form=HarForm(base="https://me:secret@api.example.org/"))

        assert [request.target for request in sent(recording)] == ["/a", "/a"]
        assert "1 requests were signed in when recorded" in recording.warnings[0]
        assert "secret" not in repr(recording)
        assert "p@ss" not in repr(recording)
        assert len(read(tmp_path, entry(), own).cases) == 2
        assert sent(read(tmp_path, own, signed_in=True))[0].header("Authorization") == "Bearer ${token}"

    def test_errors_show_none_either(self, tmp_path: Path) -> None:
        with pytest.raises(LabError) as other:
            read(tmp_path, entry(), entry(url="https://me:secret@x.example/"))
        with pytest.raises(LabError) as below:
            read(tmp_path, entry(), form=HarForm(base="https://me:secret@x.example/"))
        with pytest.raises(LabError) as primary:
            Endpoint.parse("https://me:secret@x.example/")

        assert "secret" not in f"{other.value}{other.value.hint}{below.value}{below.value.hint}{primary.value}"


class TestBodies:
    @pytest.mark.parametrize(
        "missing",
        [
            entry("POST", headers=[("content-length", "77")]),
            entry("POST", headers=[("Content-Length", "77")], postData={"mimeType": "text/plain", "text": ""}),
            entry("POST", bodySize=77),
            entry("DELETE", bodySize=2, postData={"mimeType": "", "params": None}),
            posted("half", ("Content-Length", "8")),
        ],
    )
    def test_what_the_export_left_out_is_left_out_and_told(self, tmp_path: Path, missing: dict[str, Any]) -> None:
        recording = read(tmp_path, entry(), missing)

        assert len(recording.cases) == 1
        assert "entry 2 cannot be sent again: the recording does not contain" in recording.warnings[0]

    @pytest.mark.parametrize("empty", [entry("POST", headers=[("Content-Length", "0")]), entry("POST", bodySize=-1)])
    def test_no_body_at_all_is_none(self, tmp_path: Path, empty: dict[str, Any]) -> None:
        recording = read(tmp_path, empty)

        assert (sent(recording)[0].body, recording.warnings) == (b"", ())

    @pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd", "GZIP"])
    def test_text_that_is_unpacked_loses_the_header_that_says_otherwise(self, tmp_path: Path, coding: str) -> None:
        (request,) = sent(read(tmp_path, posted("plain", ("Content-Encoding", coding), ("Content-Length", "99"))))

        assert (request.header("Content-Encoding"), request.body) == (None, b"plain")

    def test_bytes_that_are_packed_keep_it(self, tmp_path: Path) -> None:
        packed = gzip.compress(b"plain")
        text = base64.b64encode(packed).decode()
        (request,) = sent(read(tmp_path, posted(text, ("Content-Encoding", "gzip"), encoding="base64")))

        assert (request.header("Content-Encoding"), request.body) == ("gzip", packed)

    def test_text_is_encoded_as_long_as_it_was(self, tmp_path: Path) -> None:
        (request,) = sent(read(tmp_path, posted("é", ("Content-Length", "1"))))

        assert request.body == b"\xe9"


class TestOddEntries:
    @pytest.mark.parametrize(
        ("odd", "why"),
        [
            (posted("\ud800"), "half a character"),
            (entry(url=f"{BASE}/\ud800"), "half a character"),
            (entry(headers=[("X", "\udc80")]), "half a character"),
            (entry(headers=[("X", None)]), "Expected `str`, got `null`"),
            ({"request": {"method": "GET", "url": BASE, "headers": None}}, "Expected `array`, got `null`"),
            ({"response": {}}, "it has no request"),
            ({"request": None}, "it has no request"),
            ("x", "it has no request"),
            (None, "it has no request"),
            ({"request": {"url": f"{BASE}/"}}, "missing required field `method`"),
        ],
    )
    def test_one_is_lost_alone_and_told_by_its_number(self, tmp_path: Path, odd: object, why: str) -> None:
        recording = read(tmp_path, entry(), odd, entry())

        assert len(recording.cases) == 2
        (warning,) = recording.warnings
        assert "entry 2 cannot be sent again: " in warning
        assert why in warning

    def test_many_of_a_kind_are_told_once(self, tmp_path: Path) -> None:
        (warning,) = read(tmp_path, entry(), *[{}] * 5).warnings

        assert warning.endswith("entry 2, entry 3, entry 4 and 2 more cannot be sent again: it has no request")


class TestWhatIsNoRequest:
    @pytest.mark.parametrize(
        ("other", "told"),
        [
            (entry(_resourceType="websocket"), "1 handshakes of WebSockets"),
            (entry(response={"status": 101}), "1 handshakes of WebSockets"),
            (entry(headers=[("Upgrade", "WebSocket")]), "1 handshakes of WebSockets"),
            (entry("CONNECT"), "1 tunnels through a proxy"),
            (entry(_fromCache="disk"), "1 answered from a cache"),
            (entry(_fetchType="Memory Cache"), "1 answered from a cache"),
            (entry(cache={"afterRequest": {"hitCount": 1}}), "1 answered from a cache"),
            (entry(response={"status": 0}), "1 aborted"),
            (entry(response={"status": 200, "_error": "net::ERR_ABORTED"}), "1 aborted"),
            (entry(response={"status": -1}), "1 aborted"),
        ],
    )
    def test_it_is_left_out_and_counted(self, tmp_path: Path, other: dict[str, Any], told: str) -> None:
        recording = read(tmp_path, entry(), other)

        assert len(recording.cases) == 1
        assert recording.warnings[0].endswith(f"left out: {told}")

    @pytest.mark.parametrize(
        "plain", [{"cache": {"afterRequest": None}}, {"_fetchType": "Network Load"}, {"response": None}]
    )
    def test_what_only_looks_like_it_is_sent(self, tmp_path: Path, plain: dict[str, Any]) -> None:
        assert len(read(tmp_path, entry(**plain)).cases) == 1

    def test_nothing_but_that_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(LabError, match="left out: 1 aborted"):
            read(tmp_path, entry(response={"status": 0}))


class TestPacked:
    CONTENT = json.dumps({"log": {"entries": [entry()]}}).encode()

    @pytest.mark.parametrize("level", [1, 6, 9])
    def test_a_zhar_of_mitmproxy_is_read(self, tmp_path: Path, level: int) -> None:
        path = tmp_path / "x.zhar"
        path.write_bytes(zlib.compress(self.CONTENT, level))

        assert len(read_har(path).cases) == 1

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (zlib.compress(CONTENT)[:-20], "is a damaged zlib file"),
            (gzip.compress(CONTENT, mtime=0)[:-20], "is a damaged gzip file"),
            (b"PK\x03\x04...", "is packed with zip"),
            (b"\x28\xb5\x2f\xfd...", "is packed with zstd"),
            (b"[" * 100_000, "nested too deeply"),
        ],
    )
    def test_what_is_not_read_is_named(self, tmp_path: Path, content: bytes, told: str) -> None:
        path = tmp_path / "x.har"
        path.write_bytes(content)

        with pytest.raises(LabError, match=told):
            read_har(path)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "[1, NaN]", '{"a": [NaN]}'])
def test_numbers_that_are_none_are_left_out_of_a_log_and_told(tmp_path: Path, number: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(f'{{"x": 1, "y": NaN}}\n{{"x": {number}}}\n')

    recording = read_log(path, RequestForm(method="POST", path="/p", json={"x": "${line:$.x}"}))

    assert [request.body for request in sent(recording)] == [b'{"x": 1}']
    assert "1 of 2 lines give no request (line 2: $.x has NaN or Infinity" in recording.warnings[0]
