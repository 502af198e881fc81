"""What `docker save` writes, in the form of each engine, and what its layers weigh when packed."""

import gzip
import io
import json
import random
import tarfile
from collections.abc import Mapping

import pytest
from serving_lab.footprint import layers

NOISE = random.Random(1).randbytes(700_000)  # noqa: S311 - what cannot be packed
ZEROS = bytes(3_000_000)


def archive(members: Mapping[str, bytes | str]) -> io.BytesIO:
    """Return a tar of contents by name; a text is where a symbolic link points."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    stream.seek(0)
    return stream


def config(*digests: str) -> bytes:
    history = [{"created_by": "FROM"}, {"created_by": "ENV A=1", "empty_layer": True}, {"created_by": "COPY"}]
    return json.dumps({"rootfs": {"type": "layers", "diff_ids": digests}, "history": history}).encode()


def manifest(*entries: tuple[str, list[str]]) -> bytes:
    return json.dumps([{"Config": name, "RepoTags": None, "Layers": found} for name, found in entries]).encode()


def test_layers_are_packed_as_for_a_registry() -> None:
    saved = archive(
        {
            "blobs/sha256/aa": NOISE,
            "blobs/sha256/bb": ZEROS,
            "blobs/sha256/cc": config("sha256:aa", "sha256:bb"),
            "manifest.json": manifest(("blobs/sha256/cc", ["blobs/sha256/aa", "blobs/sha256/bb"])),
        }
    )

    (image,) = layers.read(saved)

    assert image.digests == ("sha256:aa", "sha256:bb")
    assert image.with_content == (True, False, True)
    packed = [len(gzip.compress(content, compresslevel=6)) for content in (NOISE, ZEROS)]
    assert image.compressed_bytes == pytest.approx(packed, abs=32)
    assert packed[0] > len(NOISE)
    assert packed[1] < len(ZEROS) / 100


def test_a_layer_that_is_packed_already_counts_as_it_is() -> None:
    packed = gzip.compress(ZEROS, compresslevel=1)
    saved = archive(
        {
            "blobs/sha256/bb": packed,
            "blobs/sha256/cc": config("sha256:bb"),
            "manifest.json": manifest(("blobs/sha256/cc", ["blobs/sha256/bb"])),
        }
    )

    (image,) = layers.read(saved)

    assert image.compressed_bytes == (len(packed),)


def test_older_engines_link_to_the_layer_of_another_image() -> None:
    saved = archive(
        {
            "1/layer.tar": NOISE,
            "2/layer.tar": "../1/layer.tar",
            "one.json": config("sha256:aa"),
            "two.json": config("sha256:aa"),
            "manifest.json": manifest(("one.json", ["1/layer.tar"]), ("two.json", ["2/layer.tar"])),
        }
    )

    one, two = layers.read(saved)

    assert one.compressed_bytes == two.compressed_bytes
    assert one.compressed_bytes[0] > len(NOISE)


def test_what_is_no_such_archive_is_refused() -> None:
    with pytest.raises(KeyError):
        layers.read(archive({"something": NOISE}))
