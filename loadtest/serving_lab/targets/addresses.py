"""Where the services under test answer, from the environment alone: for programs that do without the stack."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from serving_lab.targets.catalogue import Catalogue, Entry
from serving_lab.text.settings import Port, Url, read_one

IN_CONTAINERS = "TARGETS_IN_CONTAINERS"
"""Set to true where this program and the services are containers of one network."""
_THIS_MACHINE = {"localhost", "::1", "0.0.0.0"}  # noqa: S104 - compared with, not bound to


def addresses(catalogue: Catalogue, environment: Mapping[str, str]) -> Mapping[str, str]:
    """The base URL of each service that runs, by its name, the baseline first.

    It is what `<NAME>_URL` says (FLASK_API_URL of flask-api). Where that is not set: the service's name and port where
    TARGETS_IN_CONTAINERS is true, else this machine at the port that the service's setting names.

    Raises:
        LabError: a value is wrong.
    """
    running = catalogue.running(environment)
    return {entry.name: _address(entry, environment) for entry in running.entries}


def url_setting(name: str) -> str:
    """The setting that says where a service answers."""
    return f"{name.upper().replace('-', '_')}_URL"


def place_of(url: str) -> tuple[str, int | None, str]:
    """Host, port and path of a base URL: equal for the same service, however this machine is called."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return "127.0.0.1" if host in _THIS_MACHINE else host, parts.port, parts.path.rstrip("/")


def _address(entry: Entry, environment: Mapping[str, str]) -> str:
    if given := read_one(environment, url_setting(entry.name), Url):
        return str(given)
    if read_one(environment, IN_CONTAINERS, bool):
        return f"http://{entry.name}:{entry.port}"
    return f"http://127.0.0.1:{read_one(environment, entry.port_setting, Port) or entry.port}"
