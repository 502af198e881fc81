"""Validation by hand, as in the old API: the first error in order is reported."""

from collections.abc import Mapping
from typing import TypeGuard

from serving_core.bounds import FEATURES, HIGHEST, LOWEST, MAX_SAMPLES
from serving_core.http import messages
from serving_core.http.errors import InvalidRequestError


def parse_credentials(body: Mapping[str, object]) -> tuple[str, str]:
    """Username and password of a /login body."""
    username, password = body.get("username"), body.get("password")
    if not isinstance(username, str) or not isinstance(password, str):
        raise InvalidRequestError(messages.MISSING_CREDENTIALS)
    return username, password


def parse_features(body: Mapping[str, object]) -> list[float]:
    """The ten features of a /predict body."""
    if "features" not in body:
        raise InvalidRequestError(messages.missing("features"))
    features = body["features"]
    if not isinstance(features, list):
        raise InvalidRequestError(messages.not_a_list("features"))
    if len(features) != FEATURES:
        raise InvalidRequestError(messages.wrong_length("features"))
    for i, value in enumerate(features):
        if not is_number(value):
            raise InvalidRequestError(messages.not_a_number("features", i))
        if not is_in_range(value):
            raise InvalidRequestError(messages.out_of_range("features", i))
    return features


def parse_samples(body: Mapping[str, object]) -> list[list[float]]:
    """The rows of a /batch-predict body, ten features each."""
    if "samples" not in body:
        raise InvalidRequestError(messages.missing("samples"))
    samples = body["samples"]
    if not isinstance(samples, list):
        raise InvalidRequestError(messages.not_a_list("samples"))
    if not samples:
        raise InvalidRequestError(messages.empty("samples"))
    if len(samples) > MAX_SAMPLES:
        raise InvalidRequestError(messages.too_many("samples"))
    for i, sample in enumerate(samples):
        if not isinstance(sample, list):
            raise InvalidRequestError(messages.not_a_list("samples", i))
        if len(sample) != FEATURES:
            raise InvalidRequestError(messages.wrong_length("samples", i))
        for j, value in enumerate(sample):
            if not is_number(value):
                raise InvalidRequestError(messages.not_a_number("samples", i, j))
            if not is_in_range(value):
                raise InvalidRequestError(messages.out_of_range("samples", i, j))
    return samples


def is_number(value: object) -> TypeGuard[float]:
    """Whether a JSON value is a number; the decoder makes every number, and nothing else, a float."""
    return isinstance(value, float)


def is_in_range(value: float) -> bool:
    """Whether a feature is in the valid range; infinity (a number too large for a float) is not."""
    return LOWEST <= value <= HIGHEST
