"""The application factory."""

from flask import Flask
from serving_core.http.errors import ApiError
from serving_core.service import Service
from werkzeug.exceptions import HTTPException

from flask_api.errors import answer_crash, answer_http_exception, answer_refusal
from flask_api.instrumentation import Instrumentation
from flask_api.json import Provider
from flask_api.routes import blueprint


def create_app(for_service: Service) -> Flask:
    """Build the WSGI application around a service."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # a doubled slash makes another path: 404, no redirect
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.json = Provider(app)
    app.extensions["service"] = for_service
    app.register_blueprint(blueprint)
    app.register_error_handler(ApiError, answer_refusal)
    app.register_error_handler(HTTPException, answer_http_exception)
    app.register_error_handler(Exception, answer_crash)
    Instrumentation(app, for_service)
    return app
