"""Grafana's components from npm and what draws panels with them, as one script and one style sheet."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

from support.checkout import REPOSITORY
from support.needs import lacking, needed

HERE = Path(__file__).resolve().parent
SCRIPT, STYLES = "panels.js", "panels.css"

_BUILD = REPOSITORY / "build" / "pictures"
_GRAFANA = ("data", "i18n", "ui")
# Of editors and maps, which no panel of ours draws.
_UNUSED_FILES = {".ttf": "empty", ".svg": "text"}
# As Grafana's own style sheet calls them.
_FONTS = {"Inter-Regular": 400, "Inter-Medium": 500}
_FONT_FILES = Path("node_modules/@fontsource/inter/files")


def bundled() -> Path:
    """The directory with the script and the style sheet; made once for a version of what they are made of."""
    packages = json.loads((HERE / "package.json").read_text())
    packages["dependencies"] |= {f"@grafana/{name}": grafana_version() for name in _GRAFANA}
    wanted = json.dumps(packages, indent=2)
    _BUILD.mkdir(parents=True, exist_ok=True)
    if not (_BUILD / "package.json").exists() or (_BUILD / "package.json").read_text() != wanted:
        _install(wanted)
    source = HERE / "panels.jsx"
    made = _BUILD / hashlib.sha256(wanted.encode() + source.read_bytes()).hexdigest()[:12]
    if not (made / SCRIPT).exists():
        shutil.copy(source, _BUILD)
        _run(
            _BUILD / "node_modules" / ".bin" / "esbuild",
            source.name,
            "--bundle",
            "--minify",
            "--jsx=automatic",
            "--define:global=window",
            '--define:process.env.NODE_ENV="production"',
            *(f"--loader:{suffix}={loader}" for suffix, loader in _UNUSED_FILES.items()),
            "--log-level=error",
            f"--outfile={made / SCRIPT}",
        )
        for name, weight in _FONTS.items():
            shutil.copy(_BUILD / _FONT_FILES / f"inter-latin-{weight}-normal.woff2", made / f"{name}.woff2")
    return made


def grafana_version() -> str:
    """The version that the lab runs."""
    found = re.search(r"^GRAFANA_IMAGE=.*:([\d.]+)$", (REPOSITORY / ".env.example").read_text(), re.MULTILINE)
    assert found
    return found[1]


def _install(packages: str) -> None:
    """Install into a directory of its own, which says what it has only once it has it."""
    npm = needed("npm", package="npm")
    (_BUILD / "package.json").unlink(missing_ok=True)
    beginning = _BUILD / "begun"
    beginning.mkdir(exist_ok=True)
    (beginning / "package.json").write_text(packages)
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps")
    try:
        _run(npm, "install", "--prefix", beginning, *quiet)
    except subprocess.CalledProcessError as error:
        lacking(f"npm cannot install Grafana's components: {error.stderr[-300:]}")
    shutil.rmtree(_BUILD / "node_modules", ignore_errors=True)
    (beginning / "node_modules").rename(_BUILD / "node_modules")
    (_BUILD / "package.json").write_text(packages)


def _run(*command: str | Path) -> None:
    subprocess.run(command, cwd=_BUILD, check=True, capture_output=True, text=True, timeout=400)
