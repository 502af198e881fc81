"""What `lab up` writes for Prometheus and Grafana follows from the catalogue and is readable in a container."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from serving_lab.project import Project
from serving_lab.stack import dashboards, monitoring
from serving_lab.stack.environment import Settings
from serving_lab.stack.service import Service
from serving_lab.targets.catalogue import Entry
from support.checkout import REPOSITORY
from support.services import CATALOGUE

PROJECT = Project(REPOSITORY)


@pytest.fixture
def settings() -> Settings:
    return Settings.load(PROJECT, {})


def address(service: Service) -> str:
    return f"{service.name}:1"


def written(directory: Path) -> dict[str, tuple[int, bytes]]:
    """When each file was written, and what."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {str(path.relative_to(directory)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_each_service_that_runs_is_a_target_with_its_labels(settings: Settings, tmp_path: Path) -> None:
    monitoring.write(PROJECT, settings, tmp_path, address)

    assert json.loads((tmp_path / "prometheus" / "targets" / "services.json").read_text()) == [
        {
            "targets": [f"{entry.name}:1"],
            "labels": {"service": entry.name, "label": entry.label, "role": entry.role},
        }
        for entry in CATALOGUE.entries
        if entry.profile is None
    ]
    assert json.loads((tmp_path / "prometheus" / "targets" / "gateway.json").read_text()) == []
    for job in ("locust", "prometheus"):
        targets = json.loads((tmp_path / "prometheus" / "targets" / f"{job}.json").read_text())
        assert targets == [{"targets": [f"{job}:1"]}]


def test_model_sync_is_a_target_where_the_registry_runs(settings: Settings, tmp_path: Path) -> None:
    monitoring.write(PROJECT, settings, tmp_path / "without", address)
    monitoring.write(PROJECT, Settings.load(PROJECT, {"COMPOSE_PROFILES": "registry"}), tmp_path / "with", address)

    found = [
        json.loads((tmp_path / each / "prometheus/targets/model-sync.json").read_text()) for each in ("without", "with")
    ]
    assert found == [[], [{"targets": ["model-sync:1"]}]]


def test_the_gateway_is_a_target_where_it_runs(settings: Settings, tmp_path: Path) -> None:
    monitoring.write(PROJECT, settings, tmp_path, address, "gateway:2")

    targets = json.loads((tmp_path / "prometheus" / "targets" / "gateway.json").read_text())
    assert targets == [{"targets": ["gateway:2"]}]


def test_the_configuration_and_the_rules_are_the_projects(settings: Settings, tmp_path: Path) -> None:
    monitoring.write(PROJECT, settings, tmp_path, address)

    source = PROJECT.monitoring / "prometheus"
    for path in (source / "prometheus.yml", *(source / "rules").iterdir()):
        assert (tmp_path / "prometheus" / path.relative_to(source)).read_text() == path.read_text()


def test_a_user_of_a_container_may_read_everything(settings: Settings, tmp_path: Path) -> None:
    monitoring.write(PROJECT, settings, tmp_path / "new", address)

    for mounted in (tmp_path / "new" / "prometheus", tmp_path / "new" / "grafana" / "dashboards"):
        for path in (mounted, *mounted.rglob("*")):
            assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


def test_what_is_right_already_stays_and_what_is_no_more_goes(settings: Settings, tmp_path: Path) -> None:
    monitoring.write(PROJECT, settings, tmp_path, address)
    before = written(tmp_path)
    (tmp_path / "prometheus" / "targets" / "gone.json").write_text("[]")

    monitoring.write(PROJECT, settings, tmp_path, address)

    assert written(tmp_path) == before


def test_every_series_of_a_service_has_the_colour_of_the_service() -> None:
    panels = [panel for panel in drawn(CATALOGUE.entries) if "{{label}}" in legends(panel)]

    assert panels
    for panel in panels:
        assert {entry.label: colour(panel, entry.label) for entry in CATALOGUE.entries} == {
            entry.label: entry.colour for entry in CATALOGUE.entries
        }


def test_ratios_and_all_else_keep_their_own_colours() -> None:
    panels = [panel for panel in drawn(CATALOGUE.entries) if "{{label}}" not in legends(panel)]

    assert [panel for panel in panels if "{{label}} / {{baseline}}: {{verdict}}" in legends(panel)]
    assert [panel for panel in panels for entry in CATALOGUE.entries if colour(panel, entry.label)] == []


def drawn(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """The panels of all dashboards, those folded into rows too."""
    texts = dashboards.coloured(PROJECT.dashboards, entries)
    assert set(texts) == {path.name for path in PROJECT.dashboards.glob("*.json")}
    panels = [panel for text in texts.values() for panel in json.loads(text)["panels"]]
    return [each for panel in panels for each in (panel, *panel.get("panels", ()))]


def legends(panel: dict[str, Any]) -> list[str]:
    return [target["legendFormat"] for target in panel.get("targets", [])]


def colour(panel: dict[str, Any], series: str) -> str | None:
    """The colour that a panel gives to a series."""
    found = [
        applied["value"]["fixedColor"]
        for override in panel.get("fieldConfig", {}).get("overrides", [])
        for applied in override["properties"]
        if override["matcher"] == {"id": "byName", "options": series}
    ]
    return found[0] if found else None
