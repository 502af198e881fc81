"""Bodies as bytes: size, content type, JSON."""

from support.wire import JSON_TYPE, LIMIT_BYTES, Request

from contract.cases import Accepted, Fault, array, literals

POST_PATHS = ("/login", "/predict", "/batch-predict")

_FEATURES = f'"features": {array(literals())}'
GOOD = f"{{{_FEATURES}}}".encode()

MALFORMED = {
    "a letter": b"x",
    "open": b'{"features": [1, 2',
    "trailing comma": b'{"features": [1, 2, 3,]}',
    "trailing comma in the object": GOOD[:-1] + b",}",
    "single quotes": b"{'features': []}",
    "bare key": b"{features: []}",
    "comment": b"/* ten */ " + GOOD,
    "two documents": GOOD + GOOD,
    "trailing letter": GOOD + b"x",
    "trailing NUL": GOOD + b"\0",
    "leading zero": f'{{"features": {array(literals({1: "01"}))}}}'.encode(),
    "plus sign": f'{{"features": {array(literals({1: "+1"}))}}}'.encode(),
    "no digit before the point": f'{{"features": {array(literals({1: ".5"}))}}}'.encode(),
    "no digit after the point": f'{{"features": {array(literals({1: "1."}))}}}'.encode(),
    "no exponent": f'{{"features": {array(literals({1: "1e"}))}}}'.encode(),
    "hexadecimal": f'{{"features": {array(literals({1: "0x10"}))}}}'.encode(),
    "only a minus": f'{{"features": {array(literals({1: "-"}))}}}'.encode(),
    "NaN": f'{{"features": {array(literals({1: "NaN"}))}}}'.encode(),
    "Infinity": f'{{"features": {array(literals({1: "Infinity"}))}}}'.encode(),
    "-Infinity": f'{{"features": {array(literals({1: "-Infinity"}))}}}'.encode(),
    "NaN alone": b"NaN",
    "NaN in an unknown field": GOOD[:-1] + b', "note": NaN}',
    "True": f'{{"features": {array(literals({1: "True"}))}}}'.encode(),
    "newline in a string": GOOD[:-1] + b', "note": "a\nb"}',
    "unknown escape": GOOD[:-1] + b', "note": "\\x41"}',
    "broken unicode escape": GOOD[:-1] + b', "note": "\\u12"}',
    "byte that is not UTF-8": GOOD[:-1] + b', "note": "\xff"}',
    "Latin-1": GOOD[:-1] + ', "note": "é"}'.encode("latin-1"),
    "overlong UTF-8": GOOD[:-1] + b', "note": "\xc0\xaf"}',
    "surrogate in UTF-8": GOOD[:-1] + b', "note": "\xed\xa0\x80"}',
    "key that is not UTF-8": GOOD[:-1] + b', "\xfe": 1}',
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-16 without mark": GOOD.decode().encode("utf-16-le"),
    "UTF-32": GOOD.decode().encode("utf-32"),
    "100,000 brackets": b"[" * 100_000,
    "100,000 lists": b"[" * 100_000 + b"]" * 100_000,
    "100,000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "100,000 lists in an unknown field": GOOD[:-1] + b', "note": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}
NO_OBJECTS = {
    "null": b"null",
    "true": b"true",
    "false": b"false",
    "zero": b"0",
    "number": b"1.5",
    "string": b'"features"',
    "empty string": b'""',
    "empty list": b"[]",
    "list": b"[1, 2, 3]",
    "list of objects": b"[" + GOOD + b"]",
}

BODY_FAULTS = [
    *[
        Fault(f"{path} {label}", Request("POST", path, body=body), 400, "Malformed JSON")
        for path in POST_PATHS
        for label, body in MALFORMED.items()
    ],
    *[
        Fault(f"{path} {label}", Request("POST", path, body=body), 400, "Request body must be a JSON object")
        for path in POST_PATHS
        for label, body in NO_OBJECTS.items()
    ],
    *[
        Fault(f"{path} {label}", Request("POST", path, body=body), 400, "No data provided")
        for path in POST_PATHS
        for label, body in {"no body": b"", "empty object": b"{}", "empty object with space": b" {\n} \t"}.items()
    ],
    *[
        Fault(f"{path} no body, chunked", Request("POST", path, chunked=True), 400, "No data provided")
        for path in POST_PATHS
    ],
]

BODY_ACCEPTED = [
    Accepted("unknown fields", Request("POST", "/predict", body=GOOD[:-1] + b', "note": {"deep": [null, {}]}}')),
    Accepted(
        "unknown field in any script", Request("POST", "/predict", body=GOOD[:-1] + ', "имя": "日本 🎉"}'.encode())
    ),
    Accepted(
        "unknown field nested 100 deep",
        Request("POST", "/predict", body=GOOD[:-1] + b', "note": ' + b"[" * 100 + b"]" * 100 + b"}"),
    ),
    Accepted(
        "key written with escapes", Request("POST", "/predict", body=GOOD.replace(b"features", b"\\u0066eatures"))
    ),
    Accepted(
        "number beyond a double in an unknown field", Request("POST", "/predict", body=GOOD[:-1] + b', "note": 1e400}')
    ),
    Accepted(
        "number of 5000 digits in an unknown field",
        Request("POST", "/predict", body=GOOD[:-1] + b', "note": 1' + b"0" * 5000 + b"}"),
    ),
    Accepted(
        "NUL escaped in an unknown field", Request("POST", "/predict", body=GOOD[:-1] + b', "\\u0000": "\\u0000"}')
    ),
    Accepted("white space around", Request("POST", "/predict", body=b" \r\n\t" + GOOD + b"\n\n")),
    Accepted(
        "repeated key, last one good", Request("POST", "/predict", body=f'{{"features": "no", {_FEATURES}}}'.encode())
    ),
    Accepted("chunked", Request("POST", "/predict", body=GOOD, chunked=True)),
    Accepted("query", Request("POST", "/predict?features=none&x=%ff", body=GOOD)),
]

REPEATED_KEY = Fault(
    "repeated key, last one bad",
    Request("POST", "/predict", body=f'{{{_FEATURES}, "features": "no"}}'.encode()),
    400,
    "Features must be a list",
)

CONTENT_TYPES_ACCEPTED = [
    Accepted(repr(value), Request("POST", "/predict", headers=(("Content-Type", value),), body=GOOD))
    for value in (
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json ; x=y; z",
        "Application/JSON",
        "APPLICATION/JSON; CHARSET=UTF-8",
    )
]
CONTENT_TYPE_FAULTS = (
    [
        Fault(
            f"{path} {value!r}",
            Request("POST", path, headers=(("Content-Type", value),), body=GOOD),
            415,
            "Content-Type must be application/json",
        )
        for path in POST_PATHS
        for value in (
            "",
            ";",
            "text/plain",
            "text/json",
            "application/jsonx",
            "application/json/",
            "application/vnd.api+json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "json",
            "text/plain; application/json",
        )
    ]
    + [
        Fault(
            f"{path} none", Request("POST", path, headers=(), body=GOOD), 415, "Content-Type must be application/json"
        )
        for path in POST_PATHS
    ]
    + [
        Fault(
            f"{path} none and no body", Request("POST", path, headers=()), 415, "Content-Type must be application/json"
        )
        for path in POST_PATHS
    ]
)


def padded(size: int) -> bytes:
    """Return a good body of exactly this many bytes."""
    return GOOD + b" " * (size - len(GOOD))


SIZES_ACCEPTED = [
    Accepted("limit", Request("POST", "/predict", body=padded(LIMIT_BYTES))),
    Accepted("limit, chunked", Request("POST", "/predict", body=padded(LIMIT_BYTES), chunked=True)),
]
SIZE_FAULTS = [
    *[
        Fault(f"{path} {label}", request, 413, "Request body too large")
        for path in (*POST_PATHS, "/cache/clear")
        for label, request in {
            "one above": Request("POST", path, body=padded(LIMIT_BYTES + 1)),
            "one above, chunked": Request("POST", path, body=padded(LIMIT_BYTES + 1), chunked=True),
            "4 MiB": Request("POST", path, body=padded(4 * LIMIT_BYTES)),
            "4 MiB, chunked": Request("POST", path, body=padded(4 * LIMIT_BYTES), chunked=True),
            "declared, not sent": Request("POST", path, (*JSON_TYPE, ("Content-Length", str(LIMIT_BYTES + 1)))),
            "declared a terabyte": Request("POST", path, (*JSON_TYPE, ("Content-Length", "1" + "0" * 12))),
            "declared with 100-continue": Request(
                "POST", path, (*JSON_TYPE, ("Content-Length", str(LIMIT_BYTES + 1)), ("Expect", "100-continue"))
            ),
        }.items()
    ],
    Fault(
        "GET /health declared",
        Request("GET", "/health", (("Content-Length", str(LIMIT_BYTES + 1)),)),
        413,
        "Request body too large",
    ),
]
