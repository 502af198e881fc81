"""How large images are: unpacked, over their base, packed, and by layer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving_lab.errors import LabError
from serving_lab.footprint import layers
from serving_lab.footprint.layers import SavedImage
from serving_lab.footprint.result import Image, Layer
from serving_lab.stack.engine import docker, inspected

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
        name: _image(each.reference, facts[name], _written(facts[name], written), bases[name])
        for name, each in wanted.items()
    }
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
    return Image(
        reference=reference,
        id=facts["Id"],
        base=base[0] if base else None,
        total_bytes=facts["Size"],
        over_base_bytes=facts["Size"] - base[1]["Size"] if base else None,
        compressed_bytes=sum(layer.compressed_bytes for layer in found),
        compressed_over_base_bytes=sum(layer.compressed_bytes for layer in found[of_base:]) if base else None,
        layers=found,
    )


def _written(facts: Mapping[str, Any], written: list[SavedImage]) -> SavedImage:
    """The image in the archive with the same layers: names and digests depend on the engine's store."""
    return next(image for image in written if list(image.digests) == _digests(facts))


def _history(reference: str) -> list[tuple[str, int]]:
    """Each step from the first to the last: what made it, and its size in bytes."""
    lines = docker("history", "--no-trunc", "--human=false", "--format", "{{json .}}", reference).splitlines()
    steps = [json.loads(line) for line in reversed(lines)]
    return [(step["CreatedBy"] or step.get("Comment", ""), int(step["Size"])) for step in steps]


def _digests(facts: Mapping[str, Any]) -> list[str]:
    return list(facts["RootFS"].get("Layers") or [])
