"""A Flask service in which a test plants a loop: its process is started with how long it runs."""

import os
import time

from flask import Flask, Response, jsonify

app = Flask(__name__)
SECONDS = float(os.environ.get("PLANTED_SECONDS", "0"))


@app.get("/total")
def total() -> Response:
    prices = [round(n * 1.19, 2) for n in range(40)]
    discounted(SECONDS)
    return jsonify(total=sum(prices), prices=prices)


def discounted(seconds: float) -> None:
    """What is planted: busy for so long."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
