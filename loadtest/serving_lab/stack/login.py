"""Signing in to the services."""

import json
import urllib.error
import urllib.request

from serving_lab.errors import LabError
from serving_lab.stack.environment import Settings
from serving_lab.stack.services import FLASK, services

_TIMEOUT_SECONDS = 10


def fetch_token(settings: Settings) -> str:
    """Return a token; both services accept it, whichever gave it.

    Raises:
        LabError: the service does not answer, or refuses.
    """
    url = next(service.url for service in services(settings) if service.name == FLASK) + "/login"
    credentials = {
        "username": settings.environment.get("API_USERNAME"),
        "password": settings.environment.get("API_PASSWORD"),
    }
    request = urllib.request.Request(  # noqa: S310
        url, json.dumps(credentials).encode(), {"Content-Type": "application/json"}
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=_TIMEOUT_SECONDS) as response:
            return str(json.load(response)["token"])
    except urllib.error.HTTPError as error:
        raise LabError(
            f"{url} refuses: {error.code} {error.read().decode(errors='replace').strip()}",
            hint="was .env changed since? make up",
        ) from error
    except (OSError, ValueError, KeyError) as error:
        raise LabError(f"{url} does not answer ({error})", hint="make ps, make up") from error
