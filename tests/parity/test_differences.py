"""What two answers differ in, named as a client would name it."""

import re

import pytest
from serving_lab.parity.judgement import exchanges
from serving_lab.parity.judgement.addresses import without_address
from serving_lab.parity.judgement.difference import DifferenceKind
from serving_lab.parity.judgement.rules import Rules, Tolerance
from serving_lab.wire.message import Answer, Ending, Exchange

from parity.exchanges import EXPOSITION, JSON, answer


def found(primary: Exchange, candidate: Exchange, rules: Rules | None = None) -> list[tuple[str, str]]:
    return [
        (d.kind, d.where) for d in exchanges.fold(list(exchanges.differences(primary, candidate, rules or Rules())))
    ]


@pytest.mark.parametrize(
    ("primary", "candidate", "kind", "where"),
    [
        ({"a": 1}, {}, DifferenceKind.MISSING, "$.a"),
        ({}, {"a": 1}, DifferenceKind.EXTRA, "$.a"),
        ({"a": None}, {}, DifferenceKind.NULL_OR_ABSENT, "$.a"),
        ({}, {"a": None}, DifferenceKind.NULL_OR_ABSENT, "$.a"),
        ({"a": 1}, {"a": "1"}, DifferenceKind.TYPE, "$.a"),
        ({"a": True}, {"a": 1}, DifferenceKind.TYPE, "$.a"),
        ({"a": True}, {"a": False}, DifferenceKind.VALUE, "$.a"),
        ({"a": 1}, {"a": 1.0}, DifferenceKind.NUMBER_TYPE, "$.a"),
        ([1.0, 2.0], [1.0, 2.000002], DifferenceKind.NUMBER, "$[*]"),
        ([1], [1.0], DifferenceKind.NUMBER_TYPE, "$[*]"),
        ([1, 2], [2, 1], DifferenceKind.ORDER, "$"),
        ([1, 2], [1, 2, 3], DifferenceKind.LENGTH, "$"),
        ({"a b": "x"}, {"a b": "y"}, DifferenceKind.TEXT, '$["a b"]'),
        ({"a": [{"b": "x"}]}, {"a": [{"b": "y"}]}, DifferenceKind.TEXT, "$.a[*].b"),
        (1.5, float("nan"), DifferenceKind.TYPE, "$"),
        ({"a": 1}, b'{"a": 1, "a": 1}', DifferenceKind.REPEATED, "$"),
        ({"a": 1}, b"<p>1</p>", DifferenceKind.BODY, "body"),
        ({"a": 1}, b"", DifferenceKind.BODY, "body"),
    ],
    ids=str,
)
def test_a_difference_between_documents_has_one_name(
    primary: object, candidate: object, kind: DifferenceKind, where: str
) -> None:
    assert found(answer(primary), answer(candidate)) == [(kind, where)]


@pytest.mark.parametrize(
    ("primary", "candidate"),
    [
        (b'{"a": 1, "b": 2}', b' {"b":2,"a":1}\n'),
        (b'[{"a": 1, "b": 2}]', b'[{"b": 2, "a": 1}]'),
        (b'{"a": "\\u00e4"}', '{"a": "ä"}'.encode()),
        (b"[1e-5, 100.0]", b"[0.00001, 1e2]"),
    ],
)
def test_what_json_does_not_tell_apart_is_no_difference(primary: bytes, candidate: bytes) -> None:
    assert found(answer(primary), answer(candidate)) == []


@pytest.mark.parametrize(
    ("primary", "candidate", "kind"),
    [
        (("x-a", "1"), None, DifferenceKind.HEADER_MISSING),
        (None, ("x-a", "1"), DifferenceKind.HEADER_EXTRA),
        (("x-a", "1"), ("x-a", "2"), DifferenceKind.HEADER_VALUE),
        (("allow", "GET, HEAD"), ("allow", "GET"), DifferenceKind.HEADER_VALUE),
    ],
)
def test_headers(primary: tuple[str, str] | None, candidate: tuple[str, str] | None, kind: DifferenceKind) -> None:
    left, right = (answer(None, JSON, *([header] if header else [])) for header in (primary, candidate))

    assert found(left, right) == [(kind, f"header {(primary or candidate or ('',))[0]}")]


@pytest.mark.parametrize(
    ("primary", "candidate"),
    [
        (("allow", "GET, HEAD"), ("allow", "head,get")),
        (("content-length", "10"), ("content-length", "12")),
        (("connection", "keep-alive"), ("keep-alive", "timeout=5")),
        (("content-length", "10"), ("transfer-encoding", "chunked")),
        (("content-type", "application/json; Charset=UTF-8"), ("content-type", "application/json;charset=utf-8")),
    ],
)
def test_what_headers_do_not_tell_apart_is_no_difference(primary: tuple[str, str], candidate: tuple[str, str]) -> None:
    left, right = (answer(None, header, ("x", "y")) for header in (primary, candidate))

    assert found(left, right) == []


def test_a_charset_is_a_content_type() -> None:
    latin = answer(None, ("content-type", "application/json; charset=latin-1"))

    assert found(answer(None), latin) == [(DifferenceKind.CONTENT_TYPE, "header content-type")]


def test_what_follows_from_another_status_is_told_with_it() -> None:
    other = answer({"detail": []}, JSON, ("x-a", "1"), status=422)

    (difference,) = exchanges.fold(list(exchanges.differences(answer({"error": "no"}, status=400), other, Rules())))

    assert (difference.primary, difference.candidate) == ("400", "422")
    assert set(difference.follows) == {"header extra: header x-a", "missing field: $.error", "extra field: $.detail"}


def test_a_page_instead_of_json_is_one_difference() -> None:
    page = answer(b"<p>no</p>", ("content-type", "text/html"))

    assert found(answer({"a": 1}), page) == [(DifferenceKind.CONTENT_TYPE, "header content-type")]


@pytest.mark.parametrize(("second", "same"), [(1.0 + 1e-10, True), (1.0 + 1e-8, False)])
def test_numbers_may_differ_within_a_stated_tolerance(second: float, *, same: bool) -> None:
    rules = Rules(tolerances=(Tolerance("$.a[*]", relative=1e-9),))

    assert (found(answer({"a": [1.0]}), answer({"a": [second]}), rules) == []) is same
    assert found(answer({"b": [1.0]}), answer({"b": [second]}), rules) == [(DifferenceKind.NUMBER, "$.b[*]")]


def test_order_means_nothing_where_the_rules_say_so() -> None:
    rules = Rules(unordered=frozenset({"$.tags"}))

    assert found(answer({"tags": ["a", "b"]}), answer({"tags": ["b", "a"]}), rules) == []
    assert found(answer({"tags": ["a", "b"]}), answer({"tags": ["b", "c"]}), rules) != []


def test_what_was_counted_before_is_not_compared_but_that_it_counts_is() -> None:
    rules = Rules(counters=frozenset({"$.evictions"}))

    assert found(answer({"evictions": 0}), answer({"evictions": 4372}), rules) == []
    assert found(answer({"evictions": 0}), answer({"evictions": "4372"}), rules) == [
        (DifferenceKind.TYPE, "$.evictions")
    ]
    assert found(answer({"evictions": 0}), answer({"evictions": None}), rules) == [(DifferenceKind.TYPE, "$.evictions")]
    grown = answer({"evictions": {"grown": 0}}), answer({"evictions": {"grown": 1}})
    assert found(*grown, rules) == [(DifferenceKind.NUMBER, "$.evictions.grown")]


@pytest.mark.parametrize(
    ("candidate", "kind"),
    [
        (b"# HELP b_total B\n# TYPE b_total counter\nb_total 1\n", DifferenceKind.METRIC_MISSING),
        (b"# HELP a_total A\n# TYPE a_total gauge\na_total 1\n", DifferenceKind.METRIC_MISSING),
        (b'# HELP a_total A\n# TYPE a_total counter\na_total{x="1"} 1\n', DifferenceKind.METRIC_FORM),
        (b"# HELP a_total other\n# TYPE a_total counter\na_total 1\n", DifferenceKind.METRIC_FORM),
        (b"<p>no</p>", DifferenceKind.BODY),
    ],
)
def test_metrics_are_compared_by_their_families(candidate: bytes, kind: DifferenceKind) -> None:
    primary = answer(b"# HELP a_total A\n# TYPE a_total counter\na_total 1\n", EXPOSITION)

    assert kind in [kind for kind, _ in found(primary, answer(candidate, EXPOSITION))]


def test_what_metrics_count_is_no_difference() -> None:
    one, two = (b'# HELP a_total A\n# TYPE a_total counter\na_total{x="%d"} %d\n' % (n, n) for n in (1, 2))

    assert found(answer(one, EXPOSITION), answer(two, EXPOSITION)) == []


OPEN_METRICS = ("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
COUNTER = b"# HELP a A\n# TYPE a counter\na_total %d\n"


@pytest.mark.parametrize(
    ("primary", "candidate", "kinds"),
    [
        (COUNTER % 1 + b"# EOF\n", COUNTER % 2 + b"# EOF\n", []),
        (COUNTER % 1 + b"# EOF\n", COUNTER % 2, [DifferenceKind.BODY]),
        (COUNTER % 1, COUNTER % 2, []),
        (COUNTER % 1, COUNTER % 2 + b"# TYPE b gauge\nb 1\n", [DifferenceKind.METRIC_EXTRA]),
    ],
    ids=["alike", "without its end", "both without their end", "both without, and one more"],
)
def test_open_metrics_are_read_as_such(primary: bytes, candidate: bytes, kinds: list[DifferenceKind]) -> None:
    differences = found(answer(primary, OPEN_METRICS), answer(candidate, OPEN_METRICS))

    assert [kind for kind, _ in differences] == kinds


def test_a_family_in_two_blocks_is_one() -> None:
    one = b'# HELP a A\n# TYPE a gauge\na{x="1"} 1\na{y="1"} 1\n# TYPE b gauge\nb 1\n'
    two = b'# HELP a A\n# TYPE a gauge\na{x="1"} 1\n# TYPE b gauge\nb 1\na{y="1"} 1\n'

    assert found(answer(one, EXPOSITION), answer(two, EXPOSITION)) == []


@pytest.mark.parametrize(
    ("primary", "candidate", "kind"),
    [
        (b'{"a": 1}', b'\xef\xbb\xbf{"a": 1}', DifferenceKind.ENCODING),
        (b'{"a": 1}', '{"a": 1}'.encode("utf-16"), DifferenceKind.ENCODING),
        (b"1e999", b"1e998", DifferenceKind.NUMBER),
        (b"[-1e999]", b"[1e999]", DifferenceKind.NUMBER),
        (b"1e-999", b"1e-998", DifferenceKind.NUMBER),
        (b"1" + b"0" * 400, b"1.0", DifferenceKind.NUMBER),
        (b"[" * 900 + b"1" + b"]" * 900, b"[" * 900 + b"2" + b"]" * 900, DifferenceKind.BODY),
    ],
    ids=["byte-order mark", "UTF-16", "huge", "huge and negative", "tiny", "an integer and a float", "deep"],
)
def test_what_a_lenient_reader_would_not_tell_apart(primary: bytes, candidate: bytes, kind: DifferenceKind) -> None:
    assert kind in [each for each, _ in found(answer(primary), answer(candidate))]


def test_one_extreme_number_has_several_spellings() -> None:
    assert found(answer(b"[1e999, 1.50e-999]"), answer(b"[10e998, 15e-1000]")) == []


@pytest.mark.parametrize(
    ("primary", "candidate", "same"),
    [
        (b"data: 1\n\ndata: 2\n\ndata", b"data: 1\n\n", True),
        (b"data: 1\n\ndata: 2\n\n", b"data: 1\n\ndata: 3\n\ndata: 4\n\n", False),
        (b"aaaa", b"aaaaaaa", True),
        (b"aaaa", b"aabaaaa", False),
    ],
)
def test_of_answers_that_do_not_end_what_both_have_is_compared(primary: bytes, candidate: bytes, *, same: bool) -> None:
    left, right = (Exchange((Answer(200, (), body, cut=True),), Ending.UNFINISHED) for body in (primary, candidate))

    assert (found(left, right) == []) is same


def test_more_than_was_announced_is_named() -> None:
    (one,) = answer({"a": 1}).answers

    assert found(Exchange((one,), Ending.KEPT), Exchange((one,), Ending.SURPLUS)) == [
        (DifferenceKind.FRAMING, "connection")
    ]


@pytest.mark.parametrize(
    "said",
    [
        r'{"next": "http:\/\/HOST\/x"}',
        '{"host": "HOST"}',
        "//HOST/a",
        "ws://HOST/a",
        "to=http%3A%2F%2FHOST%2Fx",
        "http://localhost:PORT/x",
        "http://HOST",
        r"http:\\/\\/HOST\\/x",
        r"http:\u002F\u002FHOST",
        "http:&#x2F;&#x2F;HOST&#47;x",
        "http%253A%252F%252FHOST",
        '{"port": PORT, "more": {"SERVER_PORT":"PORT", "serverPort": PORT}}',
        r'{"text": "{\"port\": PORT}"}',
        "PORT=PORT",
        "Listening on port PORT",
        "<port>PORT</port>",
    ],
)
def test_an_own_address_is_the_same_on_both_sides(said: str) -> None:
    def of(port: int) -> Exchange:
        text = re.sub(r"HOST|\bPORT\b(?!=)", lambda name: ("" if name[0] == "PORT" else "127.0.0.1:") + str(port), said)
        one = Answer(200, (("x-link", text),), text.encode())
        return without_address(Exchange((one,), Ending.KEPT), f"http://127.0.0.1:{port}")

    assert found(of(5001), of(50010)) == []


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("x-a", '{"hostname": "HOST"}'),
        ("x-a", "sid=1; Domain=HOST; Path=/"),
        ("x-forwarded-host", "HOST"),
        ("x-forwarded-port", "PORT"),
    ],
)
def test_a_bare_host_or_port_is_the_same_where_its_name_says_so(header: str, text: str) -> None:
    def of(host: str, port: int, header: str = header) -> Exchange:
        one = Answer(200, ((header, text.replace("HOST", host).replace("PORT", str(port))),), b"")
        return without_address(Exchange((one,), Ending.KEPT), f"http://{host}:{port}")

    assert found(of("old", 5000), of("new.example", 8000)) == []
    assert (found(of("old", 5000, "x-b"), of("new.example", 8000, "x-b")) != []) is header.startswith("x-forwarded")


@pytest.mark.parametrize("text", ['{"price": PORT}', '{"report": PORT}', '{"port": PORT1}', '{"name": "HOST"}'])
def test_a_number_or_a_word_that_is_a_port_or_a_host_by_chance_still_differs(text: str) -> None:
    left, right = (
        without_address(answer(text.replace("HOST", host).replace("PORT", port).encode()), f"http://{host}:{port}")
        for host, port in (("old", "5000"), ("new", "8000"))
    )

    assert found(left, right) != []


def test_a_port_that_is_the_others_still_differs() -> None:
    left, right = (without_address(answer(b'{"port": 5000}'), f"http://127.0.0.1:{port}") for port in (5000, 8000))

    assert found(left, right) != []


@pytest.mark.parametrize(
    ("primary", "candidate"),
    [("http://HOST/a", "/a"), ("http://HOST/a", "https://HOST/a"), ("http://HOST/a", "//HOST/a"), ("HOST", "HOST1")],
)
def test_an_address_that_is_another_still_differs(primary: str, candidate: str) -> None:
    left, right = (
        without_address(answer(text.replace("HOST", host).encode()), f"http://{host}")
        for text, host in ((primary, "127.0.0.1:5001"), (candidate, "127.0.0.1:5002"))
    )

    assert found(left, right) != []


def test_an_answer_fewer_and_a_connection_closed() -> None:
    one = answer({"a": 1}).answers

    assert found(Exchange(one * 2, Ending.KEPT), Exchange(one, Ending.CLOSED)) == [
        (DifferenceKind.NO_ANSWER, "connection")
    ]
    assert found(Exchange(one, Ending.KEPT), Exchange(one, Ending.CLOSED)) == [
        (DifferenceKind.CONNECTION, "connection")
    ]
    assert found(Exchange((), Ending.TIMED_OUT), Exchange((), Ending.CLOSED)) == [
        (DifferenceKind.NO_ANSWER, "connection")
    ]
