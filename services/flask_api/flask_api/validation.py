"""Validation by hand, as the old API does it: the first fault in order is the one reported."""

from collections.abc import Mapping
from typing import TypeGuard

from serving_core.bounds import FEATURES, HIGHEST, LOWEST, MAX_SAMPLES
from serving_core.http.errors import InvalidRequestError


def parse_credentials(body: Mapping[str, object]) -> tuple[str, str]:
    """Username and password of a /login body."""
    username, password = body.get("username"), body.get("password")
    if not isinstance(username, str) or not isinstance(password, str):
        raise InvalidRequestError("Missing credentials")
    return username, password


def parse_features(body: Mapping[str, object]) -> list[float]:
    """The ten features of a /predict body."""
    if "features" not in body:
        raise InvalidRequestError("Missing features field")
    features = body["features"]
    if not isinstance(features, list):
        raise InvalidRequestError("Features must be a list")
    if len(features) != FEATURES:
        raise InvalidRequestError("Expected 10 features")
    for i, value in enumerate(features):
        if not is_number(value):
            raise InvalidRequestError(f"Feature {i} must be a number")
        if not is_in_range(value):
            raise InvalidRequestError(f"Feature {i} out of valid range [-1000, 1000]")
    return features


def parse_samples(body: Mapping[str, object]) -> list[list[float]]:
    """The rows of a /batch-predict body, ten features each."""
    if "samples" not in body:
        raise InvalidRequestError("Missing samples field")
    samples = body["samples"]
    if not isinstance(samples, list):
        raise InvalidRequestError("Samples must be a list")
    if not samples:
        raise InvalidRequestError("Samples must not be empty")
    if len(samples) > MAX_SAMPLES:
        raise InvalidRequestError("Maximum 100 samples allowed")
    for i, sample in enumerate(samples):
        if not isinstance(sample, list):
            raise InvalidRequestError(f"Sample {i} must be a list")
        if len(sample) != FEATURES:
            raise InvalidRequestError(f"Sample {i} must have 10 features")
        for j, value in enumerate(sample):
            if not is_number(value):
                raise InvalidRequestError(f"Sample {i} feature {j} must be a number")
            if not is_in_range(value):
                raise InvalidRequestError(f"Sample {i} feature {j} out of valid range [-1000, 1000]")
    return samples


def is_number(value: object) -> TypeGuard[float]:
    """Whether a JSON value is a number; the decoder makes every number a float, and a boolean never."""
    return isinstance(value, float)


def is_in_range(value: float) -> bool:
    """Whether a feature is one that the model may be asked about; infinity (what overflowed) is not."""
    return LOWEST <= value <= HIGHEST
