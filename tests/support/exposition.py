"""What a service says of itself at /metrics."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from support.services import RunningService
from support.wire import Request, send

Series = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True)
class Exposition:
    """One scrape: types by family, values by series."""

    types: dict[str, str]
    values: dict[Series, float]

    def value(self, name: str, **labels: str) -> float:
        """Return the sum over all series of this name that have these labels."""
        return sum(value for (_, given), value in self.series(name) if labels.items() <= dict(given).items())

    def series(self, name: str) -> Iterator[tuple[Series, float]]:
        """Yield the series of one name."""
        return ((series, value) for series, value in self.values.items() if series[0] == name)

    def label_names(self, name: str) -> set[frozenset[str]]:
        """Return the combinations of label names that the series of one name have."""
        return {frozenset(label for label, _ in labels) for (_, labels), _ in self.series(name)}

    def label_values(self, name: str, label: str) -> set[str]:
        """Return all values of a label."""
        return {dict(labels)[label] for (_, labels), _ in self.series(name)}

    def counters(self) -> dict[Series, float]:
        """Return every series that must never fall: counters, and what histograms count."""
        suffixes = ("_total", "_bucket", "_count", "_sum")
        return {series: value for series, value in self.values.items() if series[0].endswith(suffixes)}


def scrape(service: RunningService) -> Exposition:
    """Read /metrics on a connection of its own, so that any worker may answer."""
    response = send(service, Request("GET", "/metrics", headers=()))
    assert response.status_code == 200, response.text
    return parse(response.text)


def parse(text: str) -> Exposition:
    """Parse Prometheus' text format; a counter's family has its full name here, as in the documents."""
    types: dict[str, str] = {}
    values: dict[Series, float] = {}
    for family in text_string_to_metric_families(text):
        types[family.name + ("_total" if family.type == "counter" else "")] = family.type
        for sample in family.samples:
            series = (sample.name, frozenset(sample.labels.items()))
            assert series not in values, f"{series} is there twice"
            values[series] = sample.value
    return Exposition(types, values)
