"""Two Prometheus expositions compared by their families: what they count differs with what the services were asked."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from prometheus_client import Metric
from prometheus_client.openmetrics import parser as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from serving_lab.parity.judgement.difference import Difference, DifferenceKind, shown

_UNTYPED = frozenset({"unknown", "untyped"})
_OPEN_METRICS = "application/openmetrics-text"
_VALUE = re.compile(r"^([^#\n].*[ \t])[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?$", re.MULTILINE)
_KEPT = 16
"""Parsed expositions: most differ only in values, which are not compared, and the parser is slow."""


def is_exposition(content_type: str | None) -> bool:
    """Whether this Content-Type is that of an exposition."""
    media_type, _, parameters = (content_type or "").lower().partition(";")
    return media_type == _OPEN_METRICS or (media_type == "text/plain" and "version=" in parameters)


def families(text: str, content_type: str | None) -> "Families":
    """The families of an exposition, read as its Content-Type says; one in several blocks is one.

    Raises:
        ValueError: it is not such an exposition.
    """
    if (content_type or "").lower().startswith(_OPEN_METRICS):
        return _families(open_metrics.text_string_to_metric_families(text))  # it checks values against each other
    parts = _VALUE.split(text)
    parts[1::2] = [before + "0" for before in parts[1::2]]
    return _of_classic("".join(parts))


@lru_cache(_KEPT)
def _of_classic(text: str) -> "Families":
    return _families(text_string_to_metric_families(text))


def _families(metrics: Iterable[Metric]) -> "Families":
    found: Families = {}
    for metric in metrics:
        family = _Family.of(metric)
        found[metric.name] = found[metric.name].joined(family) if metric.name in found else family
    return found


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

    def joined(self, other: "_Family") -> "_Family":
        """The family with another block of it; what the first one does not say, the other does."""
        return _Family(
            type=other.type if self.type in _UNTYPED else self.type,
            help=self.help or other.help,
            labels=self.labels | other.labels,
            buckets=self.buckets | other.buckets,
            sampled=self.sampled or other.sampled,
        )


Families = dict[str, _Family]


def differences(left: Families, right: Families) -> Iterator[Difference]:
    """What differs between two expositions: families, types, help texts, labels, buckets.

    Labels and buckets are compared where both sides have samples.
    """
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
