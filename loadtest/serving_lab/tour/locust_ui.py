"""Locust's web UI: whether load runs, what the live page draws of it, and its end."""

import http.client
import json
import time
import urllib.request
from collections.abc import Collection, Mapping

from serving_lab.errors import LabError

_TIMEOUT_SECONDS = 5
_DRAWN_SECONDS = 30
# The lab is on this machine: a proxy for the outside must not be asked.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Drawn = Mapping[str, Mapping[str, float]]
"""Figures by their names, of each service by its name."""


class LocustUi:
    """The web UI at a base URL; every method raises LabError if it does not answer."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def page(self) -> str:
        """Where the live page is."""
        return f"{self.url}/live"

    def running(self) -> bool:
        """Whether load runs."""
        return json.loads(self._answer("/stats/requests"))["state"] in {"spawning", "running"}

    def drawn(self, services: Collection[str]) -> Drawn:
        """What the live page draws now, as soon as each of these services has answered something.

        Raises:
            LabError: one of them has not for half a minute.
        """
        deadline = time.monotonic() + _DRAWN_SECONDS
        while time.monotonic() < deadline:
            points = json.loads(self._answer("/live/data"))["points"]
            now: Drawn = points[-1]["services"] if points else {}
            if all(now.get(name, {}).get("requests_per_second") for name in services):
                return now
            time.sleep(1)
        raise LabError("the live page shows no requests to one of the services", hint=f"look at {self.page}")

    def stop(self) -> None:
        """End the load."""
        self._answer("/stop", b"")

    def _answer(self, path: str, sent: bytes | None = None) -> bytes:
        try:
            with _OPENER.open(f"{self.url}{path}", sent, timeout=_TIMEOUT_SECONDS) as response:
                body: bytes = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise LabError(f"Locust does not answer: {error}", hint="make ps shows how it is") from None
        return body
