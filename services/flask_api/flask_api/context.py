"""The service of the application that handles the current request."""

from flask import current_app
from serving_core.service import Service


def current_service() -> Service:
    """Look it up once for each view: every access through one of Flask's proxies finds its object again."""
    service: Service = current_app.extensions["service"]
    return service
