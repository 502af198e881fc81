"""/graphql of the new service: the other endpoints' answers, rules and words, and how much a query may ask for."""

import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.answers import assert_contract_headers, assert_error
from support.exposition import scrape
from support.services import (
    RunningService,
    StartedService,
    running_service,
    wait_until,
    with_besides,
    without_besides,
)
from support.tokens import claims, sign
from support.wire import Request, send

from contract.cases import ROW, Accepted, Fault, each, random_rows
from contract.cases.bodies import padded
from contract.cases.graphql import (
    ACCEPTED,
    FAULTS,
    OUTER_FAULTS,
    PATH,
    WRITABLE_FAULTS,
    as_literal,
    as_variables,
    query,
)

PREDICT = "query ($features: Features) { predict(features: $features) { prediction cached modelVersion } }"
BATCH = "query ($samples: Samples) { batchPredict(samples: $samples) { predictions count modelVersion inferenceMs } }"
INTROSPECTION = "{ __schema { types { name } } }"
PAGE = (("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"),)
LIMIT = 150


@pytest.fixture(scope="module")
def service(graphql_service: RunningService) -> RunningService:
    return graphql_service


@pytest.fixture(scope="module")
def token(service: RunningService) -> str:
    return service.login()


@pytest.fixture(scope="module", params=with_besides("graphql"))
def strict(request: pytest.FixtureRequest, model_dir: Path) -> Iterator[RunningService]:
    """A service with a rate limit and without documentation."""
    with running_service(
        request.param, model_dir, RATE_LIMIT=f"{LIMIT}/hour", TRUSTED_PROXIES="127.0.0.0/8", DOCUMENTATION=None
    ) as strict:
        yield strict


_users = (f"user-{number}" for number in itertools.count())


@pytest.fixture
def newcomer(strict: RunningService) -> str:
    """The token of somebody who has asked nothing yet."""
    return sign(claims(user=next(_users)), strict.secret_key)


def answer(response: httpx.Response) -> dict[str, Any]:
    """The answer to a query that was read."""
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/json"
    assert_contract_headers(response)
    body = response.json()
    assert isinstance(body, dict)
    return body


def ask(service: RunningService, token: str, text: str, **variables: object) -> dict[str, Any]:
    """The answer to a query."""
    return answer(send(service, query(text, variables), token))


def refusals(body: dict[str, Any]) -> list[tuple[int, str]]:
    """Status and message of each error, which must be in the contract's form."""
    for error in body["errors"]:
        assert error["message"] == error["extensions"]["error"]
        assert set(error["extensions"]) - {"retry_after"} == {"code", "status", "error", "detail"}
    return [(error["extensions"]["status"], error["message"]) for error in body["errors"]]


def messages(body: dict[str, Any]) -> list[str]:
    """What GraphQL itself complains of, where nothing was executed."""
    assert "data" not in body
    return [error["message"] for error in body["errors"]]


def aliases(count: int, field: str = "predict(features: $features) { prediction }") -> str:
    """Fields side by side."""
    return " ".join(f"a{number}: {field}" for number in range(count))


# --- Answers


def test_predictions_are_those_of_predict(service: RunningService, token: str) -> None:
    for row in random_rows(20, seed=50):
        with service.client(token) as client:
            expected = client.post("/predict", json={"features": row}).json()

        found = ask(service, token, PREDICT, features=row)

        # By now the cache, which both share, has it.
        assert found == {"data": {"predict": renamed(expected | {"cached": True})}}


def test_a_new_row_is_predicted_and_then_cached_for_both(service: RunningService, token: str) -> None:
    [row] = random_rows(1, seed=51)

    first, second = (ask(service, token, PREDICT, features=row)["data"]["predict"] for _ in range(2))

    assert (first["cached"], second["cached"]) == (False, True)
    assert first["prediction"] == second["prediction"]


def test_a_batch_is_that_of_batch_predict(service: RunningService, token: str) -> None:
    rows = random_rows(100, seed=52)
    with service.client(token) as client:
        expected = client.post("/batch-predict", json={"samples": rows}).json()

    found = ask(service, token, BATCH, samples=rows)["data"]["batchPredict"]

    assert 0 < found.pop("inferenceMs") < 10_000
    assert found == renamed({name: value for name, value in expected.items() if name != "inference_ms"})


def test_model_info_is_that_of_model_info_and_open(service: RunningService) -> None:
    expected = send(service, Request("GET", "/model-info")).json()
    metrics = [{"name": name, "value": value} for name, value in expected["metrics"].items()]
    expected = renamed(expected | {"metrics": metrics})
    fields = " ".join(expected).replace("metrics", "metrics { name value }")

    assert ask(service, "", f"{{ modelInfo {{ {fields} }} }}") == {"data": {"modelInfo": expected}}


def test_the_named_operation_is_executed(service: RunningService) -> None:
    text = "query A { a: __typename } query B { b: __typename }"

    assert answer(send(service, query(text, None, "B"))) == {"data": {"b": "Query"}}
    assert messages(answer(send(service, query(text, None, "C")))) == ['Unknown operation named "C".']
    assert messages(answer(send(service, query(text, None, "")))) == ['Unknown operation named "".']


@pytest.mark.parametrize(
    "text",
    [
        "query A { a: __typename } query B { b: __typename }",
        "query A { a: predict(features: [1]) { prediction } } query B { __typename }",
        "fragment f on Query { __typename } query A { ...f } query B { __typename } query C { ...f }",
    ],
)
def test_of_several_operations_none_is_executed_unless_it_is_named(service: RunningService, text: str) -> None:
    refused = answer(send(service, query(text)))

    assert refused == {"errors": [{"message": "Must provide operation name if query contains multiple operations."}]}


@pytest.mark.parametrize("name", [None, "B"])
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{ a: __typename } query B { b: __typename }", "anonymous operation must be the only"),
        ("{ a: __typename } { b: __typename }", "anonymous operation must be the only"),
        ("query B { a: __typename } query B { b: __typename }", "There can be only one operation named 'B'"),
        ("fragment f on Query { __typename }", "operation"),
    ],
)
def test_operations_that_cannot_be_told_apart_are_refused(
    service: RunningService, text: str, complaint: str, name: str | None
) -> None:
    refused = answer(send(service, query(text, None, name)))

    assert "data" not in refused
    assert complaint in " ".join(messages(refused)) or "Unknown operation" in messages(refused)[0]


def test_a_variable_may_stand_within_a_row(service: RunningService, token: str) -> None:
    first, *others = ROW
    text = f"query ($age: Float) {{ predict(features: [$age, {', '.join(map(repr, others))}]) {{ prediction }} }}"

    assert ask(service, token, text, age=first) == ask(
        service, token, "query ($features: Features) { predict(features: $features) { prediction } }", features=ROW
    )


def renamed(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields under GraphQL's names."""
    return {re.sub("_(.)", lambda found: found[1].upper(), name): value for name, value in fields.items()}


# --- What is wrong


@each("fault", FAULTS)
def test_wrong_variables_are_named_as_elsewhere(service: RunningService, token: str, fault: Fault) -> None:
    body = answer(send(service, as_variables(fault.request), token))

    assert (body["data"], refusals(body)) == ({"answer": None}, [(fault.status, fault.error)])


@each("fault", WRITABLE_FAULTS)
def test_wrong_literals_are_named_as_elsewhere(service: RunningService, token: str, fault: Fault) -> None:
    body = answer(send(service, as_literal(fault.request), token))

    assert (body["data"], refusals(body)) == ({"answer": None}, [(fault.status, fault.error)])


@each("accepted", ACCEPTED)
def test_what_others_take_is_taken(service: RunningService, token: str, accepted: Accepted) -> None:
    written, given = (answer(send(service, form(accepted.request), token)) for form in (as_literal, as_variables))

    assert written == given
    assert "errors" not in given


@pytest.mark.parametrize(("field", "missing"), [("predict", "features"), ("batchPredict", "samples")])
def test_an_argument_that_is_left_out_is_missing(service: RunningService, token: str, field: str, missing: str) -> None:
    body = ask(service, token, f"{{ {field} {{ __typename }} }}")

    assert refusals(body) == [(400, f"Missing {missing} field")]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "null_", '"\\ud800"', '"""1"""', "{a: 1}"])
def test_what_is_no_number_in_graphql_is_none(service: RunningService, token: str, value: str) -> None:
    body = ask(service, token, f"{{ predict(features: [{', '.join([value] * 10)}]) {{ prediction }} }}")

    message = body["errors"][0]["message"]
    assert message == "Feature 0 must be a number" or message.startswith("Syntax Error")


def test_one_field_fails_alone(service: RunningService, token: str) -> None:
    body = ask(service, token, "{ predict(features: []) { cached } modelInfo { format } }")

    assert body["data"] == {"predict": None, "modelInfo": {"format": "onnx"}}
    [error] = body["errors"]
    assert (error["path"], error["locations"]) == (["predict"], [{"line": 1, "column": 3}])
    assert error["extensions"] == {
        "code": "BAD_REQUEST",
        "status": 400,
        "error": "Expected 10 features",
        "detail": None,
    }


@each("fault", OUTER_FAULTS)
def test_requests_are_refused_before_graphql_begins(service: RunningService, token: str, fault: Fault) -> None:
    assert_error(send(service, fault.request, token), fault.status, fault.error)


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_that_is_too_large_is_refused(service: RunningService, chunked: bool) -> None:
    body = padded(1_048_577)

    assert_error(send(service, Request("POST", PATH, body=body, chunked=chunked)), 413, "Request body too large")


@pytest.mark.parametrize("operation", ["mutation", "subscription"])
def test_there_are_only_queries(service: RunningService, operation: str) -> None:
    assert messages(ask(service, "", f"{operation} {{ predict }}"))[0].startswith(f"The {operation} operation is not")


NO_QUERIES = ["{", " ", "}", "{ }", "query", "{ nothing }", "{ modelInfo { } }", "{ ... on Query { } }"]


@pytest.mark.parametrize("text", [*NO_QUERIES, "fragment F on Query { __typename }"])
def test_what_is_no_query_is_refused(service: RunningService, text: str) -> None:
    body = ask(service, "", text)

    assert len(messages(body)) == 1
    assert "extensions" not in body["errors"][0], "it is the client's mistake, not the service's"


def test_half_a_character_is_answered(service: RunningService) -> None:
    text = "query ($half: Boolean!) { __typename @skip(if: $half) }"

    assert messages(ask(service, "", text, half="\ud800"))


# --- Tokens


@pytest.mark.parametrize("field", ["predict", "batchPredict"])
@pytest.mark.parametrize(
    ("authorization", "error", "detail"),
    [
        (None, "Token is missing", None),
        ("Bearer", "Token is missing", None),
        ("Bearer no.such.token", "Token is invalid", None),
        ("expired", "Token is invalid", "Token has expired"),
    ],
)
def test_predictions_ask_for_a_token(
    service: RunningService, field: str, authorization: str | None, error: str, detail: str | None
) -> None:
    if authorization == "expired":
        authorization = f"Bearer {sign(claims(exp=1), service.secret_key)}"
    headers = (("Authorization", authorization),) if authorization else ()

    body = answer(send(service, query(f"{{ {field} {{ __typename }} modelInfo {{ format }} }}").with_headers(*headers)))

    assert body["data"] == {field: None, "modelInfo": {"format": "onnx"}}
    [refused] = body["errors"]
    assert refused["message"] == error
    assert refused["extensions"] == {"code": "UNAUTHENTICATED", "status": 401, "error": error, "detail": detail}


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "{}"])
def test_a_token_of_either_service_opens_it(
    services: Mapping[str, RunningService], service: RunningService, form: str
) -> None:
    for issuer in services.values():
        authorization = form.format(issuer.login())
        asked = query(PREDICT, {"features": list(ROW)}).with_headers(("Authorization", authorization))

        assert "errors" not in answer(send(service, asked))


def test_a_request_without_a_token_fails_once_however_many_fields_it_has(service: RunningService) -> None:
    before = scrape(service).value("auth_failures_total", reason="missing")

    body = ask(service, "", f"query ($features: Features) {{ {aliases(50)} }}", features=ROW)

    assert refusals(body) == [(401, "Token is missing")] * 50
    assert scrape(service).value("auth_failures_total", reason="missing") == before + 1


# --- How much a query may ask for


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{ modelInfo { metrics { name { a { b { c } } } } } }", "exceeds maximum operation depth of 4"),
        (f"{{ {aliases(101, '__typename')} }}", "101 aliases found. Allowed: 100"),
        (
            f"{{ ...F }} fragment F on Query {{ {aliases(51, '__typename')} ...G }} "
            f"fragment G on Query {{ {aliases(50, '__typename')} }}",
            "101 aliases found. Allowed: 100",
        ),
        (f"{{ {'__typename ' * 4000} }}", "Document contains more than 4000 tokens"),
        (f"{{ predict(features: {[1] * 4000}) {{ cached }} }}", "Document contains more than 4000 tokens"),
        (f"{{ __typename {'@a' * 2000} }}", "Document contains more than 4000 tokens"),
        (f"{{ {'__typename ' * 501} }}", "501 fields found. Allowed: 500"),
        (f"{{ {'...F ' * 21} }} fragment F on Query {{ __typename }}", "21 fragment spreads found. Allowed: 20"),
        (f"{{ __typename {'@skip(if: false) ' * 400} }}", "can only be used once at this location"),
        (f"{{ __typename {'@a' * 1900} }}", "Unknown directive '@a'."),
        ("{ a" * 300 + " }" * 300, "nested too deeply"),
        (f"{{ predict(features: {'[' * 1000}{']' * 1000}) {{ cached }} }}", "nested too deeply"),
        (f"{{ predict(features: {'{a:' * 900}1{'}' * 900}) {{ cached }} }}", "nested too deeply"),
        ("{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }", "Cannot spread fragment 'F' within"),
        ("{ ...F } fragment F on Query { ...F }", "Cannot spread fragment 'F' within itself"),
        ("{ ...Nobody }", "Unknown fragment 'Nobody'."),
        (
            "{ __schema" + "{ types { fields { type { fields { type { fields { name } } } } } } }}",
            "introspection depth",
        ),
    ],
    ids=lambda value: value if len(value) < 60 and "{" not in value else "",
)
def test_a_query_that_asks_for_too_much_is_refused_at_once(service: RunningService, text: str, complaint: str) -> None:
    response = send(service, query(text))

    assert any(complaint in message for message in messages(answer(response))), response.text[:500]
    assert len(response.content) < 50_000
    assert float(response.headers["X-Process-Time"]) < 2


@pytest.mark.parametrize("spreads", [1, 2])
def test_fragments_that_spread_one_another_are_short_work(service: RunningService, spreads: int) -> None:
    depth = 19 // spreads
    fragments = " ".join(f"fragment F{i} on Query {{ {f'...F{i + 1} ' * spreads} }}" for i in range(depth))
    response = send(service, query(f"{{ ...F0 }} {fragments} fragment F{depth} on Query {{ __typename }}"))

    assert answer(response) == {"data": {"__typename": "Query"}}
    assert float(response.headers["X-Process-Time"]) < 2


def test_as_much_as_is_allowed_is_answered(service: RunningService, token: str) -> None:
    row = ", ".join(map(repr, ROW))
    text = f"{{ {aliases(100, f'predict(features: [{row}]) {{ prediction cached modelVersion }}')} }}"

    data = ask(service, token, text)["data"]

    assert len(data) == 100
    assert len({found["prediction"] for found in data.values()}) == 1


def test_others_are_answered_between_the_fields_of_a_query(service: RunningService, token: str) -> None:
    rows = random_rows(100, seed=53)
    text = f"query ($s: Samples) {{ {aliases(100, 'batchPredict(samples: $s) { count }')} }}"

    data = ask(service, token, text, s=rows)["data"]

    assert [found["count"] for found in data.values()] == [100] * 100


# --- Rate limits


def test_each_row_counts(strict: RunningService, newcomer: str) -> None:
    hundred = f"query ($features: Features) {{ {aliases(100)} }}"
    batch = "query ($samples: Samples) { batchPredict(samples: $samples) { count } }"

    assert "errors" not in ask(strict, newcomer, hundred, features=ROW)
    assert "errors" not in ask(strict, newcomer, batch, samples=[ROW] * (LIMIT - 100))

    refused = send(strict, Request("GET", "/model-info"), newcomer)
    assert_error(refused, 429, "Too many requests")
    assert refused.headers["RateLimit"].startswith('"default";r=0;')
    assert_error(send(strict, query(PREDICT, {"features": list(ROW)}), newcomer), 429, "Too many requests")


def test_rows_that_do_not_fit_are_refused_and_cost_the_request_alone(strict: RunningService, newcomer: str) -> None:
    text = "query ($samples: Samples) { batchPredict(samples: $samples) { count } }"
    before = scrape(strict).value("rate_limited_requests_total", handler=PATH)
    assert "errors" not in ask(strict, newcomer, text, samples=[ROW] * 100)

    body = ask(strict, newcomer, text, samples=[ROW] * (LIMIT - 99))

    assert refusals(body) == [(429, "Too many requests")]
    assert body["data"] == {"batchPredict": None}
    [error] = body["errors"]
    assert error["extensions"]["code"] == "TOO_MANY_REQUESTS"
    assert 1 <= error["extensions"]["retry_after"] <= 3600
    assert scrape(strict).value("rate_limited_requests_total", handler=PATH) == before + 1
    assert "errors" not in ask(strict, newcomer, text, samples=[ROW] * (LIMIT - 101))
    assert send(strict, Request("GET", "/model-info"), newcomer).status_code == 429


def test_what_is_left_is_predicted_and_the_rest_refused_once(strict: RunningService, newcomer: str) -> None:
    text = f"query ($features: Features) {{ {aliases(100)} }}"
    before = scrape(strict)
    assert "errors" not in ask(strict, newcomer, text, features=ROW)

    body = ask(strict, newcomer, text, features=ROW)

    after = scrape(strict)
    assert [found is not None for found in body["data"].values()] == [True] * (LIMIT - 100) + [False] * 50
    assert refusals(body) == [(429, "Too many requests")] * 50
    assert change(before, after, "rate_limited_requests_total") == 1
    assert change(before, after, "predictions_total") == LIMIT


def test_what_predicts_nothing_counts_as_one_request(strict: RunningService, newcomer: str) -> None:
    queries = [
        f"{{ {aliases(100, 'predict(features: []) { cached }')} }}",
        f"{{ {aliases(100, 'modelInfo { format }')} }}",
        "{",
        INTROSPECTION,
    ]

    for text in queries:
        ask(strict, newcomer, text)

    rest = f"query ($samples: Samples) {{ {aliases(2, 'batchPredict(samples: $samples) { count }')} }}"
    assert "errors" not in ask(strict, newcomer, rest, samples=[ROW] * ((LIMIT - len(queries)) // 2))
    assert send(strict, Request("GET", "/model-info"), newcomer).status_code == 429


# --- Metrics


def test_queries_and_their_rows_are_counted(service: RunningService, token: str) -> None:
    [row] = random_rows(1, seed=54)
    before = scrape(service)

    ask(
        service,
        token,
        "query ($f: Features) { a: predict(features: $f) {cached} b: predict(features: $f) {cached} }",
        f=row,
    )
    ask(service, token, BATCH, samples=[row] * 7)

    def answered() -> float:
        return change(before, scrape(service), "http_requests_total", method="POST", status="200")

    # The other worker may answer the scrape before this one has counted what it has sent.
    wait_until(lambda: answered() == 2, "both queries counted")
    after = scrape(service)
    assert change(before, after, "predictions_total") == 9
    assert change(before, after, "model_inference_duration_seconds_count") == 2
    assert answered() == 2


def change(before: Any, after: Any, name: str, **labels: str) -> float:  # noqa: ANN401 - expositions
    """By how much a metric of this endpoint has risen."""
    rise: float = after.value(name, handler=PATH, **labels) - before.value(name, handler=PATH, **labels)
    return rise


# --- Documentation


def test_the_schema_describes_itself_where_the_service_is_documented(
    service: RunningService, strict: RunningService, newcomer: str
) -> None:
    assert {"name": "Prediction"} in ask(service, "", INTROSPECTION)["data"]["__schema"]["types"]
    for text in (INTROSPECTION, '{ __type(name: "Query") { name } }'):
        assert "introspection has been disabled" in messages(ask(strict, newcomer, text))[0]
    assert ask(strict, newcomer, "{ __typename }") == {"data": {"__typename": "Query"}}
    assert "Did you mean" in messages(ask(service, "", "{ modelinfo { format } }"))[0]
    assert "Did you mean" not in messages(ask(strict, newcomer, "{ modelinfo { format } }"))[0]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_browser_gets_graphiql_where_the_service_is_documented(
    service: RunningService, strict: RunningService, method: str
) -> None:
    page = send(service, Request(method, PATH, PAGE))

    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert_contract_headers(page)
    assert (b"GraphiQL" in page.content) == (method == "GET")
    refused = send(strict, Request(method, PATH, PAGE))
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_who_asks_for_no_page_is_told_to_post(service: RunningService, method: str) -> None:
    for headers in ((), (("Accept", "application/json"),), (("Accept", "*/*"),)):
        response = send(service, Request(method, PATH + "?query={__typename}", headers))

        assert (response.status_code, response.headers["Allow"]) == (405, "POST")
        if method != "HEAD":
            assert_error(response, 405, "Method not allowed")


@pytest.mark.parametrize("target", ["/graphql/", "/GraphQL", "/graphql%0a", "/graphiql"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_paths_are_not_found(service: RunningService, method: str, target: str) -> None:
    assert_error(send(service, Request(method, target, PAGE)), 404, "Not found")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", without_besides("graphql"))
def test_other_services_have_none(started_service: StartedService, name: str, method: str) -> None:
    assert_error(send(started_service(name), Request(method, PATH, PAGE)), 404, "Not found")


def test_the_page_loads_nothing_from_elsewhere(service: RunningService) -> None:
    page = send(service, Request("GET", PATH, PAGE)).text

    assert not re.findall(r"""["'(](?:https?:)?//[^"')]+""", page)
    loaded = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)""", page)
    assert len(loaded) == 5
    with service.client() as client:
        types = {asset: client.get(asset).headers["Content-Type"].partition(";")[0] for asset in loaded}
        assert {path.rpartition(".")[2]: found for path, found in types.items()} == {
            "js": "text/javascript",
            "css": "text/css",
            "png": "image/png",
        }
        assert "GraphiQL" in client.get("/docs/graphiql.min.js").text
