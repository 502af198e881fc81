"""Bodies that were packed on their way, unpacked as every client does it."""

import importlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from serving_lab.wire.message import Answer

_GZIP_OR_ZLIB, _RAW = zlib.MAX_WBITS | 32, -zlib.MAX_WBITS


class _BrokenError(ValueError):
    """The body is not packed as its head says."""


def unpacked(answer: Answer, most_bytes: int) -> Answer:
    """The answer with its body as it was before it was packed, and its headers as they are.

    What is not packed as its head says, or in a way that is not known here, stays as it came. Of a body that is very
    large there is as much as this.
    """
    codings = [coding.strip() for coding in (answer.header("content-encoding") or "").lower().split(",")]
    body, cut = answer.body, answer.cut
    for coding in reversed(codings):
        if coding in {"", "identity"} or not body:
            continue
        if coding not in _UNPACKERS:
            return answer
        try:
            body, more = _UNPACKERS[coding](body, most_bytes, cut)
        except (_BrokenError, zlib.error, ImportError):
            return answer
        cut = cut or more
    return answer if body is answer.body else replace(answer, body=body, cut=cut)


Unpack = Callable[[bytes, int, bool], tuple[bytes, bool]]
"""Of a body, how much of it, and whether it may break off: the content, and whether there is more."""


def _inflated(body: bytes, most_bytes: int, cut: bool, bits: int = _GZIP_OR_ZLIB) -> tuple[bytes, bool]:
    content = b""
    while body:  # each of its members
        inflating = zlib.decompressobj(bits)
        content += inflating.decompress(body, most_bytes - len(content))
        if len(content) >= most_bytes:
            return content, bool(inflating.unconsumed_tail)
        if not inflating.eof and not cut:
            raise _BrokenError
        body = inflating.unused_data
    return content, False


def _deflated(body: bytes, most_bytes: int, cut: bool) -> tuple[bytes, bool]:
    """What is called deflate: with a head of zlib, as it must be, or without, as some do."""
    try:
        return _inflated(body, most_bytes, cut)
    except zlib.error:
        return _inflated(body, most_bytes, cut, _RAW)


def _by_module(name: str, errors: str, decompressor: str) -> Unpack:
    """Unpack with a module that may be missing."""

    def unpack(body: bytes, most_bytes: int, cut: bool) -> tuple[bytes, bool]:
        module: Any = importlib.import_module(name)
        unpacking = getattr(module, decompressor)()
        try:
            if name == "brotli":
                content = unpacking.process(body, output_buffer_limit=most_bytes)
                whole = unpacking.is_finished()
            else:
                content = unpacking.decompress(body, most_bytes)
                whole = unpacking.eof
        except getattr(module, errors) as error:
            raise _BrokenError from error
        if not whole and not cut and len(content) < most_bytes:
            raise _BrokenError
        return content, not whole

    return unpack


_UNPACKERS: Mapping[str, Unpack] = {
    "gzip": _inflated,
    "x-gzip": _inflated,
    "deflate": _deflated,
    "br": _by_module("brotli", "error", "Decompressor"),
    "zstd": _by_module("compression.zstd", "ZstdError", "ZstdDecompressor"),
}
