"""Postman collections: their folders, variables, bodies and sign-in, and what of them cannot be sent."""

import json
from pathlib import Path
from typing import Any

import pytest
from serving_lab.api.request import Request
from serving_lab.errors import LabError
from serving_lab.parity.inputs.recorded import Recording, read_postman
from serving_lab.recordings.postman import PostmanForm

AUTHORIZATION = (("X-Token", "${token}"),)


def item(url: object = "{{baseUrl}}/a", name: str = "one", **request: object) -> dict[str, Any]:
    return {"name": name, "request": {"method": "GET", "header": [], "url": url, **request}}


def read(
    tmp_path: Path, *items: object, form: PostmanForm | None = None, signed_in: bool = False, **fields: object
) -> Recording:
    path = tmp_path / "shop.json"
    path.write_text(json.dumps({"info": {"name": "shop"}, "item": items} | fields))
    return read_postman(path, form, AUTHORIZATION if signed_in else ())


def only(recording: Recording) -> Request:
    (case,) = recording.cases
    assert isinstance(case.request, Request)
    return case.request


def post(**body: object) -> dict[str, Any]:
    return item(method="POST", body=body)


def test_folders_are_part_of_the_name(tmp_path: Path) -> None:
    recording = read(tmp_path, {"name": "Orders", "item": [{"name": "Old", "item": [item(name="all")]}]})

    assert [case.name for case in recording.cases] == ["shop.json 'Orders / Old / all': GET /a"]
    assert recording.warnings == ()


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("{{baseUrl}}/a?x=1", "/a?x=1"),
        ({"raw": "{{baseUrl}}/a/:id?x={{v}}", "variable": [{"key": "id", "value": "7"}]}, "/a/7?x=w%20w"),
        ({"host": ["{{baseUrl}}"], "path": ["a", "b"], "query": [{"key": "q", "value": "1"}]}, "/a/b?q=1"),
        ({"host": ["api", "x"], "protocol": "https", "path": "a", "query": [{"key": "q", "disabled": True}]}, "/a"),
        ("localhost:3000/a", "/a"),
        ("https://api.example.org/{{nested}}", "/w%20w"),
    ],
)
def test_urls_in_any_form(tmp_path: Path, url: object, target: str) -> None:
    variables = [{"key": "v", "value": "w w"}, {"key": "nested", "value": "{{v}}"}]

    assert only(read(tmp_path, item(url), variable=variables)).target == target


def test_a_base_may_be_a_variable(tmp_path: Path) -> None:
    known = PostmanForm(base="{{baseUrl}}", variables={"baseUrl": "https://api.example.org/v1"})

    assert only(read(tmp_path, item(), form=known)).target == "/a"
    with pytest.raises(LabError, match=r"2 addresses: .*http://\{\{baseurl\}\}"):
        read(tmp_path, item(), item("{{other}}/b"))
    assert only(read(tmp_path, item(), item("{{other}}/b"), form=PostmanForm(base="{{other}}"))).target == "/b"


@pytest.mark.parametrize(
    ("body", "media_type", "content"),
    [
        ({"mode": "raw", "raw": '{"a": {{v}}}', "options": {"raw": {"language": "json"}}},
         "application/json", b'{"a": 5}'),
        ({"mode": "urlencoded", "urlencoded": [{"key": "a", "value": "b c"}, {"key": "x", "disabled": True}]},
         "application/x-www-form-urlencoded", b"a=b+c"),
        ({"mode": "graphql", "graphql": {"query": "{a}", "variables": '{"n": {{v}}}'}},
         "application/json", b'{"query": "{a}", "variables": {"n": 5}}'),
        ({"mode": "formdata", "formdata": [{"key": "a", "value": "1", "type": "text"}]},
         "multipart/form-data; boundary=boundary-of-the-parts",
         b'--boundary-of-the-parts\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
         b"--boundary-of-the-parts--\r\n"),
        ({"mode": "raw", "raw": "x", "disabled": True}, None, b""),
    ],
)  # fmt: skip
def test_bodies_in_every_mode(tmp_path: Path, body: dict[str, Any], media_type: str | None, content: bytes) -> None:
    request = only(read(tmp_path, post(**body), form=PostmanForm(variables={"v": 5})))

    assert (request.header("Content-Type"), request.body) == (media_type, content)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (item("{{baseUrl}}/{{unset}}"), "{{unset}} has no value"),
        (item("{{baseUrl}}/:id"), "its path variable 'id' has no value"),
        (post(mode="file", file={"src": "/etc/hostname"}), "does not contain the files"),
        (
            post(mode="formdata", formdata=[{"key": "f", "type": "file", "src": "/etc/hostname"}]),
            "does not contain the files",
        ),
        (post(mode="strange"), "the mode of its body"),
        (post(mode="graphql", graphql={"query": "{a}", "variables": "{"}), "GraphQL variables are not JSON"),
        ({"name": "odd"}, "it has no request"),
        ({"name": "odd", "request": {"method": "GET"}}, "it has no URL"),
        (None, "it has no request"),
        (item("{{loop}}/a"), "stand for each other"),
    ],
)
def test_what_cannot_be_sent_is_told_and_costs_nothing_else(tmp_path: Path, fault: object, why: str) -> None:
    recording = read(tmp_path, item(name="good"), fault, variable=[{"key": "loop", "value": "{{loop}}"}])

    assert [case.name for case in recording.cases] == ["shop.json 'good': GET /a"]
    assert why in recording.warnings[0]


class TestSignIn:
    SECRET = ("Authorization", "Bearer {{secret}}")

    def header(self, *pair: str) -> list[dict[str, str]]:
        return [{"key": pair[0], "value": pair[1]}]

    @pytest.mark.parametrize("auth", [{"type": "bearer"}, {"type": "apikey"}, {"type": "oauth2"}])
    def test_it_is_replaced_and_inherited(self, tmp_path: Path, auth: dict[str, str]) -> None:
        items = item(name="inherits"), item(name="open", auth={"type": "noauth"})
        recording = read(tmp_path, *items, auth=auth, signed_in=True)

        headers = [case.request.headers for case in recording.cases if isinstance(case.request, Request)]
        assert headers == [AUTHORIZATION, ()]
        assert recording.warnings == ()

    @pytest.mark.parametrize("pair", [SECRET, ("x-token", "{{secret}}")])
    def test_a_header_of_credentials_needs_no_value(self, tmp_path: Path, pair: tuple[str, str]) -> None:
        assert only(read(tmp_path, item(header=self.header(*pair)), signed_in=True)).headers == AUTHORIZATION

    def test_none_is_told_and_all_may_be_signed_in(self, tmp_path: Path) -> None:
        assert "postman: {signed_in: all}" in read(tmp_path, item(), signed_in=True).warnings[0]
        assert only(read(tmp_path, item(), form=PostmanForm(signed_in="all"), signed_in=True)).headers == AUTHORIZATION


def test_what_both_services_are_sent_is_the_same_each_time(tmp_path: Path) -> None:
    url = "{{baseUrl}}/{{$guid}}/{{$timestamp}}/{{$randomInt}}"

    assert only(read(tmp_path, item(url))) == only(read(tmp_path, item(url)))


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "is not a Postman collection"), (b"{}", "no list of items"), (b"[]", "no list of items"),
     (b"\xff", "is not"), (b"[" * 100_000, "nested too deeply"), (b'{"item": []}', "has no HTTP request")],
)  # fmt: skip
def test_what_is_none_is_told(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)

    with pytest.raises(LabError, match=why):
        read_postman(path)
