"""Bodies of /predict and /batch-predict that are JSON objects, field by field."""

from support.wire import Request

from contract.cases import Accepted, Fault, array, literals


def _predict(features: str) -> Request:
    return Request("POST", "/predict", body=f'{{"features": {features}}}'.encode())


def _batch(samples: str) -> Request:
    return Request("POST", "/batch-predict", body=f'{{"samples": {samples}}}'.encode())


def _rows(*changes: dict[int, str]) -> str:
    return array(array(literals(change)) for change in changes)


NO_NUMBERS = {
    "true": "true",
    "false": "false",
    "null": "null",
    "string": '"1.5"',
    "empty string": '""',
    "list": "[1]",
    "object": '{"value": 1}',
    "word NaN": '"NaN"',
}
OUT_OF_RANGE = {
    "1001": "1001",
    "-1001": "-1001",
    "next double above 1000": "1000.0000000000001",
    "next double below -1000": "-1000.0000000000001",
    "1e300": "1e300",
    "overflow 1e400": "1e400",
    "overflow -1e400": "-1e400",
    "19 digits": "9223372036854775807",
    "20 digits": "18446744073709551616",
    "400 digits": "1" + "0" * 400,
    "5000 digits": "1" + "0" * 5000,
    "-5000 digits": "-1" + "0" * 5000,
}
IN_RANGE = {
    "upper boundary": "1000",
    "lower boundary": "-1000",
    "boundary as double": "1000.0",
    "exponent": "1E3",
    "exponent with sign": "1e+2",
    "zero": "0",
    "minus zero": "-0",
    "minus zero double": "-0.0",
    "smallest double": "5e-324",
    "underflow": "1e-400",
    "5000 decimals": "0." + "3" * 5000,
    "rounds to the boundary": "1000.00000000000000000001",
    "many digits": "12.345678901234567890123",
}
NO_LISTS = {
    "null": "null",
    "object": "{}",
    "object with rows": '{"0": 1}',
    "string of ten": '"0123456789"',
    "number": "10",
    "true": "true",
    "false": "false",
}

PREDICT_FAULTS = [
    Fault("no features", Request("POST", "/predict", body=b'{"feature": []}'), 400, "Missing features field"),
    Fault(
        "features in other case", Request("POST", "/predict", body=b'{"Features": []}'), 400, "Missing features field"
    ),
    *[
        Fault(f"features is {label}", _predict(text), 400, "Features must be a list")
        for label, text in NO_LISTS.items()
    ],
    *[
        Fault(f"{count} features", _predict(array(["1.0"] * count)), 400, "Expected 10 features")
        for count in (0, 1, 9, 11, 1000)
    ],
    Fault("9 features, none a number", _predict(array(["null"] * 9)), 400, "Expected 10 features"),
    *[
        Fault(f"feature is {label}", _predict(array(literals({4: text}))), 400, "Feature 4 must be a number")
        for label, text in NO_NUMBERS.items()
    ],
    *[
        Fault(
            f"feature is {label}",
            _predict(array(literals({7: text}))),
            400,
            "Feature 7 out of valid range [-1000, 1000]",
        )
        for label, text in OUT_OF_RANGE.items()
    ],
    *[
        Fault(f"feature {i}", _predict(array(literals({i: "null"}))), 400, f"Feature {i} must be a number")
        for i in range(10)
    ],
    Fault(
        "out of range before no number",
        _predict(array(literals({2: "2000", 6: "null"}))),
        400,
        "Feature 2 out of valid range [-1000, 1000]",
    ),
    Fault(
        "no number before out of range",
        _predict(array(literals({2: "null", 6: "2000"}))),
        400,
        "Feature 2 must be a number",
    ),
    Fault(
        "two out of range",
        _predict(array(literals({8: "1e400", 3: "-1000.1"}))),
        400,
        "Feature 3 out of valid range [-1000, 1000]",
    ),
    Fault("ten rows of ten", _predict(_rows(*[{}] * 10)), 400, "Feature 0 must be a number"),
]

PREDICT_ACCEPTED = [
    *[Accepted(label, _predict(array(literals({5: text})))) for label, text in IN_RANGE.items()],
    Accepted("all integers", _predict(array(str(value) for value in range(10)))),
]

_GOOD_ROW = array(literals())

BATCH_FAULTS = [
    Fault("no samples", Request("POST", "/batch-predict", body=b'{"features": []}'), 400, "Missing samples field"),
    *[Fault(f"samples is {label}", _batch(text), 400, "Samples must be a list") for label, text in NO_LISTS.items()],
    Fault("empty", _batch("[]"), 400, "Samples must not be empty"),
    Fault("101 rows", _batch(_rows(*[{}] * 101)), 400, "Maximum 100 samples allowed"),
    Fault("101 nulls", _batch(array(["null"] * 101)), 400, "Maximum 100 samples allowed"),
    *[
        Fault(f"sample is {label}", _batch(array([_GOOD_ROW, text])), 400, "Sample 1 must be a list")
        for label, text in NO_LISTS.items()
    ],
    *[
        Fault(
            f"{count} features",
            _batch(array([_GOOD_ROW, _GOOD_ROW, array(["1"] * count)])),
            400,
            "Sample 2 must have 10 features",
        )
        for count in (0, 9, 11)
    ],
    *[
        Fault(f"feature is {label}", _batch(_rows({}, {9: text})), 400, "Sample 1 feature 9 must be a number")
        for label, text in NO_NUMBERS.items()
    ],
    *[
        Fault(
            f"feature is {label}", _batch(_rows({0: text})), 400, "Sample 0 feature 0 out of valid range [-1000, 1000]"
        )
        for label, text in OUT_OF_RANGE.items()
    ],
    Fault(
        "fault in the hundredth row",
        _batch(_rows(*[{}] * 99, {3: "true"})),
        400,
        "Sample 99 feature 3 must be a number",
    ),
    Fault(
        "value before a later row's type",
        _batch(array([array(literals({1: "5000"})), "7"])),
        400,
        "Sample 0 feature 1 out of valid range [-1000, 1000]",
    ),
    Fault(
        "row's type before a later value",
        _batch(array(["7", array(literals({1: "5000"}))])),
        400,
        "Sample 0 must be a list",
    ),
    Fault(
        "value before a later row's length",
        _batch(array([array(literals({9: "null"})), "[]"])),
        400,
        "Sample 0 feature 9 must be a number",
    ),
    Fault("a flat row", _batch(_GOOD_ROW), 400, "Sample 0 must be a list"),
]

BATCH_ACCEPTED = [
    Accepted("one row", _batch(_rows({}))),
    Accepted("100 rows", _batch(_rows(*[{}] * 100))),
    *[Accepted(label, _batch(_rows({}, {5: text}))) for label, text in IN_RANGE.items()],
]
