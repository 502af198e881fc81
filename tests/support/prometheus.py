"""Prometheus with the project's configuration and rules, its targets where the tests started them."""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from support.load import answers, process_ended
from support.needs import needed
from support.services import CATALOGUE, free_port, wait_until

PROMETHEUS_DIR = Path(__file__).resolve().parents[2] / "monitoring" / "prometheus"


def promtool() -> str:
    """The path of Prometheus' own checker."""
    return needed("promtool", package="prometheus")


@contextlib.contextmanager
def running_prometheus(directory: Path, urls: Mapping[str, str]) -> Iterator[str]:
    """Start Prometheus on a free port, yield its URL once it answers, and stop it.

    It scrapes itself, the services of the catalogue that have a URL, and Locust where that has one.
    """
    url = f"http://127.0.0.1:{free_port()}"
    shutil.copy(PROMETHEUS_DIR / "prometheus.yml", directory)
    shutil.copytree(PROMETHEUS_DIR / "rules", directory / "rules")
    targets = directory / "targets"
    targets.mkdir()
    under_test = [
        {
            "targets": [urlsplit(urls[entry.name]).netloc],
            "labels": {"service": entry.name, "label": entry.label, "role": entry.role},
        }
        for entry in CATALOGUE.entries
        if entry.name in urls
    ]
    own = {job: [{"targets": [urlsplit(at).netloc]}] for job, at in {**urls, "prometheus": url}.items()}
    for job, groups in {**own, "services": under_test}.items():
        (targets / f"{job}.json").write_text(json.dumps(groups))
    log = directory / "log"
    command = [
        needed("prometheus", package="prometheus"),
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        "--storage.tsdb.retention.time=1h",
        f"--web.listen-address={urlsplit(url).netloc}",
    ]
    with log.open("wb") as output, process_ended(subprocess.Popen(command, stdout=output, stderr=output)):
        wait_until(lambda: answers(f"{url}/-/ready"), "Prometheus ready", explain=log.read_text)
        yield url
