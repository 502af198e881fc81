from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.model_info_metrics import ModelInfoMetrics


T = TypeVar("T", bound="ModelInfo")


@_attrs_define
class ModelInfo:
    """The origin and the quality of the model.

    Attributes:
        version (str): Of the model.
        model_type (str): The kind of estimator.
        input_features (int): Numbers in a row.
        feature_names (list[str]): In the order of a row.
        dataset (str): What the model was trained on.
        training_date (str): ISO 8601.
        metrics (ModelInfoMetrics): Measured on rows that were not used for training.
        format_ (str): Of the model's graph.
        sha256 (str): Of the model's graph.
    """

    version: str
    model_type: str
    input_features: int
    feature_names: list[str]
    dataset: str
    training_date: str
    metrics: ModelInfoMetrics
    format_: str
    sha256: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        version = self.version

        model_type = self.model_type

        input_features = self.input_features

        feature_names = self.feature_names

        dataset = self.dataset

        training_date = self.training_date

        metrics = self.metrics.to_dict()

        format_ = self.format_

        sha256 = self.sha256

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "version": version,
                "model_type": model_type,
                "input_features": input_features,
                "feature_names": feature_names,
                "dataset": dataset,
                "training_date": training_date,
                "metrics": metrics,
                "format": format_,
                "sha256": sha256,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.model_info_metrics import ModelInfoMetrics  # noqa: PLC0415

        d = dict(src_dict)
        version = d.pop("version")

        model_type = d.pop("model_type")

        input_features = d.pop("input_features")

        feature_names = cast(list[str], d.pop("feature_names"))

        dataset = d.pop("dataset")

        training_date = d.pop("training_date")

        metrics = ModelInfoMetrics.from_dict(d.pop("metrics"))

        format_ = d.pop("format")

        sha256 = d.pop("sha256")

        model_info = cls(
            version=version,
            model_type=model_type,
            input_features=input_features,
            feature_names=feature_names,
            dataset=dataset,
            training_date=training_date,
            metrics=metrics,
            format_=format_,
            sha256=sha256,
        )

        model_info.additional_properties = d
        return model_info

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
