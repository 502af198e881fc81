from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="BatchPredictionResponse")


@_attrs_define
class BatchPredictionResponse:
    """Predicted rows, in the order of the request.

    Attributes:
        predictions (list[float]): One for each row.
        count (int): Number of rows.
        model_version (str): Of the model that predicted.
        inference_ms (float): Milliseconds that the model took.
    """

    predictions: list[float]
    count: int
    model_version: str
    inference_ms: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        predictions = self.predictions

        count = self.count

        model_version = self.model_version

        inference_ms = self.inference_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "predictions": predictions,
                "count": count,
                "model_version": model_version,
                "inference_ms": inference_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        predictions = cast(list[float], d.pop("predictions"))

        count = d.pop("count")

        model_version = d.pop("model_version")

        inference_ms = d.pop("inference_ms")

        batch_prediction_response = cls(
            predictions=predictions,
            count=count,
            model_version=model_version,
            inference_ms=inference_ms,
        )

        batch_prediction_response.additional_properties = d
        return batch_prediction_response

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
