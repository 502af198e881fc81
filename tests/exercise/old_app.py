"""The exercise's old app, written anew: Flask, every check by hand, with its habits and faults."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

import jwt
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from exercise import model

SECRET_KEY = "the-secret-key-stands-in-the-code-of-the-old-app"
USERS = {"admin": "password123"}

app = Flask(__name__)
cache: dict[str, float] = {}


def error(text: str, status: int) -> ResponseReturnValue:
    return jsonify({"error": text}), status


def token_required(endpoint: Callable[[], ResponseReturnValue]) -> Callable[[], ResponseReturnValue]:
    @wraps(endpoint)
    def checked() -> ResponseReturnValue:
        token = request.headers.get("Authorization", "").replace("Bearer ", "")
        if not token:
            return error("Token is missing", 401)
        try:
            jwt.decode(token, SECRET_KEY, algorithms=["HS256"])
        except Exception:  # noqa: BLE001 - as the exercise has it
            return error("Token is invalid", 401)
        return endpoint()

    return checked


@app.get("/health")
def health() -> ResponseReturnValue:
    return jsonify({"status": "healthy", "timestamp": datetime.now(UTC).replace(tzinfo=None).isoformat()})


@app.get("/model-info")
def model_info() -> ResponseReturnValue:
    return jsonify(model.INFORMATION)


@app.post("/login")
def login() -> ResponseReturnValue:
    data = request.get_json()
    if not data or "username" not in data or "password" not in data:
        return error("Missing credentials", 400)
    if USERS.get(data["username"]) != data["password"]:
        return error("Invalid credentials", 401)
    claims = {"user": data["username"], "exp": datetime.now(UTC) + timedelta(hours=24)}
    return jsonify({"token": jwt.encode(claims, SECRET_KEY, algorithm="HS256")})


@app.post("/predict")
@token_required
def predict() -> ResponseReturnValue:
    try:
        data = request.get_json()
        if not data:
            return error("No data provided", 400)
        if "features" not in data:
            return error("Missing features field", 400)
        features = data["features"]
        if not isinstance(features, list):
            return error("Features must be a list", 400)
        if len(features) != 10:
            return error("Expected 10 features", 400)
        key = str(features)
        if key in cache:
            return jsonify({"prediction": cache[key], "cached": True})
        cache[key] = model.predict([features])[0]
        return jsonify({"prediction": cache[key], "cached": False, "model_version": model.VERSION})
    except Exception as problem:  # noqa: BLE001 - as the exercise has it
        return error(str(problem), 500)


@app.post("/batch-predict")
@token_required
def batch_predict() -> ResponseReturnValue:
    try:
        data: Any = request.get_json()
        if not data or "samples" not in data:
            return error("Missing samples field", 400)
        samples = data["samples"]
        if not isinstance(samples, list):
            return error("Samples must be a list", 400)
        if len(samples) > 100:
            return error("Maximum 100 samples allowed", 400)
        for at, sample in enumerate(samples):
            if not isinstance(sample, list):
                return error(f"Sample {at} must be a list", 400)
            if len(sample) != 10:
                return error(f"Sample {at} must have 10 features", 400)
        predictions = model.predict(samples)
        return jsonify({"predictions": predictions, "count": len(predictions), "model_version": model.VERSION})
    except Exception as problem:  # noqa: BLE001 - as the exercise has it
        return error(str(problem), 500)
