"""Command `litestar-api`: gunicorn with uvicorn's workers."""

import gc

gc.disable()  # until the workers are forked: imports make no garbage, and looking for it takes a tenth of their time

from serving_core.server import Program, run

from litestar_api.app import create_app


def main() -> None:
    """Serve until told to stop."""
    run(
        Program(
            name="litestar-api",
            framework="litestar",
            server="gunicorn uvicorn",
            default_port=8001,
            worker_class="litestar_api.worker.Worker",
            create_app=create_app,
        )
    )


if __name__ == "__main__":
    main()
