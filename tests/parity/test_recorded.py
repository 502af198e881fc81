"""Recorded traffic: what of it is sent again, what must not be, and what a person is told of the rest."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from made.tapped import side, tapped
from serving_lab.api.request import Request
from serving_lab.api.request_form import RequestForm
from serving_lab.errors import LabError
from serving_lab.parity.cases import Source
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.inputs.recorded import Recording, read_har, read_log, read_tapped
from serving_lab.recordings import tap_file
from serving_lab.recordings.har import HarForm
from serving_lab.recordings.tap_file import MAGIC, Head, Tapped

BASE = "https://api.example.org"
AUTHORIZATION = (("Authorization", "Bearer ${token}"),)


def entry(
    method: str = "GET", url: str = f"{BASE}/orders", *headers: tuple[str, str], **post_data: object
) -> dict[str, Any]:
    """A HAR entry, with what browsers write beside the request."""
    request: dict[str, Any] = {
        "method": method,
        "url": url,
        "httpVersion": "HTTP/2",
        "headers": [{"name": name, "value": value} for name, value in headers],
        "queryString": [],
        "cookies": [],
        "headersSize": -1,
        "bodySize": -1,
    }
    if post_data:
        request["postData"] = post_data
    return {"startedDateTime": "2026-01-01T00:00:00Z", "time": 1.5, "request": request, "response": {"status": 200}}


def har(tmp_path: Path, *entries: dict[str, Any]) -> Path:
    """A HAR file of these entries."""
    path = tmp_path / "shop.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "creator": {"name": "a browser"}, "entries": entries}}))
    return path


def read(tmp_path: Path, *entries: dict[str, Any], form: HarForm | None = None) -> Recording:
    """Read a HAR file of these entries."""
    return read_har(har(tmp_path, *entries), form, AUTHORIZATION)


def only(tmp_path: Path, entry: dict[str, Any]) -> Request:
    """The request of a HAR file of one entry."""
    (case,) = read(tmp_path, entry).cases
    assert isinstance(case.request, Request)
    return case.request


class TestHar:
    def test_a_request_is_a_case_that_is_called_by_its_place(self, tmp_path: Path) -> None:
        recording = read_har(har(tmp_path, entry(), entry("POST", f"{BASE}/a%20b?q=é&token=secret#top")))

        assert [case.name for case in recording.cases] == [
            "shop.har entry 1: GET /orders",
            "shop.har entry 2: POST /a%20b",
        ]
        assert {case.source for case in recording.cases} == {Source.RECORDED}
        assert [case.request for case in recording.cases] == [
            Request("GET", "/orders"),
            Request("POST", "/a%20b?q=%C3%A9&token=secret"),
        ]
        assert recording.warnings == ()

    def test_headers_are_kept_but_for_those_of_the_connection(self, tmp_path: Path) -> None:
        request = only(
            tmp_path,
            entry(
                "GET",
                f"{BASE}/",
                (":authority", "api.example.org"),
                ("Host", "api.example.org"),
                ("Connection", "keep-alive, X-Hop"),
                ("Keep-Alive", "timeout=5"),
                ("X-Hop", "1"),
                ("Content-Length", "0"),
                ("Transfer-Encoding", "chunked"),
                ("Upgrade", "h2c"),
                ("Accept", "application/json"),
                ("X-Name", "Zoë"),
                ("X-Other", "Я"),
            ),
        )

        assert request.headers == (("Accept", "application/json"), ("X-Name", "Zo\xeb"), ("X-Other", "\xd0\xaf"))

    def test_what_hangs_on_earlier_answers_is_left_out(self, tmp_path: Path) -> None:
        request = only(
            tmp_path,
            entry("GET", f"{BASE}/", ("If-None-Match", '"1"'), ("accept-encoding", "br"), ("X-CSRF-Token", "1")),
        )

        assert all(name == "Authorization" for name, _ in request.headers)

    @pytest.mark.parametrize("name", ["Authorization", "authorization", "Cookie", "Proxy-Authorization"])
    def test_recorded_credentials_are_replaced_by_the_profiles(self, tmp_path: Path, name: str) -> None:
        recording = read(tmp_path, entry("GET", f"{BASE}/", (name, "recorded secret")))

        assert recording.cases[0].request == Request("GET", "/", AUTHORIZATION)
        assert "recorded secret" not in repr(recording)

    def test_a_header_of_the_profiles_own_is_replaced_too(self, tmp_path: Path) -> None:
        path = har(tmp_path, entry("GET", f"{BASE}/", ("x-api-key", "recorded secret")))

        recording = read_har(path, authorization=(("X-API-Key", "${key}"),))

        assert recording.cases[0].request == Request("GET", "/", (("X-API-Key", "${key}"),))

    def test_who_was_not_signed_in_is_not(self, tmp_path: Path) -> None:
        assert only(tmp_path, entry()).headers == ()

    def test_credentials_that_nothing_replaces_are_told_and_not_shown(self, tmp_path: Path) -> None:
        recording = read_har(har(tmp_path, entry("GET", f"{BASE}/", ("Authorization", "recorded secret"))))

        assert recording.cases[0].request == Request("GET", "/")
        assert "1 requests were signed in when recorded" in recording.warnings[0]
        assert "recorded secret" not in repr(recording)

    def test_a_body_of_text(self, tmp_path: Path) -> None:
        request = only(tmp_path, entry("POST", f"{BASE}/", mimeType="application/json", text='{"a": "é"}'))

        assert request.body == '{"a": "é"}'.encode()
        assert request.headers == (("Content-Type", "application/json"),)

    def test_a_body_in_another_charset(self, tmp_path: Path) -> None:
        content_type = ("Content-Type", "text/plain; charset=ISO-8859-1")

        request = only(tmp_path, entry("POST", f"{BASE}/", content_type, mimeType="text/plain", text="é"))

        assert (request.headers, request.body) == ((content_type,), b"\xe9")

    def test_a_body_of_bytes(self, tmp_path: Path) -> None:
        text = base64.b64encode(b"\x00\xff").decode()

        assert only(tmp_path, entry("POST", f"{BASE}/", text=text, encoding="base64")).body == b"\x00\xff"

    def test_a_form(self, tmp_path: Path) -> None:
        params = [{"name": "a b", "value": "é&"}, {"name": "c"}]

        request = only(tmp_path, entry("POST", f"{BASE}/", mimeType="application/x-www-form-urlencoded", params=params))

        assert request.body == b"a+b=%C3%A9%26&c="

    def test_a_form_of_parts(self, tmp_path: Path) -> None:
        params = [{"name": "a", "value": "1"}, {"name": "b", "value": "x", "fileName": "b.txt"}]

        request = only(tmp_path, entry("POST", f"{BASE}/", mimeType="multipart/form-data; boundary=cut", params=params))

        assert request.body == (
            b'--cut\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
            b'--cut\r\nContent-Disposition: form-data; name="b"; filename="b.txt"\r\n\r\nx\r\n--cut--\r\n'
        )

    def test_a_file_that_was_not_recorded_is_told(self, tmp_path: Path) -> None:
        params = [{"name": "photo", "fileName": "me.jpg"}]
        upload = entry("POST", f"{BASE}/", mimeType="multipart/form-data; boundary=cut", params=params)

        recording = read(tmp_path, entry(), upload)

        assert len(recording.cases) == 1
        assert "entry 2 cannot be sent again: the recording does not contain the file 'photo'" in recording.warnings[0]

    def test_only_what_is_below_the_base_is_meant(self, tmp_path: Path) -> None:
        recording = read(
            tmp_path,
            entry("GET", "https://API.example.org/v1/orders?x=1"),
            entry("GET", "https://api.example.org/v1"),
            entry("GET", "https://api.example.org/v10/orders"),
            entry("GET", "https://fonts.example.com/v1/a.woff"),
            entry("GET", "wss://api.example.org/v1/live"),
            entry("GET", "data:text/plain,x"),
            form=HarForm(base="https://api.example.org/v1/"),
        )

        assert [case.request for case in recording.cases] == [Request("GET", "/orders?x=1"), Request("GET", "/")]
        assert "4 requests that are not below https://api.example.org/v1/ were left out" in recording.warnings[0]

    def test_with_several_addresses_a_person_has_to_say_which(self, tmp_path: Path) -> None:
        with pytest.raises(
            LabError, match=r"2 addresses: https://api\.example\.org \(2\), https://x\.example"
        ) as error:
            read(tmp_path, entry(), entry("GET", "https://x.example/"), entry())

        assert "har: {base:" in str(error.value.hint)
        assert error.value.exit_code == 2

    def test_gzip_and_a_byte_order_mark_are_read_over(self, tmp_path: Path) -> None:
        path = har(tmp_path, entry())
        path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + path.read_bytes()))

        assert len(read_har(path).cases) == 1

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"", "is not a HAR file"),
            (b"<html>", "is not a HAR file"),
            (b"{}", "is not a HAR file: Object missing required field `log`"),
            (b'{"log": {"entries": [{"request": {"url": "http://a/"}}]}}', "missing required field `method`"),
            (b'{"log": {"entries": []}}', "has no HTTP request"),
            (b'{"log": {"entries": [{"request": {"url": "http://[/", "method": "GET"}}]}}', "has no HTTP request"),
            (b'{"log": {"entries": [{"request": {"url": "http://a/", "method": "G T"}}]}}', "'G T' is not a method"),
            (b"\x1f\x8b\x08\x00", "is a damaged gzip file"),
            (b'{"log": {"entries": [\xff]}}', "is not a HAR file"),
        ],
    )
    def test_a_damaged_file_is_told(self, tmp_path: Path, content: bytes, told: str) -> None:
        path = tmp_path / "x.har"
        path.write_bytes(content)

        with pytest.raises(LabError) as error:
            read_har(path)

        assert str(error.value).startswith(str(path))
        assert told in str(error.value)
        assert error.value.exit_code == 2

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(LabError, match="No such file"):
            read_har(tmp_path / "none.har")


LINE = {
    "time": "2026-01-01T00:00:00Z", "request_id": "abc", "user": "lab", "features": [1.0, 2.5], "prediction": 7.5,
    "cached": False, "model_version": "1.0.0",
}  # fmt: skip


@pytest.fixture
def form(tmp_path: Path) -> RequestForm:
    """How a line of the prediction log becomes a request."""
    return log_form(tmp_path, '{method: POST, path: /predict, json: {features: "${line:$.features}"}}')


def log_form(tmp_path: Path, request: str) -> RequestForm:
    """A profile's prediction_log."""
    path = tmp_path / "profile.yaml"
    path.write_text(f"parity:\n  prediction_log:\n    request: {request}\n", encoding="utf-8")
    form = Profile.load(path, {}).log_request
    assert form is not None
    return form


def log(tmp_path: Path, *lines: object) -> Path:
    """A log of these lines; what is no bytes is JSON."""
    path = tmp_path / "predictions.jsonl"
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
    return path


class TestLog:
    def test_a_line_is_a_request(self, tmp_path: Path, form: RequestForm) -> None:
        recording = read_log(log(tmp_path, LINE, b"", LINE), form, AUTHORIZATION)

        assert [case.name for case in recording.cases] == ["predictions.jsonl line 1", "predictions.jsonl line 3"]
        assert {case.source for case in recording.cases} == {Source.RECORDED}
        headers = (("Content-Type", "application/json"), *AUTHORIZATION)
        assert recording.cases[0].request == Request("POST", "/predict", headers, b'{"features": [1.0, 2.5]}')
        assert recording.warnings == ()

    def test_values_may_stand_anywhere_in_the_request(self, tmp_path: Path) -> None:
        form = log_form(
            tmp_path,
            '{path: "/a/${line:$.user}?v=${line:$.row[0]}", headers: {X: "${line:$.id}"}, text: "${line:$.row}"}',
        )

        (case,) = read_log(log(tmp_path, {"user": "me", "row": [1, 2.0], "id": "a"}), form).cases

        assert case.request == Request("GET", "/a/me?v=1", (("X", "a"),), b"[1, 2.0]")

    def test_rotated_files_are_read_too(self, tmp_path: Path, form: RequestForm) -> None:
        path = tmp_path / "predictions.jsonl.1.gz"
        path.write_bytes(gzip.compress(log(tmp_path, LINE, LINE).read_bytes()))

        assert len(read_log(path, form).cases) == 2

    def test_bad_lines_are_counted_and_told(self, tmp_path: Path, form: RequestForm) -> None:
        bad = [b'{"features": [1', b"\xff", {"samples": []}, b"[" * 100_000]

        recording = read_log(log(tmp_path, LINE, *bad, LINE), form)

        assert len(recording.cases) == 2
        (warning,) = recording.warnings
        assert warning.startswith(
            f"{tmp_path / 'predictions.jsonl'}: 4 of 6 lines give no request (line 2: it is not JSON"
        )
        assert "line 3: it is not UTF-8; line 4: it has no $.features, …)" in warning

    def test_a_log_without_a_good_line_is_an_error(self, tmp_path: Path, form: RequestForm) -> None:
        with pytest.raises(
            LabError, match=r"has no line that gives a request: line 1: it has no \$\.features"
        ) as error:
            read_log(log(tmp_path, {}, b"x"), form)

        assert "prediction_log" in str(error.value.hint)

    def test_an_empty_log_is_an_error(self, tmp_path: Path, form: RequestForm) -> None:
        with pytest.raises(LabError, match="it is empty"):
            read_log(log(tmp_path), form)

    def test_a_line_that_makes_no_request_is_bad(self, tmp_path: Path) -> None:
        form = log_form(tmp_path, '{method: "${line:$.method}", path: "${line:$.path}"}')

        recording = read_log(log(tmp_path, *({"method": "GET", "path": path} for path in ("/a", "b", "/c d", 5))), form)

        assert [case.request for case in recording.cases] == [Request("GET", "/a")]
        assert "3 of 4 lines give no request" in recording.warnings[0]

    def test_what_the_services_log_fits_the_profile_that_ships(self, tmp_path: Path) -> None:
        """The names of the log's fields are the services'; the profile has to keep up with them."""
        from serving_core.runtime.prediction_log import LogEntry
        from support.checkout import REPOSITORY

        environment = {"API_USERNAME": "a", "API_PASSWORD": "b", "SECRET_KEY": "k" * 40}
        profile = Profile.load(REPOSITORY / "loadtest" / "parity" / "profile.yaml", environment)
        assert profile.log_request is not None
        assert set(LINE) == set(LogEntry.__struct_fields__)

        (case,) = read_log(log(tmp_path, LINE), profile.log_request, profile.authorization).cases

        assert isinstance(case.request, Request)
        assert (case.request.method, case.request.target) == ("POST", "/predict")
        assert json.loads(case.request.body) == {"features": LINE["features"]}


class TestTap:
    """What `lab tap` recorded."""

    def test_requests_are_sent_again_with_the_sign_in_in_place_of_pseudonyms(self, tmp_path: Path) -> None:
        path = tmp_path / "live.tap"
        headers = (
            *(("Content-Type", "application/json"), ("Content-Encoding", "gzip"), ("Content-Length", "3")),
            *(("Authorization", "Bearer pseudonym"), ("X-Request-ID", "7")),
        )
        exchanges = [
            tapped("POST", "/orders?a=b%20c", headers, b'{"n": 1}'),
            tapped("GET", "/free"),
            tapped("GET", "/ws", primary=side(101)),
        ]
        records: list[Head | Tapped] = [Head(0.0, "http://127.0.0.1:5001"), *exchanges]
        path.write_bytes(MAGIC + b"".join(map(tap_file.frame, records)))

        found = read_tapped(path, AUTHORIZATION)

        first, second = (case.request for case in found.cases)
        assert first == Request(
            "POST",
            "/orders?a=b%20c",
            (("Content-Type", "application/json"), ("X-Request-ID", "7"), *AUTHORIZATION),
            b'{"n": 1}',
        )
        assert second == Request("GET", "/free")
        assert found.warnings == (f"{path}: left out: 1 handshakes of WebSockets",)
