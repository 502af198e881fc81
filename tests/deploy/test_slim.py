"""What images leave out of virtual environments: what is left still works, as a process that imports it shows."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "slim.py"
PACKAGE = "uvloop"
"""Its wheels have symbols for debuggers."""

pytestmark = pytest.mark.service


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """The site-packages of an environment with one package."""
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    packages = tmp_path / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    shutil.copytree(Path(spec.origin).parent, packages / PACKAGE)
    return packages


def slim(packages: Path) -> str:
    environment = packages.parents[2]
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(environment)], capture_output=True, text=True, check=True
    ).stdout


def test_extension_modules_lose_symbols_and_work(packages: Path) -> None:
    (module,) = (packages / PACKAGE).glob("loop.*.so")
    before = module.stat()

    slim(packages)

    assert module.stat().st_size < before.st_size / 2
    assert module.stat().st_mode == before.st_mode
    program = f"import {PACKAGE}, asyncio; print({PACKAGE}.__file__); {PACKAGE}.run(asyncio.sleep(0))"
    said = subprocess.check_output([sys.executable, "-c", program], env={"PYTHONPATH": str(packages)}, text=True)
    assert said.startswith(str(packages))


def test_what_no_service_needs_goes_and_nothing_else(packages: Path) -> None:
    unused = ("one/tests/test_it.py", "one/typed.pyi", "numpy/f2py/__init__.py", "onnxruntime/tools/convert.py")
    needed = ("one/testing.py", "one/py.typed", "numpy/__init__.py", "onnxruntime/LICENSE", "one/tool.so")
    for name in (*unused, *needed):
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text("no library")

    said = slim(packages)

    assert [name for name in unused if (packages / name).exists()] == []
    assert [name for name in needed if (packages / name).read_text() != "no library"] == []
    assert " MB, now " in said
