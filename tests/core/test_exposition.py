"""The exposition of all processes' metrics says what the client library's own says."""

# The client library has no types.
# mypy: allow-untyped-calls

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest, multiprocess
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.parser import text_string_to_metric_families
from serving_core.runtime import exposition

Samples = dict[str, tuple[str, str, dict[tuple[str, tuple[tuple[str, str], ...]], float]]]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Files of two processes: in part the same series, one file emptied, labels that must be escaped."""
    for process, seen in ((0, 1.0), (1, 0.25)):
        write(tmp_path, "counter", process, "requests", "requests_total", {"path": "/a", "status": "200"}, seen)
        write(tmp_path, "counter", process, "requests", "requests_total", {"path": f"/{process}", "status": "404"}, 3)
        write(tmp_path, "counter", process, "lost", "lost_total", {}, 1e21)
        write(tmp_path, "counter", process, "odd", "odd_total", {"what": 'a "b" \\ c\nd, é={}'}, 1)
        write(tmp_path, "gauge_livesum", process, "open", "open", {}, 2 * process)
        for path in ("/a", f"/{process}"):
            for number, bound in enumerate(("10.0", "+Inf", "0.5", "2.0")):
                write(tmp_path, "histogram", process, "seconds", "seconds_bucket", {"path": path, "le": bound}, number)
            write(tmp_path, "histogram", process, "seconds", "seconds_sum", {"path": path}, seen)
    (tmp_path / "gauge_livesum_2.db").write_bytes(bytes(64))
    return tmp_path


def test_it_says_what_the_library_says(files: Path) -> None:
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, str(files))

    told = read(exposition.text(files.glob("*.db")))

    assert told == read(generate_latest(registry).decode())
    assert told["seconds"][2]["seconds_bucket", (("le", "2.0"), ("path", "/a"))] == 10.0


def test_of_no_files_nothing_is_said(tmp_path: Path) -> None:
    assert exposition.text(tmp_path.glob("*.db")) == ""


def write(
    directory: Path, kind: str, process: int, metric: str, name: str, labels: dict[str, str], value: float
) -> None:
    file = MmapedDict(str(directory / f"{kind}_{process}.db"))
    file.write_value(mmap_key(metric, name, list(labels), list(labels.values()), f"About {metric}."), value, 0.0)
    file.close()


def read(text: str) -> Samples:
    return {
        family.name: (
            family.type,
            family.documentation,
            {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in family.samples},
        )
        for family in text_string_to_metric_families(text)
    }
