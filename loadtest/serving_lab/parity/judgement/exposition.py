"""Two Prometheus expositions compared by their families: what they count differs with what the services were asked."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from serving_lab.parity.judgement.difference import Difference, DifferenceKind, shown


def is_exposition(content_type: str | None) -> bool:
    """Whether this Content-Type is that of an exposition."""
    media_type, _, parameters = (content_type or "").lower().partition(";")
    return media_type == "application/openmetrics-text" or (media_type == "text/plain" and "version=" in parameters)


@dataclass(frozen=True)
class _Family:
    type: str
    help: str
    labels: frozenset[str]
    buckets: frozenset[str]
    sampled: bool

    @classmethod
    def of(cls, metric: Metric) -> "_Family":
        labels = frozenset(name for sample in metric.samples for name in sample.labels)
        buckets = frozenset(sample.labels["le"] for sample in metric.samples if "le" in sample.labels)
        return cls(metric.type, metric.documentation, labels, buckets, bool(metric.samples))


def differences(primary: str, candidate: str) -> Iterator[Difference]:
    """What differs between two expositions: families, types, help texts, labels, buckets.

    Labels and buckets are compared where both sides have samples.

    Raises:
        ValueError: one of them is not an exposition.
    """
    left, right = _families(primary), _families(candidate)
    for name in left | right:
        where = f"metric {name}"
        if name not in right:
            yield Difference(DifferenceKind.METRIC_MISSING, where, left[name].type, None)
        elif name not in left:
            yield Difference(DifferenceKind.METRIC_EXTRA, where, None, right[name].type)
        else:
            yield from _forms(where, left[name], right[name])


def _forms(where: str, primary: _Family, candidate: _Family) -> Iterator[Difference]:
    pairs = [("type", primary.type, candidate.type), ("help", primary.help, candidate.help)]
    if primary.sampled and candidate.sampled:
        pairs.append(("labels", _listed(primary.labels), _listed(candidate.labels)))
        pairs.append(("buckets", _listed(primary.buckets), _listed(candidate.buckets)))
    for what, left, right in pairs:
        if left != right:
            yield Difference(DifferenceKind.METRIC_FORM, where, shown(f"{what} {left}"), shown(f"{what} {right}"))


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _families(text: str) -> dict[str, _Family]:
    return {metric.name: _Family.of(metric) for metric in text_string_to_metric_families(text)}
