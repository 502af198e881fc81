"""Grafana's dashboards with the colours of the services that run: the committed files name no service."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from serving_lab.targets.catalogue import Entry

_OF_SERVICE = "{{label}}"
"""The legend of a query with a series for each service, which is then called by the service's label."""


def coloured(directory: Path, entries: Sequence[Entry]) -> Mapping[str, str]:
    """The text of each dashboard of a directory by its file's name, every series of a service in the service's colour.

    A ratio of two services belongs to neither, and keeps the colours that say whether it is good.
    """
    return {path.name: _coloured(path, entries) for path in sorted(directory.glob("*.json"))}


def _coloured(path: Path, entries: Sequence[Entry]) -> str:
    dashboard = json.loads(path.read_text(encoding="utf-8"))
    overrides = [_override(entry) for entry in entries]
    for panel in _panels(dashboard):
        if any(target["legendFormat"] == _OF_SERVICE for target in panel.get("targets", [])):
            panel["fieldConfig"].setdefault("overrides", []).extend(overrides)
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


def _override(entry: Entry) -> Mapping[str, object]:
    return {
        "matcher": {"id": "byName", "options": entry.label},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": entry.colour}}],
    }


def _panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])  # those folded into a row
