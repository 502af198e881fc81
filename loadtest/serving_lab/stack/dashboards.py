"""Grafana's dashboards with the colours of the services that run: the committed files name no service."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from serving_lab.targets.catalogue import Entry

_WITH_SERIES = ("timeseries", "stat", "bargauge")


def coloured(directory: Path, entries: Sequence[Entry]) -> Mapping[str, str]:
    """The text of each dashboard of a directory by its file's name, every series of a service in the service's colour.

    A series belongs to the service whose label is its name or the beginning of its name, before a space.
    """
    return {path.name: _coloured(path, entries) for path in sorted(directory.glob("*.json"))}


def _coloured(path: Path, entries: Sequence[Entry]) -> str:
    dashboard = json.loads(path.read_text(encoding="utf-8"))
    # Where several match the last one holds: "Flask 3" after "Flask".
    overrides = [_override(entry) for entry in sorted(entries, key=lambda entry: len(entry.label))]
    for panel in _panels(dashboard):
        if panel["type"] in _WITH_SERIES:
            panel.setdefault("fieldConfig", {}).setdefault("overrides", []).extend(overrides)
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


def _override(entry: Entry) -> Mapping[str, object]:
    label = re.escape(entry.label).replace("/", r"\/")
    colour = {"mode": "fixed", "fixedColor": entry.colour}
    return {
        "matcher": {"id": "byRegexp", "options": f"/^{label}( |$)/"},
        "properties": [{"id": "color", "value": colour}],
    }


def _panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])  # those folded into a row
