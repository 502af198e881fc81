"""Flask."""

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

worker_class = "gthread"

app = Flask(__name__)


@app.post("/predict")
def predict() -> ResponseReturnValue:
    features = request.get_json()["features"]
    if len(features) != 10:
        return jsonify(error="Expected 10 features"), 400
    return jsonify(prediction=152.5, cached=False, model_version="1.0.0")
