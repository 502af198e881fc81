"""Settings and models that cannot be: one line that names what is wrong, and an exit code of its own."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.services import SERVICE_NAMES, Refusal, Setting, refusals

# One of each kind. That every setting is checked, and what is said of it: tests/core/test_settings.py.
WRONG_SETTINGS: list[tuple[str, Setting]] = [
    ("SECRET_KEY", None),
    ("CACHE_URL_FILE", "/no/such/file"),
    ("WORKERS", "many"),
    ("RATE_LIMIT", "often"),
]


def the_one_line(refusals: list[Refusal], exit_code: int) -> str:
    """Return the line that all services printed, each after its own name, and nothing else, before they ended."""
    lines = []
    for name, refusal in zip(SERVICE_NAMES, refusals, strict=True):
        assert refusal.exit_code == exit_code, refusal.stderr
        assert refusal.stdout == ""
        assert refusal.stderr.count("\n") == 1, refusal.stderr
        assert "Traceback" not in refusal.stderr
        assert refusal.stderr.startswith(f"{name}: ")
        lines.append(refusal.stderr.removeprefix(f"{name}: "))
    assert set(lines) == {lines[0]}
    return lines[0]


@pytest.mark.parametrize(
    ("setting", "value"), WRONG_SETTINGS, ids=[f"{setting}={value}" for setting, value in WRONG_SETTINGS]
)
def test_a_wrong_setting_is_named_in_one_line(model_dir: Path, setting: str, value: Setting) -> None:
    assert setting in the_one_line(refusals(model_dir, **{setting: value}), exit_code=2)


def test_a_refused_secret_is_not_printed(model_dir: Path) -> None:
    line = the_one_line(refusals(model_dir, SECRET_KEY="too-short-a-secret"), exit_code=2)

    assert "too-short-a-secret" not in line
    assert "32" in line, "it says how long it has to be"


def one_bit_changed(directory: Path) -> Path:
    graph = bytearray((directory / "model.onnx").read_bytes())
    graph[len(graph) // 2] ^= 1
    (directory / "model.onnx").write_bytes(graph)
    return directory


def no_directory(directory: Path) -> Path:
    return directory / "nowhere"


@pytest.mark.parametrize("spoil", [no_directory, one_bit_changed], ids=lambda spoil: spoil.__name__.replace("_", " "))
def test_a_model_that_cannot_be_used_is_refused_in_one_line(
    model_dir: Path, tmp_path: Path, spoil: Callable[[Path], Path]
) -> None:
    """What makes a model unusable: tests/core/test_model_files.py."""
    copy = tmp_path / "model"
    shutil.copytree(model_dir, copy)

    assert "model" in the_one_line(refusals(spoil(copy)), exit_code=1)
