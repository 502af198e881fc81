"""What the contract promises of a successful answer, and the comparison of an answer with it."""

import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from serving_lab.load.features import DIABETES_FEATURES, Vector


class WrongAnswer(ValueError):  # noqa: N818 - it is what Locust lists, and a wrong answer is what it is
    """An answer breaks the contract. The message holds no value of the answer, so that like failures add up."""


class Rule(NamedTuple):
    """What a field must be, in words and as a test."""

    expected: str
    holds: Callable[[Any], bool]


Shape = Mapping[str, Rule]


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def parse(content: bytes) -> object:
    """Decode a JSON body; NaN and Infinity are no JSON. Raises WrongAnswer."""
    try:
        return _DECODER.decode(content.decode())
    except ValueError as error:
        raise WrongAnswer("body is not JSON") from error


def check_headers(header: Callable[[str], object]) -> None:
    """Check what every successful answer carries, given the look-up of a header by name. Raises WrongAnswer."""
    if str(header("content-type")).partition(";")[0].strip() != "application/json":
        raise WrongAnswer("content type is not application/json")
    for name in ("x-request-id", "x-process-time"):
        if not header(name):
            raise WrongAnswer(f"header {name} is missing")


def error_message(content: bytes) -> str:
    """Return ": " and what an error answer says, or nothing where it does not follow the contract."""
    try:
        answer = parse(content)
    except WrongAnswer:
        return ""
    return f": {answer['error']}" if isinstance(answer, dict) and isinstance(answer.get("error"), str) else ""


def check(answer: object, shape: Shape) -> dict[str, Any]:
    """Return the answer as an object that has exactly the fields of the shape. Raises WrongAnswer."""
    if not isinstance(answer, dict):
        raise WrongAnswer(f"body is {_kind(answer)}, not an object")
    if answer.keys() != shape.keys():
        missing, unexpected = sorted(shape.keys() - answer.keys()), sorted(answer.keys() - shape.keys())
        raise WrongAnswer("; ".join(_listed("missing field", missing) + _listed("unexpected field", unexpected)))
    for name, rule in shape.items():
        if not rule.holds(answer[name]):
            raise WrongAnswer(f"{name} is {_kind(answer[name])}, not {rule.expected}")
    return answer


def _is_number(value: object) -> bool:
    # The comparison holds for neither NaN nor infinity, nor for an integer beyond a double.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _is_utc_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).utcoffset() == timedelta()
    except ValueError:
        return False


def _exactly(constant: object) -> Rule:
    return Rule(json.dumps(constant), lambda value: type(value) is type(constant) and value == constant)


def _numbers(count: int) -> Rule:
    return Rule(
        "a list of one finite number for each row sent",
        lambda value: isinstance(value, list) and len(value) == count and all(map(_is_number, value)),
    )


TEXT = Rule("a text", lambda value: isinstance(value, str) and value != "")
NUMBER = Rule("a finite number", _is_number)
DURATION = Rule("a number of 0 or more", lambda value: _is_number(value) and value >= 0)
BOOLEAN = Rule("true or false", lambda value: isinstance(value, bool))

LOGIN: Shape = {
    "token": TEXT,
    "token_type": _exactly("bearer"),
    "expires_in": Rule("a number of seconds above 0", lambda value: _is_number(value) and value > 0),
}
PREDICTION: Shape = {"prediction": NUMBER, "cached": BOOLEAN, "model_version": TEXT}
HEALTH: Shape = {
    "status": _exactly("healthy"),
    "timestamp": Rule("a UTC time", _is_utc_time),
    "uptime_seconds": DURATION,
}
MODEL_INFO: Shape = {
    "version": TEXT,
    "model_type": _exactly("random_forest"),
    "input_features": _exactly(len(DIABETES_FEATURES)),
    "feature_names": _exactly([feature.name for feature in DIABETES_FEATURES]),
    "dataset": TEXT,
    "training_date": TEXT,
    "metrics": Rule(
        "an object of numbers", lambda value: isinstance(value, dict) and all(map(_is_number, value.values()))
    ),
    "format": _exactly("onnx"),
    "sha256": Rule(
        "64 hexadecimal digits", lambda value: isinstance(value, str) and bool(re.fullmatch("[0-9a-f]{64}", value))
    ),
}


def batch(rows: int) -> Shape:
    """Shape of the answer to a batch of so many rows."""
    return {
        "predictions": _numbers(rows),
        "count": Rule("the number of rows sent", _exactly(rows).holds),
        "model_version": TEXT,
        "inference_ms": DURATION,
    }


def identified(shape: Shape, message_id: object) -> Shape:
    """Shape of an answer over WebSocket: with the id of the message."""
    return {**shape, "id": Rule("that of the message", _exactly(message_id).holds)}


@dataclass
class Consistency:
    """Remembers the predictions for the vectors that repeat: one model has one answer, whichever service gives it."""

    repeating: frozenset[Vector]
    _seen: dict[tuple[str, Vector], float] = field(default_factory=dict)

    def check(self, vectors: Iterable[Vector], predictions: Sequence[float], model_version: str) -> None:
        """Compare within 1e-9 relative, the contract's precision. Raises WrongAnswer."""
        for vector, prediction in zip(vectors, predictions, strict=True):
            if vector in self.repeating:
                first = self._seen.setdefault((model_version, vector), prediction)
                if not math.isclose(first, prediction, rel_tol=1e-9):
                    raise WrongAnswer("prediction differs from an earlier one of the same model for the same features")


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return "null" if value is None else names[type(value)]


def _listed(what: str, names: Sequence[str]) -> list[str]:
    return [f"{what} {', '.join(names)}"] if names else []
