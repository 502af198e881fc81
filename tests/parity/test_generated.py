"""Requests that nobody wrote: of every sort, well-formed, reproducible, and never what is excluded."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.request import Header, Request
from serving_lab.documents.openapi import OpenApiDocument
from serving_lab.documents.operations import Operations
from serving_lab.parity.cases import Case, Source
from serving_lab.parity.examination.reduction import smallest
from serving_lab.parity.generation.request_generator import RequestGenerator
from serving_lab.wire.connection import Client
from serving_lab.wire.message import RawRequest
from support.services import RunningService

from parity.documents import old_pets, pets, predictions

pytestmark = pytest.mark.service

SIGNED_IN = (("Authorization", "Bearer ${token}"),)
CLEAR = ("POST /cache/clear",)
BOUNDARY = "boundary-of-the-parts"
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
FIELD = re.compile(r"[\t -~\x80-\xff]*")
TARGET = re.compile(r"/[!$&-;=?-Z_a-z~%]*")


def generator(
    document: OpenApiDocument | None,
    base: tuple[Case, ...] = (),
    *,
    authorization: tuple[Header, ...] = SIGNED_IN,
    exclude: tuple[str, ...] = CLEAR,
    seed: int = 1,
) -> RequestGenerator:
    return RequestGenerator(document, base, authorization=authorization, exclude=exclude, seed=seed)


def requests(source: RequestGenerator, count: int) -> list[Request]:
    cases = list(islice(source, count))
    assert len(cases) == count
    assert {case.source for case in cases} == {Source.GENERATED}
    return [case.request for case in cases if isinstance(case.request, Request)]


def documented(paths: dict[str, Any], **fields: object) -> OpenApiDocument:
    return OpenApiDocument.of({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths, **fields})


def taking(schema: object) -> dict[str, Any]:
    """An operation whose body has this schema."""
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"post": {"requestBody": body, "responses": {}}}


def nested(levels: int) -> dict[str, Any]:
    """A schema of objects within objects, each required."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "required": ["a"], "properties": {"a": schema}}
    return schema


def corpus(*sent: Request | RawRequest) -> tuple[Case, ...]:
    return tuple(Case(Source.CORPUS, f"case {number}", request) for number, request in enumerate(sent))


@pytest.fixture(scope="module")
def drawn() -> list[Request]:
    """Requests for the service of predictions."""
    return requests(generator(predictions()), 800)


@pytest.fixture(scope="module")
def many() -> list[Request]:
    """As many as a whole comparison sends. What is drawn changes with the lab's code, of which Hypothesis takes
    constants, and the rarest things come once in a thousand requests."""
    return requests(generator(predictions()), 10_000)


def features(request: Request) -> list[Any]:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return []
    found = body.get("features") if isinstance(body, dict) else None
    return found if isinstance(found, list) else []


def is_valid(request: Request) -> bool:
    row = features(request)
    return len(row) == 4 and all(type(each) in {int, float} and abs(each) <= 1000 for each in row)


class TestShares:
    def test_a_good_part_is_valid_and_varied(self, drawn: list[Request]) -> None:
        predicted = [each for each in drawn if (each.method, each.target) == ("POST", "/predict")]
        valid = [each for each in predicted if is_valid(each)]

        assert len(valid) > len(predicted) / 5
        assert len({each.body for each in valid}) > len(valid) / 2

    def test_a_good_part_is_not(self, drawn: list[Request]) -> None:
        predicted = [each for each in drawn if (each.method, each.target) == ("POST", "/predict")]

        assert len([each for each in predicted if not is_valid(each)]) > len(predicted) / 5

    def test_some_come_again_so_that_caches_answer(self, drawn: list[Request]) -> None:
        assert sum(first == again for first, again in pairwise(drawn)) > 20
        assert len(set(drawn)) > 550

    def test_most_are_signed_in_and_some_are_not_or_wrongly(self, drawn: list[Request]) -> None:
        said = Counter(each.header("Authorization") for each in drawn)

        assert said["Bearer ${token}"] > 500
        assert said[None] > 20
        assert len(said) > 10

    @pytest.mark.parametrize(
        "seen",
        [
            lambda request: b"NaN" in request.body,
            lambda request: b"e400" in request.body,
            lambda request: b"-0.0" in request.body,
            lambda request: b"true" in request.body or b"false" in request.body,
            lambda request: b"null" in request.body,
            lambda request: rb"\ud800" in request.body,
            lambda request: request.body.count(b'"features"') == 2,
            lambda request: b"[[[[[[" in request.body or b'{"a":{"a":' in request.body,
            lambda request: re.search(rb"\d{19}", request.body),
            lambda request: b"\xff" in request.body,
            lambda request: request.body == b"" and request.method == "POST",
            lambda request: request.chunked,
            lambda request: request.method == "PURGE",
            lambda request: "?" in request.target,
            lambda request: request.target.startswith("/predict") and request.target != "/predict",
            lambda request: "json" not in (request.header("Content-Type") or "") and request.body,
            lambda request: "charset" in (request.header("Content-Type") or ""),
        ],
    )
    def test_what_clients_get_wrong_is_among_them(self, many: list[Request], seen: Callable[[Request], bool]) -> None:
        assert any(map(seen, many))


class TestSafety:
    def test_what_is_excluded_is_never_called(self) -> None:
        base = corpus(Request("POST", "/cache/clear", SIGNED_IN), Request("POST", "/cache/clea", SIGNED_IN))
        paths = Operations(predictions().templates)

        sent = requests(generator(predictions(), base), 300)

        assert not [each for each in sent if paths.excludes(CLEAR, each.method, each.target)]
        assert [each for each in sent if each.target == "/cache/clea"]

    def test_a_key_in_the_query_is_in_most_and_seldom_a_wrong_one_or_none(self) -> None:
        source = RequestGenerator(predictions(), (), query=(("key", "a&b ${token}"),), seed=1)

        valid = [each.target for each in requests(source, 300)]

        signed = sum("key=a%26b+${token}" in target for target in valid)
        assert len(valid) * 0.5 < signed < len(valid)

    def test_ends_where_everything_is_excluded(self) -> None:
        assert list(generator(predictions(), exclude=("*",))) == []

    @pytest.mark.parametrize("document", [predictions(), pets("3.1.0"), old_pets()], ids=["ours", "pets", "swagger"])
    def test_all_are_http(self, document: OpenApiDocument) -> None:
        base = corpus(
            Request("POST", "/${id}/x?a=${id}", (("X-Key", "${key}"), ("Cookie", "a=b")), b'{"a": "${other_token}"}'),
            RawRequest(b"GET / HTTP/1.1\r\n\r\n"),
        )
        for request in requests(generator(document, base, authorization=(("X-Api-Key", "${key}"),)), 200):
            assert TOKEN.fullmatch(request.method), request
            assert TARGET.fullmatch(re.sub(r"\$\{id\}", "id", request.target)), request
            names = [name.lower() for name, _ in request.headers]
            assert all(TOKEN.fullmatch(name) for name in names), request
            assert all(FIELD.fullmatch(value) and value == value.strip(" \t") for _, value in request.headers), request
            assert not {"host", "content-length", "transfer-encoding", "connection", "expect"} & set(names), request
            assert names.count("content-type") <= 1, request
            assert set(re.findall(rb"\$\{[^{}]*\}", request.encode("host"))) <= {
                *(b"${id}", b"${key}", b"${other_token}")
            }, request


class TestReproduction:
    def test_the_same_seed_gives_the_same_requests(self) -> None:
        first, again, other = (requests(generator(pets("3.1.0"), seed=seed), 30) for seed in (5, 5, 6))

        assert first == again
        assert first != other

    def test_in_another_process_too_and_without_a_trace(self, tmp_path: Path) -> None:
        # What else is imported from a checkout must not matter either: Hypothesis draws constants of such modules.
        code = tmp_path / "code"
        code.mkdir()
        constants = (f"word_{number} = 'constant {number}', {number * 7919}" for number in range(500))
        (code / "beside.py").write_text("\n".join(constants))
        before = (
            "import os, beside; os.environ['HYPOTHESIS_STORAGE_DIRECTORY'] = os.environ['XDG_CACHE_HOME'];"
            "from hypothesis import given, strategies as st; given(st.text())(lambda text: None)();"
        )
        program = (
            "import itertools; from parity.documents import pets; from parity.test_generated import generator;"
            "print([(case.name, case.request) for case in itertools.islice(generator(pets('3.0.3')), 150)])"
        )
        work = tmp_path / "work"
        work.mkdir()
        runs = [
            subprocess.run(
                [sys.executable, "-c", f"{imported}{program}"],
                capture_output=True,
                check=True,
                cwd=work,
                env={
                    "PYTHONPATH": ":".join([*sys.path, str(code)]),
                    "PYTHONHASHSEED": hash_seed,
                    "XDG_CACHE_HOME": str(tmp_path / "cache"),
                },
            )
            for hash_seed, imported in (("1", ""), ("2", before))
        ]

        assert runs[0].stdout == runs[1].stdout
        assert runs[0].stdout.count(b"generated ") == 150
        assert not runs[0].stderr
        assert not list(work.iterdir())


class TestDocumentsOfOthers:
    @pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
    def test_parameters_forms_and_files_are_filled(self, version: str) -> None:
        source = generator(pets(version))
        sent = requests(source, 250)

        assert source.warnings == []
        assert any(re.fullmatch(r"/v3/pets/[0-9]+", each.target) and each.method == "DELETE" for each in sent)
        assert any(re.search(r"^/v3/pets\?(.*&)?limit=-?[0-9]+", each.target) for each in sent)
        assert any(each.header("X-Trace") for each in sent)
        assert any((each.header("Cookie") or "").startswith("session=") for each in sent)
        assert any(_sends(each, "application/x-www-form-urlencoded") and b"name=" in each.body for each in sent)
        assert any(_sends(each, "multipart/form-data") and b'name="file"' in each.body for each in sent)
        assert any(_sends(each, "text/plain") and each.target == "/v3/note" for each in sent)
        assert not [each for each in sent if "schemathesis" in repr(each).lower()]
        assert not [each for each in sent if (each.header("User-Agent") or "").startswith("python")]
        # Where it were random, the same seed would not mean the same bytes.
        announced = [
            each for each in sent if each.header("Content-Type") == f"multipart/form-data; boundary={BOUNDARY}"
        ]
        assert any(each.body.startswith(f"--{BOUNDARY}\r\n".encode()) for each in announced)

    def test_a_header_of_the_document_does_not_replace_the_authorization(self) -> None:
        given = {"name": "authorization", "in": "header", "required": True, "schema": {"type": "string"}}
        path = {"/signed": {"get": {"parameters": [given]}}}

        sent = [each for each in requests(generator(predictions(**path)), 200) if each.target == "/signed"]

        assert sum(each.header("Authorization") == "Bearer ${token}" for each in sent) > len(sent) / 2

    def test_swagger_is_read(self) -> None:
        source = generator(old_pets())
        sent = requests(source, 120)

        assert source.warnings == []
        assert any(_sends(each, "application/x-www-form-urlencoded") for each in sent)
        assert any(each.target == "/v2/pets" and _sends(each, "application/json") for each in sent)

    @pytest.mark.parametrize(
        "definition",
        [
            {"parameters": [{"name": "a", "in": "query", "required": True, "schema": False}]},
            {"parameters": "none"},
            {"requestBody": {"content": {"application/x-unknown": {"schema": {"type": "object"}}}}},
        ],
    )
    def test_an_operation_that_cannot_be_read_is_left_out_with_a_warning(self, definition: dict[str, Any]) -> None:
        source = generator(predictions(**{"/broken": {"get": definition}}))
        sent = requests(source, 120)

        assert [warning for warning in source.warnings if "GET /broken" in warning]
        assert not [warning for warning in source.warnings if "\n" in warning or "GET /broken" not in warning]
        assert [each for each in sent if is_valid(each)]


class TestEveryOperation:
    """None is lost without a word."""

    @staticmethod
    def numbered(count: int) -> OpenApiDocument:
        number = {"name": "n", "in": "query", "required": True, "schema": {"type": "integer"}}
        return documented({f"/{each}": {"get": {"parameters": [number], "responses": {}}} for each in range(count)})

    def test_of_many_operations_each_is_called_soon(self) -> None:
        source = generator(self.numbered(70))
        sent = requests(source, 140)

        assert source.warnings == []
        assert {f"/{each}" for each in range(70)} <= {
            each.target.partition("?")[0] for each in sent if "?n=" in each.target
        }

    def test_those_that_too_few_requests_do_not_reach_are_named(self) -> None:
        source = generator(self.numbered(70))
        requests(source, 20)

        (warning,) = source.warnings
        assert re.fullmatch(
            r"no request that fits the document was generated for GET /\d+, GET /\d+, GET /\d+ and \d+ more: "
            r"more requests \(--generate 140\) reach all operations",
            warning,
        )

    def test_what_cannot_be_satisfied_is_named_once_a_kind_and_costs_the_others_nothing(self) -> None:
        node = {"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
        document = documented(
            {
                "/circle": taking({"$ref": "#/components/schemas/Node"}),
                "/contradiction": taking({"type": "string", "minLength": 3, "maxLength": 2}),
                "/deep": taking(nested(60)),
                "/deepest": taking(nested(400)),
                "/strange": taking({"type": "strang"}),
                "/good": taking({"type": "object", "required": ["a"], "properties": {"a": {"const": 7}}}),
            },
            components={"schemas": {"Node": node}},
        )
        source = generator(document)
        sent = requests(source, 80)

        assert [each for each in sent if each.target == "/good" and each.body.replace(b" ", b"") == b'{"a":7}']
        (deepest,) = (each for each in source.warnings if each.startswith("no requests are generated for"))
        assert deepest == ("no requests are generated for POST /deepest: they are more than 250 levels deep")
        (unsatisfied,) = (each for each in source.warnings if "nothing was found that fits" in each)
        assert all(name in unsatisfied for name in ("POST /circle", "POST /contradiction", "POST /deep"))
        assert [each for each in source.warnings if "valid requests are generated for POST /strange: Invalid" in each]


class TestWithoutDocument:
    def test_the_corpus_is_changed(self) -> None:
        row = Request("POST", "/predict", (("Content-Type", "application/json"),), b'{"features": [1, 2, 3, 4]}')

        sent = requests(generator(None, corpus(row)), 300)

        assert len(set(sent)) > 150
        assert sum(each.target == "/predict" for each in sent) > 200

    def test_a_method_that_servers_may_not_know_is_left_to_the_corpus(self) -> None:
        sent = requests(generator(None, corpus(Request("FOO", "/a"), Request("GET", "/b"))), 100)

        assert "FOO" not in {each.method for each in sent}

    def test_with_nothing_at_all_the_root_is_asked(self) -> None:
        assert requests(generator(None), 50)


class TestDifferences:
    """What the generator and the reduction find together."""

    @staticmethod
    def third_above_500(request: Request) -> bool:
        row = features(request)
        return request.target == "/predict" and is_valid(request) and row[3] > 500

    @staticmethod
    def true_taken_for_a_number(request: Request) -> bool:
        return request.target == "/predict" and any(each is True for each in features(request))

    def test_two_that_are_planted_are_found_and_shrunk_apart(self, many: list[Request]) -> None:
        found = {
            shows.__name__: smallest(next(filter(shows, many)), shows).body
            for shows in (self.third_above_500, self.true_taken_for_a_number)
        }

        assert found == {
            "third_above_500": b'{"features": [0, 0, 0, 501]}',
            "true_taken_for_a_number": b'{"features": [true]}',
        }


def test_our_service_answers_with_all_it_can_say(documented_service: RunningService) -> None:
    """Nearly every error text that one request can draw, and predictions from the cache and from the model."""
    client = Client(Endpoint.parse(documented_service.base_url))
    (described,) = client.send(Request("GET", "/openapi.json")).answers
    document = OpenApiDocument.parse(described.body, documented_service.base_url)
    source = generator(document, authorization=(("Authorization", f"Bearer {documented_service.login()}"),))
    statuses: Counter[int] = Counter()
    said: set[str] = set()
    for request in requests(source, 700):
        (answer,) = client.send(request).answers
        if request.target in {"/predict", "/batch-predict"} and request.method == "POST":
            statuses[answer.status] += 1
        if answer.header("content-type") == "application/json" and answer.body:
            body = json.loads(answer.body)
            said.add(re.sub(r"\d+", "#", str(body.get("error", f"cached {body.get('cached')}"))))
    client.close()

    assert statuses[200] > statuses.total() / 5
    expected = {
        *("cached True", "cached False", "Not found", "Method not allowed", "Token is missing", "Token is invalid"),
        *("Content-Type must be application/json", "Malformed JSON", "Request body must be a JSON object"),
        *("No data provided", "Missing features field", "Features must be a list", "Expected # features"),
        *("Feature # must be a number", "Feature # out of valid range [-#, #]", "Missing samples field"),
        *("Samples must be a list", "Sample # must be a list", "Sample # must have # features"),
        *("Sample # feature # must be a number", "Sample # feature # out of valid range [-#, #]"),
        *("Missing credentials", "Invalid credentials"),
    }
    assert len(expected - said) <= 2, expected - said


def _sends(request: Request, media_type: str) -> bool:
    return (request.header("Content-Type") or "").startswith(media_type)
