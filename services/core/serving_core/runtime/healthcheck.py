"""Health check for containers, which have no curl: exits with 0 if /ready answers 200, else with 1."""

import http.client
import os
import sys

_TIMEOUT_SECONDS = 3.0


def main() -> None:
    """Ask the service on this host at PORT."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/ready")
        sys.exit(connection.getresponse().status != http.HTTPStatus.OK)
    except (OSError, http.client.HTTPException) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
