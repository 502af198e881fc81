"""Command `flask-api`: gunicorn with threads."""

import gc

gc.disable()  # until the workers are forked: imports make no garbage, and looking for it takes a tenth of their time

from collections.abc import Mapping
from typing import Any

from serving_core.server import Program, run
from serving_core.service import Service

from flask_api.app import create_app
from flask_api.connection import remember_request


def main() -> None:
    """Serve until told to stop."""
    run(
        Program(
            name="flask-api",
            framework="flask",
            server="gunicorn gthread",
            default_port=5000,
            # Not gunicorn's sync worker: it closes every connection, so a comparison would measure TCP set-up.
            worker_class="serving_core.thread_worker.Worker",
            create_app=create_app,
            hooks=_worker_hooks,
        )
    )


def _worker_hooks(service: Service) -> Mapping[str, Any]:
    """WSGI has no lifespan and no access to connections; gunicorn's hooks have."""
    return {
        "pre_request": remember_request,
        "post_worker_init": lambda worker: service.start_worker(),  # noqa: ARG005
        "worker_exit": lambda server, worker: service.stop_worker(),  # noqa: ARG005
    }


if __name__ == "__main__":
    main()
