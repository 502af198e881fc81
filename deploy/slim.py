#!/usr/bin/env python3
"""Removes from a virtual environment what a running service never needs: ``slim.py /opt/venv``.

That is more than half of some wheels: tests, type stubs, tools for training and conversion, a second copy of ONNX
Runtime for C programs, and the debugging symbols of extension modules. Licences stay. It needs only python3.
"""

import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

UNUSED = (
    "**/tests",
    "**/*.pyi",
    "**/*.a",
    # The Python module has all of it inside; this one is for programs in C.
    "onnxruntime/capi/libonnxruntime.so.*",
    # They train, quantize and convert models; a service only runs one.
    "onnxruntime/backend",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    # What it imports for them, and nothing else does.
    "flatbuffers",
    "google/_upb",
    "google/protobuf",
    # It compiles Fortran.
    "numpy/f2py",
    # For programs in C, and for its own tests.
    "numpy/_core/include",
    "numpy/_core/_simd.*",
    "numpy/_core/_*_tests.*",
    "numpy/testing",
    # Imported when they are used; the services only make arrays.
    "numpy/fft",
    "numpy/ma",
    "numpy/polynomial",
    "numpy/random",
    # FastAPI imports it, where it is, to recognize models of a version that no service uses.
    "pydantic/v1",
    # Time zones; times are in UTC.
    "tzdata/zoneinfo",
)
"""Globs below site-packages."""

_ELF64_LITTLE_ENDIAN = b"\x7fELF\x02\x01"
_HEADER = struct.Struct("<16xHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTIONS_OFFSET, _SECTIONS_COUNT = 40, 60
"""Where the header says where the table of sections is, and how many there are."""


def main(environment: Path) -> None:
    """Remove it, and say how much there was before and after."""
    before = _size(environment)
    for packages in environment.glob("lib/python*/site-packages"):
        for path in _unused(packages):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        for path in packages.rglob("*.so*"):
            if path.is_file():
                strip(path)
    sys.stdout.write(f"{environment}: {before / 1e6:.0f} MB, now {_size(environment) / 1e6:.0f} MB\n")


def strip(path: Path) -> None:
    """Cut off what a shared library has behind its segments: symbols for debuggers, and the table of sections.

    The dynamic loader reads segments alone. What is not ELF for 64 bits, little-endian, stays as it is.
    """
    content = path.read_bytes()
    if not content.startswith(_ELF64_LITTLE_ENDIAN):
        return
    _, _, _, _, segments, sections, _, header_size, segment_size, count, _, _, _ = _HEADER.unpack_from(content)
    ends = [header_size, segments + count * segment_size]
    for number in range(count):
        _, _, offset, _, _, size, _, _ = _SEGMENT.unpack_from(content, segments + number * segment_size)
        ends.append(offset + size)
    if max(ends) > sections:  # sections lie between what is loaded: nothing can be cut off
        return
    kept = bytearray(content[: max(ends)])
    struct.pack_into("<Q", kept, _SECTIONS_OFFSET, 0)
    struct.pack_into("<HH", kept, _SECTIONS_COUNT, 0, 0)
    path.write_bytes(kept)


def _unused(packages: Path) -> Iterator[Path]:
    found = sorted({path for pattern in UNUSED for path in packages.glob(pattern)})
    for path in found:
        if not any(parent in found for parent in path.parents):
            yield path


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
