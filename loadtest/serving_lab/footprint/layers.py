"""What the layers of images weigh on their way from a registry."""

import subprocess
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import msgspec

from serving_lab.errors import LabError

_GZIP_LEVEL = 6
_GZIP_WINDOW = 31  # zlib's way to ask for gzip's header and check sum
_CHUNK_BYTES = 1 << 18
_LARGEST_DOCUMENT_BYTES = 4 << 20
_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")  # gzip, zstd


@dataclass(frozen=True)
class SavedImage:
    """An image as it is written out."""

    config: str
    """Path of its configuration in the archive; contains the digest."""
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    """Of its layers, unpacked, from the bottom to the top."""
    compressed_bytes: tuple[int, ...]
    """Of each layer."""
    with_content: tuple[bool, ...]
    """Of each step of its history, from the first to the last: whether it made a layer."""


def saved(references: Sequence[str]) -> dict[str, SavedImage]:
    """Read images out of the engine, one after the other; nothing of them is kept but their configurations.

    Raises:
        LabError: the engine does not write one of them out.
    """
    packed: dict[str, int] = {}
    return {reference: _saved(reference, packed) for reference in references}


def _saved(reference: str, packed: dict[str, int]) -> SavedImage:
    # A session of its own: Ctrl-C is for the laboratory, which ends its processes itself.
    process = subprocess.Popen(  # noqa: S603
        ["docker", "save", reference],  # noqa: S607
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101 - it was started with pipes
    assert process.stderr is not None  # noqa: S101
    try:
        images = read(process.stdout, packed)
        said = process.stderr.read().decode(errors="replace").strip()
        if process.wait() == 0 and len(images) == 1:
            return images[0]
        said = said or f"{len(images)} images in the archive"
    except (tarfile.TarError, KeyError, msgspec.DecodeError, msgspec.ValidationError) as error:
        said = process.stderr.read().decode(errors="replace").strip() or str(error)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
    raise LabError(f"the engine does not write out {reference}: {said}", hint="docker images")


def read(archive: IO[bytes], packed: dict[str, int] | None = None) -> list[SavedImage]:
    """Read what `docker save` writes, piece by piece.

    Layers are packed as engines pack them when they push, with gzip at its level 6; those that are packed already count
    as they are.

    Args:
        archive: What is read.
        packed: Packed sizes by the names of layers, which hold their digests: those known are not packed again, those
            found are added.

    Raises:
        tarfile.TarError, KeyError, msgspec.DecodeError: it is not such an archive.
    """
    sizes = {} if packed is None else packed
    links: dict[str, str] = {}
    documents: dict[str, bytes] = {}
    with tarfile.open(fileobj=archive, mode="r|") as members:
        for member in members:
            if member.issym() or member.islnk():
                links[member.name] = _target(member)
            elif member.name in sizes and member.size > _LARGEST_DOCUMENT_BYTES:
                continue
            elif (content := members.extractfile(member)) is not None:
                sizes[member.name], start = _packed(content)
                if member.size <= _LARGEST_DOCUMENT_BYTES and start[:1] in (b"{", b"["):
                    documents[member.name] = start
    return [
        _image(entry, documents, {**sizes, **{name: sizes[target] for name, target in links.items()}})
        for entry in msgspec.json.decode(documents["manifest.json"], type=list[_Entry])
    ]


class _Entry(msgspec.Struct, rename="pascal"):
    config: str
    layers: list[str]
    repo_tags: list[str] | None = None


class _Step(msgspec.Struct):
    empty_layer: bool = False


class _RootFs(msgspec.Struct):
    diff_ids: list[str]


class _Config(msgspec.Struct):
    rootfs: _RootFs
    history: list[_Step] = []


def _image(entry: _Entry, documents: dict[str, bytes], sizes: dict[str, int]) -> SavedImage:
    config = msgspec.json.decode(documents[entry.config], type=_Config)
    return SavedImage(
        config=entry.config,
        tags=tuple(entry.repo_tags or ()),
        digests=tuple(config.rootfs.diff_ids),
        compressed_bytes=tuple(sizes[name] for name in entry.layers),
        with_content=tuple(not step.empty_layer for step in config.history),
    )


def _packed(content: IO[bytes]) -> tuple[int, bytes]:
    """The size when packed, and the beginning of the content."""
    chunks = _chunks(content)
    start = next(chunks, b"")
    already = start.startswith(_PACKED)
    packer = zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WINDOW)
    size = len(start if already else packer.compress(start))
    kept = bytearray(start)
    for chunk in chunks:
        size += len(chunk if already else packer.compress(chunk))
        if len(kept) < _LARGEST_DOCUMENT_BYTES:
            kept += chunk
    return size if already else size + len(packer.flush()), bytes(kept)


def _chunks(content: IO[bytes]) -> Iterator[bytes]:
    while chunk := content.read(_CHUNK_BYTES):
        yield chunk


def _target(member: tarfile.TarInfo) -> str:
    """Where a link of older engines points: a layer that another image in the archive has, too."""
    parts: list[str] = member.name.split("/")[:-1] if member.issym() else []
    for part in member.linkname.split("/"):
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
