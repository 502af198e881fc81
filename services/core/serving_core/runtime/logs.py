"""Structured logs: one JSON object per line on standard error, with the id of the request it belongs to."""

import logging
import logging.config
from contextvars import ContextVar
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS

from serving_core.runtime.settings import Settings

current_request_id: ContextVar[str | None] = ContextVar("current_request_id", default=None)


class RequestIdFilter(logging.Filter):
    """Adds the current request's id to a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        if request_id := current_request_id.get():
            record.request_id = request_id
        return True


def configure_logging(settings: Settings) -> None:
    """Send the log records of the service, the server and the libraries to standard error."""
    logging.config.dictConfig(_configuration(settings.log_level.upper()))


def _configuration(level: str) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
                "fmt": "{asctime}{levelname}{name}{message}{process}",
                "style": "{",
                "reserved_attrs": [*RESERVED_ATTRS, "color_message"],
                "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
                "datefmt": "%Y-%m-%dT%H:%M:%S%z",
            }
        },
        "filters": {"request_id": {"()": RequestIdFilter}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "json",
                "filters": ["request_id"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        # It has its own handler because uvicorn's worker copies the handlers of this logger.
        "loggers": {"gunicorn.error": {"handlers": ["stderr"], "level": level, "propagate": False}},
    }
