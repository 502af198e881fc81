"""What a view finds around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app
from werkzeug.local import LocalProxy

if TYPE_CHECKING:
    from serving_core.service import Service

service = cast("Service", LocalProxy(lambda: current_app.extensions["service"]))
"""The service of the application that handles this request."""
