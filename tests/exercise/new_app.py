"""The exercise's new app, written anew: FastAPI, with what Pydantic checks and what the exercise leaves as tasks."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import jwt
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

from exercise import model

SECRET_KEY = "the-secret-key-stands-in-the-code-of-the-new-app"
USERS = {"admin": "password123"}
LOG = Path(os.environ.get("PREDICTIONS_LOG", os.devnull))

app = FastAPI(title="ML prediction API", version="2.0.0")
cache: dict[str, float] = {}

Feature = Annotated[float, Field(ge=-1000, le=1000)]


class Health(BaseModel):
    status: str
    timestamp: datetime


class ModelInfo(BaseModel):
    version: str
    input_features: int
    model_type: str
    training_date: str


class Credentials(BaseModel):
    username: str = Field(min_length=3, max_length=50)
    password: str = Field(min_length=8)


class Token(BaseModel):
    token: str


class Features(BaseModel):
    features: list[Feature] = Field(min_length=10, max_length=10)


class Prediction(BaseModel):
    prediction: float
    cached: bool
    model_version: str


class Samples(BaseModel):
    samples: list[list[float]] = Field(max_length=100)


class Predictions(BaseModel):
    predictions: list[float]
    count: int
    model_version: str


def user(credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> str:
    try:
        claims = jwt.decode(credentials.credentials, SECRET_KEY, algorithms=["HS256"])
    except jwt.ExpiredSignatureError:
        raise HTTPException(401, "Token has expired") from None
    except jwt.InvalidTokenError:
        raise HTTPException(401, "Invalid token") from None
    return str(claims["user"])


User = Annotated[str, Depends(user)]


@app.get("/health")
async def health() -> Health:
    return Health(status="healthy", timestamp=datetime.now(UTC).replace(tzinfo=None))


@app.get("/model-info")
async def model_info() -> ModelInfo:
    return ModelInfo.model_validate(model.INFORMATION)


@app.post("/login")
async def login(credentials: Credentials) -> Token:
    if USERS.get(credentials.username) != credentials.password:
        raise HTTPException(401, "Invalid credentials")
    claims = {"user": credentials.username, "exp": datetime.now(UTC) + timedelta(hours=24)}
    return Token(token=jwt.encode(claims, SECRET_KEY, algorithm="HS256"))


@app.post("/predict")
async def predict(body: Features, background: BackgroundTasks, _: User) -> Prediction:
    key = str(body.features)
    cached = key in cache
    if not cached:
        cache[key] = model.predict([body.features])[0]
    background.add_task(log, cache[key])
    return Prediction(prediction=cache[key], cached=cached, model_version=model.VERSION)


@app.post("/batch-predict")
async def batch_predict(body: Samples, _: User) -> Predictions:
    predictions = model.predict(body.samples)
    return Predictions(predictions=predictions, count=len(predictions), model_version=model.VERSION)


def log(prediction: float) -> None:
    with LOG.open("a", encoding="utf-8") as lines:
        lines.write(f"{datetime.now(UTC).isoformat()},{prediction}\n")
