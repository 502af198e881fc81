"""What the services say of the model that they serve, and model-sync of what it lays down."""

import http.client
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from serving_lab.registry.sync_status import FAILURES, FOLLOWED

_TIMEOUT_SECONDS = 2.0
_WANTED = ("service_info", "model_reloads", "model_sync_")
# What is asked is on this machine: a proxy for the outside must not be.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Served:
    """What a service serves now."""

    model_version: str
    """As model.json says."""
    model_sha256: str
    not_loaded: float
    """New models that it has refused, or failed to load, since it started."""


@dataclass(frozen=True)
class Synced:
    """How model-sync gets on."""

    followed: Mapping[str, bool]
    """Whether what is laid down is what the registry names, by alias."""
    failures: Mapping[str, float] = field(default_factory=dict)
    """Counts since it started, by reason."""


def served(url: str) -> Served | None:
    """What the service at this base URL serves; None where it does not answer, or does not say."""
    families = _families(url)
    info = next((sample.labels for sample in _samples(families, "service_info")), {})
    if "model_sha256" not in info:
        return None
    reloads = _samples(families, "model_reloads_total")
    not_loaded = sum(each.value for each in reloads if each.labels.get("result") != "loaded")
    return Served(info.get("model_version", ""), info["model_sha256"], not_loaded)


def synced(url: str) -> Synced | None:
    """How the model-sync at this base URL gets on; None where it does not answer."""
    families = _families(url)
    if not families:
        return None
    return Synced(
        {each.labels["alias"]: bool(each.value) for each in _samples(families, FOLLOWED)},
        {each.labels["reason"]: each.value for each in _samples(families, FAILURES)},
    )


def _families(url: str) -> list[Metric]:
    try:
        with _OPENER.open(f"{url}/metrics", timeout=_TIMEOUT_SECONDS) as response:
            lines = response.read().decode().splitlines(keepends=True)
        # Parsing all buckets of all histograms would take longer than the answer.
        wanted = "".join(line for line in lines if line.startswith(_WANTED))
        return list(text_string_to_metric_families(wanted))
    except (OSError, ValueError, http.client.HTTPException):
        return []


def _samples(families: list[Metric], name: str) -> list["_Sample"]:
    found = [sample for family in families for sample in family.samples if sample.name == name]
    return [_Sample(sample.labels, sample.value) for sample in found]


@dataclass(frozen=True)
class _Sample:
    labels: Mapping[str, str]
    value: float
