"""Sizes of images, whatever an engine's store says of them."""

import io
import json
import random
import tarfile
from pathlib import Path

import pytest
from serving_lab.footprint import images
from serving_lab.footprint.images import Wanted

MB = 1_000_000
DIGESTS = ["sha256:aa", "sha256:bb"]
STEPS = {"COPY": 30, "ENV": 0, "FROM": 70}
"""Of the image, the last first, in MB."""
DOCKER = """#!/bin/sh
case "$*" in
    "image inspect base") cat HERE/base.json ;;
    "image inspect app") cat HERE/app.json ;;
    history*) cat HERE/history.json ;;
    "save app") cat HERE/app.tar ;;
    *) echo "$*" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an engine's command line finds what it prints."""
    docker = tmp_path / "docker"
    docker.write_text(DOCKER.replace("HERE", str(tmp_path)))
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def store(directory: Path, app_bytes: int, base_bytes: int, history: str) -> None:
    """Let the engine have an image of 70 MB, and one with 30 MB more on it, and say these sizes of them."""
    facts = {"Id": "sha256:cc", "Config": {"Labels": None}}
    for name, size, digests in (("app", app_bytes, DIGESTS), ("base", base_bytes, DIGESTS[:1])):
        text = json.dumps([{**facts, "Size": size, "RootFS": {"Layers": digests}}])
        (directory / f"{name}.json").write_text(text)
    (directory / "history.json").write_text(history)
    layer = random.Random(1).randbytes(1000)  # noqa: S311 - what cannot be packed
    config = {"rootfs": {"diff_ids": DIGESTS}, "history": [{}, {"empty_layer": True}, {}]}
    manifest = [{"Config": "cc", "RepoTags": None, "Layers": ["aa", "bb"]}]
    documents = {"cc": json.dumps(config).encode(), "manifest.json": json.dumps(manifest).encode()}
    with tarfile.open(directory / "app.tar", "w") as tar:
        for name, content in {"aa": layer, "bb": layer, **documents}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize(
    ("app_bytes", "base_bytes"), [(100 * MB, 70 * MB), (39 * MB, 25 * MB)], ids=["unpacked store", "packed store"]
)
@pytest.mark.parametrize(
    "history",
    [
        "\n".join(json.dumps({"CreatedBy": step, "Size": f"{size}MB"}) for step, size in STEPS.items()),
        json.dumps([{"createdBy": step, "size": size * MB} for step, size in STEPS.items()]),
    ],
    ids=["Docker", "Podman"],
)
def test_sizes_are_unpacked_ones(app_bytes: int, base_bytes: int, history: str, directory: Path) -> None:
    store(directory, app_bytes, base_bytes, history)

    found, warnings = images.measure({"app": Wanted("app", base="base")})

    image = found["app"]
    assert (image.total_bytes, image.over_base_bytes) == (100 * MB, 30 * MB)
    assert [(layer.created_by, layer.size_bytes, layer.of_base) for layer in image.layers] == [
        ("FROM", 70 * MB, True),
        ("COPY", 30 * MB, False),
    ]
    assert warnings == []


def test_a_packed_store_without_sizes_of_layers_is_said_to_be_one(directory: Path) -> None:
    store(directory, 1500, 700, "")

    _, warnings = images.measure({"app": Wanted("app", base="base")})

    assert warnings == ["app: the engine keeps it packed, and says how large only that is"]
