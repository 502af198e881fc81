"""Litestar."""

from typing import Annotated, Any

import msgspec
from litestar import Litestar, Request, post
from litestar.di import NamedDependency, Provide
from litestar.params import JSONBody

worker_class = "benchmark.no_ops.worker.Worker"


class PredictionRequest(msgspec.Struct):
    features: Annotated[list[float], msgspec.Meta(min_length=10, max_length=10)]


class PredictionResponse(msgspec.Struct):
    prediction: float
    cached: bool
    model_version: str


async def current_user(request: Request[Any, Any, Any]) -> str:
    return request.headers["Authorization"]


@post("/predict", status_code=200, dependencies={"user": Provide(current_user)})
async def predict(data: JSONBody[PredictionRequest], user: NamedDependency[str]) -> PredictionResponse:  # noqa: ARG001
    return PredictionResponse(prediction=152.5, cached=False, model_version="1.0.0")


app = Litestar([predict])
