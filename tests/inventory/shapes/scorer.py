"""The shape of a quick model service: a pickled model, bounds in a table, exceptions for everything."""

import pickle
from pathlib import Path

import numpy as np
from flask import Flask, request

app = Flask(__name__)
history = []
BOUNDS = {"age": (0, 120), "income": (0, 1_000_000), "score": (300, 850)}
MODEL = Path(__file__).with_name("model.pkl")
model = pickle.load(MODEL.open("rb")) if MODEL.exists() else None


@app.route("/score", methods=["POST"])
def score():
    try:
        payload = request.json
        for name, (low, high) in BOUNDS.items():
            if name not in payload:
                return {"status": "error", "reason": f"{name} is missing"}, 400
            if not low <= float(payload[name]) <= high:
                return {"status": "error", "reason": f"{name} is out of range"}, 400
        row = np.array([[payload[name] for name in BOUNDS]])
        result = float(model.predict(row)[0])
        history.append(result)
        return {"status": "ok", "score": result, "label": "good" if result > 0.5 else "bad"}
    except Exception as e:
        return {"status": "error", "reason": str(e)}, 500


@app.route("/upload", methods=["POST"])
def upload():
    if "file" not in request.files:
        return {"status": "error", "reason": "no file"}, 400
    request.files["file"].save("/tmp/upload.csv")
    return {"status": "ok"}, 202


@app.route("/history")
def past():
    return {"history": history[-int(request.args.get("last", 10)):]}
