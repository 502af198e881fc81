"""The schema, answered by the same code as the other endpoints."""

from collections.abc import Mapping
from typing import Annotated, Any, NewType

import strawberry
from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)
from strawberry.extensions import DisableIntrospection
from strawberry.schema.config import StrawberryConfig

from fastapi_api import schemas
from fastapi_api.graphql.context import Context
from fastapi_api.graphql.execution import NamedOperation, Schema
from fastapi_api.graphql.limits import LIMITERS
from fastapi_api.validation import validate

Features = NewType("Features", object)
Samples = NewType("Samples", object)
Info = strawberry.Info[Context, None]


@strawberry.type(description="One predicted row.")
class Prediction:
    """As /predict answers it."""

    prediction: float = strawberry.field(description="Disease progression one year after baseline.")
    cached: bool = strawberry.field(description="Whether the prediction was in the cache.")
    model_version: str


@strawberry.type(description="Predicted rows, in the order of the request.")
class BatchPrediction:
    """As /batch-predict answers it."""

    predictions: list[float]
    count: int
    model_version: str
    inference_ms: float = strawberry.field(description="Milliseconds that the model took.")


@strawberry.type(description="A measure of the quality of the model, on rows that were not used for training.")
class Metric:
    """An entry of the metrics of /model-info."""

    name: str
    value: float


@strawberry.type(description="The origin and the quality of the model.")
class ModelInfo:
    """As /model-info answers it, but with a list of metrics: GraphQL has no objects with arbitrary keys."""

    version: str
    model_type: str
    input_features: int
    feature_names: list[str]
    dataset: str
    training_date: str
    metrics: list[Metric]
    format: str
    sha256: str = strawberry.field(description="Of the model's graph.")


# For GraphQL all arguments are optional, so that validation reports a missing one with the contract's message.
@strawberry.type
class Query:
    """The queries; they change nothing but the cache."""

    @strawberry.field(  # type: ignore[untyped-decorator] # it accepts any resolver
        description="Predict one row, from the cache if it is there. Needs a token."
    )
    async def predict(
        self,
        info: Info,
        features: Annotated[
            Features | None,
            strawberry.argument(description="Ten numbers in the order of modelInfo's featureNames, unscaled."),
        ] = strawberry.UNSET,
    ) -> Prediction | None:
        """Answer as /predict does."""
        user = info.context.authenticate()
        body = validate(schemas.PredictionRequest, _given("features", features))
        answer = await info.context.predict(body, user)
        return Prediction(**answer.model_dump())

    @strawberry.field(  # type: ignore[untyped-decorator] # as above
        description="Predict up to a hundred rows, each as it would be predicted alone. Needs a token."
    )
    async def batch_predict(
        self,
        info: Info,
        samples: Annotated[
            Samples | None, strawberry.argument(description="Rows of ten numbers each.")
        ] = strawberry.UNSET,
    ) -> BatchPrediction | None:
        """Answer as /batch-predict does."""
        user = info.context.authenticate()
        body = validate(schemas.BatchPredictionRequest, _given("samples", samples))
        answer = await info.context.predict_batch(body, user)
        return BatchPrediction(**answer.model_dump())

    @strawberry.field(  # type: ignore[untyped-decorator] # as above
        description="The origin and the quality of the model."
    )
    def model_info(self, info: Info) -> ModelInfo:
        """Answer as /model-info does."""
        answer = schemas.ModelInfo.model_validate(info.context.service.model).model_dump()
        metrics = [Metric(name=name, value=value) for name, value in answer.pop("metrics").items()]
        return ModelInfo(**answer, metrics=metrics)


def create_schema(*, introspection: bool) -> Schema:
    """Build the schema; without introspection it does not describe itself."""
    return Schema(
        Query,
        extensions=[*LIMITERS, NamedOperation, *([] if introspection else [DisableIntrospection])],
        config=StrawberryConfig(
            disable_field_suggestions=not introspection,
            scalar_map={
                Features: _json_scalar("Features", "A list of ten numbers."),
                Samples: _json_scalar("Samples", "A list of one to a hundred lists of ten numbers."),
            },
        ),
    )


def _given(name: str, value: object) -> dict[str, object]:
    """The body that the corresponding endpoint would receive."""
    return {} if value is strawberry.UNSET else {name: value}


def _json_scalar(name: str, description: str) -> Any:  # noqa: ANN401
    """A scalar that accepts any JSON value, so that the contract's validation reports errors, not GraphQL's."""
    return strawberry.scalar(
        name=name, description=description, parse_value=lambda value: value, parse_literal=_from_literal
    )


def _from_literal(node: ValueNode, variables: Mapping[str, object] | None = None) -> object:
    """The JSON value of a literal in the query; every number is a float, as in JSON bodies."""
    match node:
        case IntValueNode() | FloatValueNode():
            return float(node.value)
        case ListValueNode():
            return [_from_literal(item, variables) for item in node.values]
        case ObjectValueNode():
            return {field.name.value: _from_literal(field.value, variables) for field in node.fields}
        case VariableNode():
            return (variables or {}).get(node.name.value)
        case BooleanValueNode() | StringValueNode() | EnumValueNode():  # a name such as NaN is parsed as an enum value
            return node.value
    return None
