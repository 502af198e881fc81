"""FastAPI."""

from typing import Annotated

from fastapi import Depends, FastAPI, Header
from pydantic import BaseModel, Field

worker_class = "benchmark.no_ops.worker.Worker"

app = FastAPI()


class PredictionRequest(BaseModel):
    features: list[float] = Field(min_length=10, max_length=10)


class PredictionResponse(BaseModel):
    prediction: float
    cached: bool
    model_version: str


async def current_user(authorization: Annotated[str, Header()]) -> str:
    return authorization


@app.post("/predict")
async def predict(body: PredictionRequest, user: Annotated[str, Depends(current_user)]) -> PredictionResponse:  # noqa: ARG001
    return PredictionResponse(prediction=152.5, cached=False, model_version="1.0.0")
