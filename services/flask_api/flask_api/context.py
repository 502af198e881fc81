"""The context of a view."""

from typing import cast

from flask import current_app
from serving_core.service import Service
from werkzeug.local import LocalProxy

service = cast("Service", LocalProxy(lambda: current_app.extensions["service"]))
"""The service of the application that handles this request."""
