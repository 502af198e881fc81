"""Planted in JSON documents: fields, types, numbers, texts, order."""

import itertools
import json
import struct
import unicodedata
import uuid
from http import HTTPStatus

from serving_lab.parity.judgement.difference import DifferenceKind

from parity.mutants.http import Answer, Request
from parity.mutants.mutant import Change, Mutant, Plant, field, fields, no_field, on, text
from parity.mutants.proxy import Mutation

DRIFT = 1 + 1e-6
UMLAUTS = fields(dataset="Größe — naïve 漢字 🎉")
"""Our services answer in ASCII alone."""


def predict(*changes: Change) -> Plant:
    return on("POST /predict", 200, *changes)


def batch(*changes: Change) -> Plant:
    return on("POST /batch-predict", 200, *changes)


def without_nulls(answer: Answer) -> Answer:
    """Leave out the fields that are null."""
    document = answer.json()
    if not isinstance(document, dict):
        return answer
    return answer.with_json({key: value for key, value in document.items() if value is not None})


def single_precision(predictions: list[float]) -> list[float]:
    return [struct.unpack("f", struct.pack("f", prediction))[0] for prediction in predictions]


def drifting() -> Mutation:
    """Put every hundredth prediction off by a millionth."""
    count = itertools.count(1)

    def mutation(request: Request, answer: Answer) -> Answer:
        predicted = request.operation == "POST /predict" and answer.status == HTTPStatus.OK
        if not predicted or next(count) % 100:
            return answer
        return field("prediction", lambda value: value * DRIFT)(answer)

    return mutation


def repeated_key(answer: Answer) -> Answer:
    """End the object with a key that it has already."""
    return answer.with_body(answer.body.rstrip()[:-1] + b',"cached":%s}' % json.dumps(answer.json()["cached"]).encode())


DOCUMENTS = (
    Mutant(
        "field missing",
        predict(no_field("model_version")),
        kind=DifferenceKind.MISSING,
        where="$.model_version",
        operation="POST /predict",
        round=3,
    ),
    Mutant(
        "field added",
        on("GET /model-info", 200, fields(debug=False)),
        kind=DifferenceKind.EXTRA,
        where="$.debug",
        operation="GET /model-info",
        round=2,
    ),
    Mutant(
        "null left out",
        on("POST *", 400, without_nulls),
        kind=DifferenceKind.NULL_OR_ABSENT,
        where="$.detail",
        operation="POST /login",
        round=4,
    ),
    Mutant(
        "number as text",
        predict(field("prediction", str)),
        kind=DifferenceKind.TYPE,
        where="$.prediction",
        operation="POST /predict",
        round=3,
    ),
    Mutant(
        "boolean as text",
        predict(field("cached", lambda v: str(v).lower())),
        kind=DifferenceKind.TYPE,
        where="$.cached",
        operation="POST /predict",
        round=4,
    ),
    Mutant(
        "integer as decimal",
        batch(field("count", float)),
        kind=DifferenceKind.NUMBER_TYPE,
        where="$.count",
        operation="POST /batch-predict",
        round=2,
    ),
    Mutant(
        "NaN",
        predict(fields(prediction=float("nan"))),
        kind=DifferenceKind.TYPE,
        where="$.prediction",
        operation="POST /predict",
        round=4,
    ),
    Mutant(
        "null",
        predict(fields(prediction=None)),
        kind=DifferenceKind.TYPE,
        where="$.prediction",
        operation="POST /predict",
        round=5,
    ),
    Mutant(
        "repeated key",
        predict(repeated_key),
        kind=DifferenceKind.REPEATED,
        where="$",
        operation="POST /predict",
        round=5,
    ),
    Mutant(
        "order turned round",
        batch(field("predictions", lambda values: values[::-1])),
        kind=DifferenceKind.ORDER,
        where="$.predictions",
        operation="POST /batch-predict",
        round=1,
    ),
    Mutant(
        "last one missing",
        batch(field("predictions", lambda values: values[:-1])),
        kind=DifferenceKind.LENGTH,
        where="$.predictions",
        operation="POST /batch-predict",
        round=3,
    ),
    Mutant(
        "drift of 1e-6 in one of a hundred",
        drifting,
        predictions=300,
        kind=DifferenceKind.NUMBER,
        where="$.prediction",
        operation="POST /predict",
        round=6,
    ),
    Mutant(
        "drift of 1e-6 in the last of many",
        batch(field("predictions", lambda v: [*v[:-1], v[-1] * DRIFT] if len(v) > 2 else v)),
        kind=DifferenceKind.NUMBER,
        where="$.predictions[*]",
        operation="POST /batch-predict",
        round=4,
    ),
    Mutant(
        "batch differs from singles",
        batch(field("predictions", single_precision)),
        kind=DifferenceKind.NUMBER,
        where="$.predictions[*]",
        operation="POST /batch-predict",
        round=5,
    ),
    Mutant(
        "rounded",
        predict(field("prediction", lambda value: round(value, 6))),
        kind=DifferenceKind.NUMBER,
        where="$.prediction",
        operation="POST /predict",
        round=7,
    ),
    Mutant(
        "error text",
        on("*", 400, text("Malformed JSON", "Invalid JSON")),
        kind=DifferenceKind.TEXT,
        where="$.error",
        operation="POST /predict",
        round=5,
    ),
    Mutant(
        "error text in lower case",
        on("*", 404, text("Not found", "not found")),
        kind=DifferenceKind.TEXT,
        where="$.error",
        operation="GET /no-such-path",
        round=7,
    ),
    Mutant(
        "FastAPI's own detail",
        on("POST /predict", 400, fields(detail=[{"loc": ["body", "features"], "type": "missing"}])),
        kind=DifferenceKind.TYPE,
        where="$.detail",
        operation="POST /predict",
        round=7,
    ),
    Mutant(
        "text of another normal form",
        on("GET /model-info", 200, UMLAUTS, field("dataset", lambda value: unicodedata.normalize("NFD", value))),
        both=on("GET /model-info", 200, UMLAUTS),
        kind=DifferenceKind.TEXT,
        where="$.dataset",
        operation="GET /model-info",
        round=3,
    ),
    Mutant(
        "text in the wrong encoding",
        on("GET /model-info", 200, UMLAUTS, field("dataset", lambda value: value.encode().decode("latin-1"))),
        both=on("GET /model-info", 200, UMLAUTS),
        kind=DifferenceKind.TEXT,
        where="$.dataset",
        operation="GET /model-info",
        round=4,
    ),
    Mutant(
        "noise where there was none",
        on("GET /model-info", 200, field("version", lambda value: f"{value}+{uuid.uuid4().hex[:8]}")),
        kind=DifferenceKind.TEXT,
        where="$.version",
        operation="GET /model-info",
        round=5,
    ),
)
