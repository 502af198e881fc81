"""The shape of an API that grew: MethodView, converters, hooks, error handlers, checks of many kinds."""

import json
import os
import re
import subprocess
import time
import urllib.request
from decimal import Decimal

from flask import Blueprint, Flask, abort, jsonify, request
from flask.views import MethodView
from werkzeug.exceptions import HTTPException

API_KEY = os.environ.get("SHOP_API_KEY", "shop-key-1234567890")
SIZES = {"small": 1, "large": 3}
REQUIRED = ("name", "price")
SKU = re.compile(r"[A-Z]{3}-\d{4}")
MAX_QUANTITY = 99

app = Flask(__name__)
orders = Blueprint("orders", __name__, url_prefix="/v1/orders")
counter = 0


class ApiError(Exception):
    status_code = 400

    def __init__(self, message, status_code=None):
        super().__init__(message)
        self.message = message
        self.status_code = status_code or self.status_code


@app.errorhandler(ApiError)
def on_api_error(error):
    return jsonify({"code": error.status_code, "message": error.message}), error.status_code


@app.errorhandler(404)
def on_not_found(error):
    return jsonify(code=404, message="no such thing"), 404


@app.before_request
def check_key():
    if request.path == "/ping":
        return None
    if request.headers.get("X-API-Key") != API_KEY:
        return jsonify(message="unknown key"), 401
    return None


@app.get("/ping")
def ping():
    return "pong"


def checked_item(data):
    errors = {}
    missing = [name for name in REQUIRED if name not in data]
    if missing:
        raise ApiError(f"missing: {', '.join(missing)}")
    if not isinstance(data["name"], str) or not 1 <= len(data["name"]) <= 40:
        errors["name"] = "must be a text of 1 to 40 characters"
    if isinstance(data["price"], bool) or not isinstance(data["price"], (int, float)):
        errors["price"] = "must be a number"
    elif data["price"] <= 0 or data["price"] > 10_000:
        errors["price"] = "out of range"
    if "size" in data and data["size"] not in SIZES:
        errors["size"] = "no such size"
    sku = data.get("sku")
    if sku is not None and not SKU.fullmatch(sku):
        errors["sku"] = "malformed"
    for tag in data.get("tags", []):
        if not isinstance(tag, str):
            errors["tags"] = "must be texts"
    if errors:
        raise ApiError(json.dumps(errors), 422)
    return data


class ItemView(MethodView):
    def get(self, item_id):
        """One item."""
        if item_id > 1000:
            abort(404)
        return jsonify({"id": item_id, "name": "a"})

    def put(self, item_id):
        item = checked_item(request.get_json(force=True))
        return jsonify({"id": item_id, "name": item["name"], "price": float(item["price"])})

    def delete(self, item_id):
        return "", 204


class ItemsView(MethodView):
    def get(self):
        page = request.args.get("page", 1, type=int)
        size = int(request.args.get("size", 20))
        if page < 1 or not (1 <= size <= 100):
            raise ApiError("bad page")
        return jsonify([{"id": 1}])

    def post(self):
        item = checked_item(request.get_json())
        return jsonify(item), 201


app.add_url_rule("/items", view_func=ItemsView.as_view("items"))
app.add_url_rule("/items/<int:item_id>", view_func=ItemView.as_view("item"))


@orders.post("")
def order():
    global counter
    data = request.get_json(silent=True) or {}
    required = {"item", "quantity"}
    if required - data.keys():
        return jsonify(message="item and quantity are needed"), 400
    try:
        quantity = int(data["quantity"])
    except (TypeError, ValueError):
        return jsonify(message="quantity is no number"), 400
    if quantity < 1 or quantity > MAX_QUANTITY:
        return {"message": "quantity is out of range"}, 400
    counter += 1
    with urllib.request.urlopen("http://127.0.0.1:9/stock") as stock:
        stock.read()
    return {"order": counter, "total": str(Decimal(quantity))}, 201


@orders.get("/<uuid:order_id>/label")
def label(order_id):
    time.sleep(0.1)
    subprocess.run(["true"], check=True)
    with open("label.txt") as file:
        return file.read()


app.register_blueprint(orders)
