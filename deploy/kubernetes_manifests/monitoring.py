"""What kube-prometheus-stack reads: the same targets, rules and dashboards as the lab's own Prometheus and Grafana."""

import re
from collections.abc import Iterator

import yaml
from serving_lab.stack.service import LOCUST
from serving_lab.text.yaml_file import YamlFile

from kubernetes_manifests.objects import NAME, NAMESPACE, Object, new
from kubernetes_manifests.source import Source

PROMETHEUS_NAMESPACE = "monitoring"
"""Where the cluster's Prometheus runs."""
_API = "monitoring.coreos.com/v1"


def monitors(source: Source) -> list[Object]:
    """Where the metrics are, with the labels that rules and dashboards ask for."""
    under_test = [
        _monitor(
            entry.name, {"job": "services", "service": entry.name, "label": entry.label, "role": entry.role}, source
        )
        for entry in source.catalogue.entries
    ]
    return [*under_test, _monitor(LOCUST, {"job": "locust"}, source)]


def rules(source: Source) -> Iterator[Object]:
    """The rules, one object for each file of them."""
    for path in sorted((source.project.monitoring / "prometheus" / "rules").glob("*.yml")):
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))
        yield new("PrometheusRule", f"{NAMESPACE}-{path.stem}", spec, api=_API)


def dashboards(source: Source) -> Object:
    """The kustomization beside Grafana's dashboards, which makes an object of each: one of all is too large."""
    files = sorted(path.name for path in source.project.dashboards.glob("*.json"))
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "configMapGenerator": [{"name": f"dashboard-{name.removesuffix('.json')}", "files": [name]} for name in files],
        "generatorOptions": {"disableNameSuffixHash": True, "labels": {"grafana_dashboard": "1"}},
    }


def _monitor(name: str, added: dict[str, str], source: Source) -> Object:
    scraped = YamlFile.parse(source.project.monitoring / "prometheus" / "prometheus.yml").section("global").content
    assert isinstance(scraped, dict)  # noqa: S101 - promtool checks the file
    endpoint: Object = {
        "port": "http",
        "path": "/metrics",
        "interval": scraped["scrape_interval"],
        "scrapeTimeout": scraped["scrape_timeout"],
        "honorLabels": True,
        # A dollar sign would be a reference.
        "relabelings": [
            {"targetLabel": label, "replacement": re.sub(r"\$", "$$$$", value)} for label, value in added.items()
        ],
    }
    spec: Object = {"selector": {"matchLabels": {NAME: name}}, "endpoints": [endpoint]}
    return new("ServiceMonitor", name, spec, api=_API)
