"""How large images are: unpacked, over their base, packed, and by layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving_lab.errors import LabError
from serving_lab.footprint import layers
from serving_lab.footprint.layers import SavedImage
from serving_lab.footprint.result import Image, Layer
from serving_lab.stack.engine import docker, inspected
from serving_lab.stack.engine_output import objects, size_bytes

BASE_LABEL = "org.opencontainers.image.base.name"
"""What an image says of its base; see the OCI image specification, annotations."""


@dataclass(frozen=True)
class Wanted:
    """An image to measure."""

    reference: str
    base: str | None = None
    """Its base image; None: the one its label names."""


def measure(wanted: Mapping[str, Wanted]) -> tuple[dict[str, Image], list[str]]:
    """Return images by the names they were asked for with, and what a person should know of them.

    Raises:
        LabError: the engine has one of them not, or not the base that was named.
    """
    facts = {name: inspected("image", each.reference) for name, each in wanted.items()}
    warnings: list[str] = []
    bases = {name: _base(name, each, facts[name], warnings) for name, each in wanted.items()}
    written = layers.saved(sorted({each.reference for each in wanted.values()}))
    images = {
        name: _image(each.reference, facts[name], written[each.reference], bases[name]) for name, each in wanted.items()
    }
    warnings += [
        f"{name}: the engine keeps it packed, and says how large only that is"
        for name, image in images.items()
        if image.total_bytes <= image.compressed_bytes
    ]
    return images, warnings


def _base(
    name: str, wanted: Wanted, facts: Mapping[str, Any], warnings: list[str]
) -> tuple[str, Mapping[str, Any]] | None:
    reference = wanted.base or (facts["Config"].get("Labels") or {}).get(BASE_LABEL)
    if reference is None:
        warnings.append(f"{name}: its image names no base (label {BASE_LABEL}), so nothing is said about its share")
        return None
    try:
        base = inspected("image", reference)
    except LabError:
        if wanted.base:
            raise
        warnings.append(f"{name}: its base {reference} is not here, so nothing is said about its share")
        return None
    if _digests(facts)[: len(_digests(base))] == _digests(base):
        return reference, base
    if wanted.base:
        raise LabError(
            f"{wanted.reference} is not made from {reference}: its layers are others",
            hint="--base with the image it was built from",
        )
    warnings.append(f"{name}: {reference} here is not the one its image was made from: it has other layers")
    return None


def _image(
    reference: str, facts: Mapping[str, Any], written: SavedImage, base: tuple[str, Mapping[str, Any]] | None
) -> Image:
    steps = _history(reference)
    # Engines that keep no history of a layer leave it without words and size.
    made = [step for step, content in zip(steps, written.with_content, strict=False) if content]
    made += [("", 0)] * (len(written.digests) - len(made))
    of_base = len(_digests(base[1])) if base else 0
    found = [
        Layer(
            created_by=created_by, size_bytes=size, compressed_bytes=packed, of_base=index < of_base if base else None
        )
        for index, ((created_by, size), packed) in enumerate(zip(made, written.compressed_bytes, strict=False))
    ]
    # A store that keeps images packed says their packed size: then the layers know better.
    total = max(facts["Size"], sum(layer.size_bytes for layer in found))
    base_size = max(base[1]["Size"], sum(layer.size_bytes for layer in found[:of_base])) if base else 0
    return Image(
        reference=reference,
        id=facts["Id"],
        base=base[0] if base else None,
        total_bytes=total,
        over_base_bytes=total - base_size if base else None,
        compressed_bytes=sum(layer.compressed_bytes for layer in found),
        compressed_over_base_bytes=sum(layer.compressed_bytes for layer in found[of_base:]) if base else None,
        layers=found,
    )


def _history(reference: str) -> list[tuple[str, int]]:
    """Each step from the first to the last: what made it, and its size in bytes."""
    said = docker("history", "--no-trunc", "--human=false", "--format", "{{json .}}", reference)
    return [_step(step) for step in reversed(objects(said, "docker history"))]


def _step(step: Mapping[str, Any]) -> tuple[str, int]:
    # Podman names most of these in small letters.
    said = {name.lower(): value for name, value in step.items()}
    return said.get("createdby") or said.get("comment", ""), size_bytes(str(said.get("size", 0))) or 0


def _digests(facts: Mapping[str, Any]) -> list[str]:
    return list(facts["RootFS"].get("Layers") or [])
