"""The documentation as a site, built by the command that `make docs` runs."""

import subprocess
import sys
from pathlib import Path

from support.checkout import REPOSITORY
from support.tiers import at_least


def run_build(root: Path, into: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of the pages below a directory that has docs/site."""
    at_least("service", "a build of the documentation")
    return subprocess.run(
        [sys.executable, str(root / "docs" / "site" / "build.py"), "--into", str(into)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def built_site(into: Path) -> Path:
    """Build the site of this repository, and return where its pages are."""
    result = run_build(REPOSITORY, into)
    assert result.returncode == 0, result.stderr
    return into / "site"


def source_of(page: Path, site: Path) -> Path:
    """The Markdown file of this repository that a page was made of."""
    path = page.relative_to(site)
    return REPOSITORY / (path.with_name("README.md") if path.name == "index.html" else path.with_suffix(".md"))
