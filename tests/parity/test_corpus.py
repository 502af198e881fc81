"""Corpus files: every construct, and what a person is told who got one wrong."""

from pathlib import Path
from textwrap import dedent

import pytest
from serving_lab.api.request import Request
from serving_lab.errors import LabError
from serving_lab.parity.cases import Source
from serving_lab.parity.inputs.corpus import Corpus, Known
from serving_lab.wire.message import RawRequest

KNOWN = Known(
    environment={"USER_NAME": 'a "quoted" name'},
    variables=frozenset({"host", "token", "other_token"}),
    authorization=(("Authorization", "Bearer ${token}"),),
)


def read(tmp_path: Path, text: str) -> Corpus:
    """Read one corpus file."""
    path = tmp_path / "corpus.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return Corpus.read([path], KNOWN)


def requests(tmp_path: Path, text: str) -> dict[str, Request]:
    """Read the ordinary requests of a file, by name."""
    found = {case.name: case.request for case in read(tmp_path, text).cases}
    return {name: request for name, request in found.items() if isinstance(request, Request)}


def only(tmp_path: Path, text: str) -> Request:
    """Read a file of one request, indented like its second line on."""
    (request,) = requests(tmp_path, f"requests:\n  - name: it\n    path: /x\n{text}").values()
    return request


def raw(tmp_path: Path, text: str) -> RawRequest:
    """Read a file of one raw request."""
    (case,) = read(tmp_path, f"raw:\n  - name: it\n{text}").cases
    assert isinstance(case.request, RawRequest)
    return case.request


class TestRequests:
    def test_a_name_and_a_path_are_enough(self, tmp_path: Path) -> None:
        corpus = read(tmp_path, "requests: [{name: health, path: /health}]")

        (case,) = corpus.cases
        assert (case.source, case.name) == (Source.CORPUS, "health")
        assert case.request == Request("GET", "/health", (("Authorization", "Bearer ${token}"),))

    def test_a_json_body_says_its_type(self, tmp_path: Path) -> None:
        request = only(tmp_path, "    json: {a: [1, 1.0, 1e3, true, null, é]}\n")

        assert request.body == b'{"a": [1, 1.0, 1000.0, true, null, "\\u00e9"]}'
        assert request.header("content-type") == "application/json"

    def test_null_is_a_json_body_too(self, tmp_path: Path) -> None:
        assert only(tmp_path, "    json: null\n").body == b"null"

    def test_another_type_may_be_given_for_json(self, tmp_path: Path) -> None:
        request = only(tmp_path, "    headers: {content-type: text/plain}\n    json: {}\n")

        assert [value for name, value in request.headers if name.lower() == "content-type"] == ["text/plain"]

    @pytest.mark.parametrize("text", ["no", "on", "yes", "2026-01-01", "12:30", "0x10", "010", "1_000"])
    def test_what_looks_like_text_is_text(self, tmp_path: Path, text: str) -> None:
        assert only(tmp_path, f"    json: [{text}]\n").body == f'["{text}"]'.encode()

    def test_text_is_utf_8_and_says_no_type(self, tmp_path: Path) -> None:
        request = only(tmp_path, "    text: '{é'\n")

        assert request.body == "{é".encode()
        assert request.header("Content-Type") is None

    def test_bytes_are_one_a_character(self, tmp_path: Path) -> None:
        assert only(tmp_path, '    bytes: "\\xff\\0é"\n').body == b"\xff\x00\xe9"

    def test_a_body_is_padded(self, tmp_path: Path) -> None:
        assert only(tmp_path, "    text: '{}'\n    pad_to: 10\n").body == b"{}        "

    def test_chunked(self, tmp_path: Path) -> None:
        assert only(tmp_path, "    chunked: true\n").chunked is True

    def test_a_header_may_stand_twice(self, tmp_path: Path) -> None:
        request = only(tmp_path, "    headers: [[X-A, a], [X-A, b]]\n    signed_in: false\n")

        assert request.headers == (("X-A", "a"), ("X-A", "b"))

    def test_a_number_may_be_a_headers_value(self, tmp_path: Path) -> None:
        assert only(tmp_path, "    headers: {Content-Length: 5}\n").header("Content-Length") == "5"

    def test_who_is_not_signed_in_has_no_authorization(self, tmp_path: Path) -> None:
        assert only(tmp_path, "    signed_in: false\n").headers == ()

    def test_an_authorization_of_ones_own_takes_the_place_of_the_profiles(self, tmp_path: Path) -> None:
        request = only(tmp_path, "    headers: {authorization: 'Basic ${other_token}'}\n")

        assert request.headers == (("authorization", "Basic ${other_token}"),)

    def test_the_environment_is_filled_in_as_a_value(self, tmp_path: Path) -> None:
        request = only(tmp_path, '    json: {user: "${env:USER_NAME}"}\n')

        assert request.body == rb'{"user": "a \"quoted\" name"}'

    def test_half_a_character_is_sent_as_some_write_it(self, tmp_path: Path) -> None:
        assert only(tmp_path, '    text: "\\ud800"\n').body == b"\xed\xa0\x80"


class TestDefaultsAndVariables:
    def test_defaults_hold_where_a_request_says_nothing(self, tmp_path: Path) -> None:
        found = requests(
            tmp_path,
            """
            defaults: {method: POST, path: /a, headers: {X-A: a}, text: "{}", signed_in: false}
            requests:
              - {name: one}
              - {name: two, path: /b, headers: {}, json: 1}
            """,
        )

        assert found["one"] == Request("POST", "/a", (("X-A", "a"),), b"{}")
        assert found["two"] == Request("POST", "/b", (("Content-Type", "application/json"),), b"1")

    def test_a_variable_alone_is_its_value_and_within_a_text_its_json(self, tmp_path: Path) -> None:
        found = requests(
            tmp_path,
            """
            variables: {row: [1.0, é], text: plain, both: '${row} ${text}'}
            requests:
              - {name: value, path: /x, json: {a: "${row}", "${text}": "${text}"}}
              - {name: text, path: /x, text: "${both}"}
            """,
        )

        assert found["value"].body == b'{"a": [1.0, "\\u00e9"], "plain": "plain"}'
        assert found["text"].body == '[1.0, "é"] plain'.encode()

    def test_repetitions(self, tmp_path: Path) -> None:
        found = requests(
            tmp_path,
            """
            variables: {row: "[1]"}
            requests:
              - {name: brackets, path: /x, text: "${repeat:3:[}${repeat:3:]}"}
              - {name: braces, path: /x, text: '${repeat:2:{"a":}1${repeat:2:}}'}
              - {name: rows, path: /x, text: "[${repeat:2:${row}, }${row}]"}
              - {name: json, path: /x, json: {a: "${repeat:3:x}"}}
              - {name: path, path: "/${repeat:3:x}"}
            """,
        )

        assert found["brackets"].body == b"[[[]]]"
        assert found["braces"].body == b'{"a":{"a":1}}'
        assert found["rows"].body == b"[[1], [1], [1]]"
        assert found["json"].body == b'{"a": "xxx"}'
        assert found["path"].target == "/xxx"

    def test_a_matrix_gives_every_combination_a_name(self, tmp_path: Path) -> None:
        found = requests(
            tmp_path,
            """
            requests:
              - name: "${method} ${path}: ${value}"
                method: ${method}
                path: ${path}
                json: ["${value}"]
                matrix:
                  method: [PUT, DELETE]
                  path: [/a]
                  value: {text: "1", number: 1, 0: null}
            """,
        )

        assert {name: request.body for name, request in found.items()} == {
            "PUT /a: text": b'["1"]',
            "PUT /a: number": b"[1]",
            "PUT /a: 0": b"[null]",
            "DELETE /a: text": b'["1"]',
            "DELETE /a: number": b"[1]",
            "DELETE /a: 0": b"[null]",
        }
        assert found["DELETE /a: 0"].method == "DELETE"

    def test_a_value_in_a_list_is_its_own_name(self, tmp_path: Path) -> None:
        found = requests(
            tmp_path,
            "requests: [{name: 'is ${v}', path: /x, text: '[${v}]', matrix: {v: [true, null, \"1.5\", [1], {a: 1}]}}]",
        )

        assert {name: request.body for name, request in found.items()} == {
            "is true": b"[true]",
            "is null": b"[null]",
            "is 1.5": b"[1.5]",
            "is [1]": b"[[1]]",
            'is {"a": 1}': b'[{"a": 1}]',
        }


class TestSequences:
    TEXT = """
        defaults: {method: POST}
        sequences:
          - name: "count ${unit}"
            matrix: {unit: [a, b]}
            steps:
              - {path: "/${unit}", save: {count: $.count, id: "$.rows[0].id"}}
              - {name: again, path: "/${id}", since: {$.count: count}}
        """

    def test_steps_are_cases_in_their_order(self, tmp_path: Path) -> None:
        first, second = read(tmp_path, self.TEXT).sequences

        assert [case.name for case in first] == ["count a: 1. POST /a", "count a: 2. again"]
        assert [case.name for case in second] == ["count b: 1. POST /b", "count b: 2. again"]
        assert {case.source for case in (*first, *second)} == {Source.SEQUENCE}

    def test_what_is_saved_and_counted_is_kept(self, tmp_path: Path) -> None:
        first, second = read(tmp_path, self.TEXT).sequences[0]

        assert (first.save, first.since) == ({"count": "$.count", "id": "$.rows[0].id"}, {})
        assert (second.save, second.since) == ({}, {"$.count": "count"})
        assert isinstance(second.request, Request)
        assert second.request.target == "/${id}"


class TestRaw:
    def test_what_is_sent_is_sent_as_it_stands(self, tmp_path: Path) -> None:
        request = raw(tmp_path, '    send: "GET / HTTP/1.1\\r\\nHost: ${host}\\n\\xff\\0"\n    half_close: true\n')

        assert request == RawRequest(b"GET / HTTP/1.1\r\nHost: ${host}\n\xff\x00", half_close=True)

    def test_a_head_is_sent_line_by_line(self, tmp_path: Path) -> None:
        request = raw(tmp_path, "    head: |\n      POST / HTTP/1.1\n      Host: ${host}\n    body: '{}'\n")

        assert request == RawRequest(b"POST / HTTP/1.1\r\nHost: ${host}\r\n\r\n{}")

    def test_a_matrix(self, tmp_path: Path) -> None:
        cases = read(tmp_path, "raw: [{name: '${v}', send: 'x${v}', matrix: {v: [a, b]}}]").cases

        assert [case.request for case in cases] == [RawRequest(b"xa"), RawRequest(b"xb")]
        assert {case.source for case in cases} == {Source.RAW}

    def test_nothing_may_be_sent(self, tmp_path: Path) -> None:
        assert raw(tmp_path, '    send: ""\n') == RawRequest(b"")


WRONG = {
    "a method that is no text": ("requests:\n- {name: a, path: /, method: 5}", ":2: requests[0].method: expected str"),
    "an unknown key": ("requests:\n- name: a\n  path: /\n  jsn: 1", ":2: requests[0]: unknown key jsn"),
    "no name": ("requests:\n- {path: /}", ":2: requests[0]: there is no name"),
    "an empty name": ("requests:\n- {name: ' ', path: /}", ":2: requests[0]: the name is empty"),
    "no path": ("requests:\n- {name: a}", "requests[0]: there is no path"),
    "a path without slash": ("requests:\n- {name: a, path: x}", "'x' does not begin with a slash"),
    "a space in the path": ("requests:\n- {name: a, path: /a b}", "has white space in it"),
    "another script in the path": ("requests:\n- {name: a, path: /Я}", "'Я' is more than one byte"),
    "another script in a header": ("requests:\n- {name: a, path: /, headers: {X: Я}}", "headers: 'Я' is more than one"),
    "a line break in a header": ('requests:\n- {name: a, path: /, headers: {X: "a\\r\\nb"}}', "is not a header"),
    "a space in the method": ("requests:\n- {name: a, path: /, method: G T}", "'G T' is not a method"),
    "several bodies": ("requests:\n- {name: a, path: /, json: 1, text: x}", "requests[0]: it has several bodies"),
    "NaN": ("requests:\n- {name: a, path: /, json: [.nan]}", "infinity and NaN are not JSON"),
    "a name twice": (
        "requests:\n- {name: a, path: /}\n- {name: a, path: /b}",
        ":3: requests[1]: the name 'a' is taken:",
    ),
    "a key twice": ("requests:\n- {name: a, path: /, path: /b}", ":2: the key 'path' is here twice"),
    "an unknown variable": ("requests:\n- {name: a, path: '/${tokn}'}", "requests[0]: ${tokn} is not defined"),
    "a variable of a later step": (
        "sequences:\n- name: a\n  steps:\n  - {path: '/${id}'}\n  - {path: /, save: {id: $.id}}",
        ":4: sequences[0].steps[0]: ${id} is not defined",
    ),
    "a counter nobody saved": (
        "sequences:\n- {name: a, steps: [{path: /, since: {$.n: n}}]}",
        "sequences[0].steps[0].since: no step so far saves 'n'",
    ),
    "what is no JSON path": ("sequences:\n- {name: a, steps: [{path: /, save: {n: n}}]}", "'n' is not a JSON path"),
    "no steps": ("sequences:\n- {name: a, steps: []}", "sequences[0].steps: a sequence has at least one step"),
    "no such environment": ("requests:\n- {name: a, path: '/${env:NO}'}", "[0].path: refers to the unset environment"),
    "a matrix that the name does not tell": (
        "requests:\n- {name: a, path: '/${v}', matrix: {v: [a, b]}}",
        "the name does not say ${v}",
    ),
    "an empty matrix": ("requests:\n- {name: 'a ${v}', path: '/${v}', matrix: {v: []}}", "matrix.v: it has no values"),
    "neither send nor head": ("raw:\n- {name: a}", "raw[0]: give all that is sent as send, or a head"),
    "both send and head": ("raw:\n- {name: a, send: x, head: x}", "raw[0]: give all that is sent as send, or a head"),
    "a body beside send": ("raw:\n- {name: a, send: x, body: x}", "raw[0]: give all that is sent as send, or a head"),
    "more than a byte": ("raw:\n- {name: a, send: Я}", "'Я' is more than one byte"),
    "a wrong default": ("defaults: {method: 5}\nrequests: []", ":1: defaults.method: expected str"),
    "no YAML": ("requests:\n- {name: a", ":2: is not YAML here"),
    "a tab": ("requests:\n\t- a", ":2: is not YAML here"),
    "another document's form": ("- a\n- b", "expected object, got array"),
    "what holds itself": ("requests: &a [*a]", ":1: holds itself"),
    "a tag": ("requests: !!python/object:os.system {}", "is not YAML here"),
    "nesting without end": ("requests: " + "[" * 5000, "is nested too deeply"),
    "deep nesting": (f"variables: {{a: {'[' * 300}{']' * 300}}}", ":1: is nested too deeply"),
    "padding beyond memory": ("requests:\n- {name: a, path: /, pad_to: 9999999999}", ":2: requests[0]: pad_to: 9,999"),
    "repetition beyond memory": (
        "requests:\n- {name: a, path: /, text: '${repeat:99999999999999999999:x}'}",
        "requests[0]: ${repeat:99999999999999999999:…} is longer than can be sent",
    ),
    "raw repetition beyond memory": ("raw:\n- {name: a, send: '${repeat:9999999999:x}'}", "is longer than can be sent"),
    "repetition in JSON beyond memory": (
        "requests:\n- {name: a, path: /, json: ['${repeat:9999999999:x}']}",
        "is longer than can be sent",
    ),
    "a number without end": (f"variables: {{a: 1{'0' * 5000}}}", "is not YAML"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "told"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(LabError) as error:
        read(tmp_path, text)

    message = str(error.value)
    assert message.startswith(str(tmp_path / "corpus.yaml"))
    assert told in message
    assert "\n" not in message
    assert error.value.hint
    assert error.value.exit_code == 2


def test_a_name_is_taken_across_files(tmp_path: Path) -> None:
    paths = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    for path in paths:
        path.write_text("requests: [{name: same, path: /}]")

    with pytest.raises(LabError, match=r"b\.yaml:1: requests\[0\]: the name 'same' is taken: .*a\.yaml"):
        Corpus.read(paths, KNOWN)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="No such file") as error:
        Corpus.read([tmp_path / "none.yaml"], KNOWN)

    assert error.value.exit_code == 2


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("requests: [{name: é, path: /}]".encode("latin-1"))

    with pytest.raises(LabError, match="is not UTF-8"):
        Corpus.read([tmp_path / "latin.yaml"], KNOWN)


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_an_empty_file_has_no_cases(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == Corpus()
