"""The dashboards against the types that the pinned Grafana itself is built from, which it publishes on npm."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.dashboards import dashboards
from support.needs import lacking, needed

ROOT = Path(__file__).resolve().parents[2]
PANEL_TYPES = ("stat", "timeseries", "table", "heatmap", "text")
# Enumerations of the package are compared by their values, which is what stands in a file.
PREAMBLE = """
import type {{ Dashboard, Panel, RowPanel }} from '@grafana/schema';
{imports}
type InFile<T> = T extends string ? `${{T}}` : T extends number ? T : T extends (infer E)[] ? InFile<E>[]
  : T extends object ? {{ [K in keyof T]: InFile<T[K]> }} : T;
"""
COMPILER_OPTIONS = {"strict": True, "noEmit": True, "module": "esnext", "moduleResolution": "bundler", "types": []}

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def schema_dir() -> Path:
    """Grafana's types of the pinned version, and a compiler, installed once."""
    found = re.search(r"^GRAFANA_IMAGE=.*:([\d.]+)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert found
    directory = ROOT / "build" / f"grafana-schema-{found[1]}"
    if not (directory / "node_modules" / ".bin" / "tsc").exists():
        directory.mkdir(parents=True, exist_ok=True)
        packages = [f"@grafana/schema@{found[1]}", "typescript@5"]
        install = subprocess.run(
            [
                needed("npm", package="npm"),
                "install",
                "--no-save",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--prefix",
                directory,
                *packages,
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        if install.returncode != 0:
            lacking(f"npm cannot install {packages[0]}: {install.stderr[-300:]}")
    return directory


@pytest.fixture(scope="module")
def type_errors(schema_dir: Path) -> dict[str, list[str]]:
    """What the compiler finds in the dashboards, and in one that was spoilt; both at once, as it starts slowly."""
    spoilt = dashboards()[0]
    spoilt["panels"][0]["options"]["graphMood"] = "none"
    spoilt["panels"][0]["fieldConfig"]["defaults"]["unit"] = 7
    spoilt["refreshing"] = "2s"
    programs = {"provisioned": dashboards(), "spoilt": [spoilt]}
    for name, documents in programs.items():
        (schema_dir / f"{name}.ts").write_text(_typescript(documents))
    configuration = {"compilerOptions": COMPILER_OPTIONS, "files": [f"{name}.ts" for name in programs]}
    (schema_dir / "tsconfig.json").write_text(json.dumps(configuration))
    compiler = subprocess.run(
        [schema_dir / "node_modules" / ".bin" / "tsc", "--project", ".", "--pretty", "false"],
        cwd=schema_dir,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    errors = [line for line in compiler.stdout.splitlines() if "error TS" in line]
    assert errors, compiler.stdout + compiler.stderr
    return {name: [error for error in errors if error.startswith(f"{name}.ts")] for name in programs}


def test_dashboards_are_what_the_pinned_grafana_reads(type_errors: dict[str, list[str]]) -> None:
    assert type_errors["provisioned"] == []


def test_a_field_that_grafana_does_not_know_is_found(type_errors: dict[str, list[str]]) -> None:
    errors = type_errors["spoilt"]

    assert len(errors) == 3
    assert all(any(name in error for error in errors) for name in ('"graphMood"', "'number'", '"refreshing"'))


def _typescript(documents: list[dict[str, Any]]) -> str:
    modules = "./node_modules/@grafana/schema/dist/types/raw/composable"
    imports = [f"import type * as {kind} from '{modules}/{kind}/panelcfg/x/types.gen';" for kind in PANEL_TYPES]
    lines = [PREAMBLE.format(imports="\n".join(imports))]
    for document in documents:
        for panel in document["panels"]:
            lines += _typed_panel(panel)
        lines.append(_typed("Dashboard", _without_query_fields(document)))
    return "\n".join(lines)


def _typed_panel(panel: dict[str, Any]) -> list[str]:
    if panel["type"] == "row":
        return [_typed("RowPanel", panel)]
    typed = [_typed("Panel", panel), _typed(f"Partial<{panel['type']}.Options>", panel["options"])]
    custom = panel.get("fieldConfig", {}).get("defaults", {}).get("custom")
    if custom is not None:
        typed.append(_typed(f"Partial<{panel['type']}.FieldConfig>", custom))
    return typed


def _without_query_fields(document: dict[str, Any]) -> dict[str, Any]:
    # What a query says beside its reference, and an annotation of its texts, is the datasource's own.
    annotations = [
        {name: value for name, value in annotation.items() if name not in ("textFormat", "titleFormat")}
        | {"target": {"refId": annotation["target"]["refId"]}}
        for annotation in document["annotations"]["list"]
    ]
    return {**document, "panels": [], "annotations": {"list": annotations}}


def _typed(kind: str, value: object) -> str:
    return f"(({json.dumps(value)}) satisfies InFile<{kind}>);"
