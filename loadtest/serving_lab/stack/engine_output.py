"""What the command lines of engines print: Docker's, Podman's, and those of older versions of Compose."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from serving_lab.errors import LabError

_DOCUMENT = re.compile(r"^\s*[\[{]", re.MULTILINE)
_SIZE = re.compile(r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*([kKMGTP]?)(i?)B?")
_PREFIXES = " KMGTP"


def objects(said: str, command: str) -> list[dict[str, Any]]:
    """Return the JSON objects of an output: one a line, or in an array; what else is printed is passed over.

    Args:
        said: Standard output.
        command: What printed it, for the message.

    Raises:
        LabError: it is neither empty nor has JSON objects.
    """
    found = [each for each in _objects(said) if isinstance(each, dict)]
    if not found and said.strip() not in ("", "[]"):
        raise LabError(
            f"{command} does not print JSON but {said.strip().splitlines()[0][:80]!r}", hint=f"{command} must do so"
        )
    return found


def the_object(said: str, command: str) -> dict[str, Any]:
    """Return the only JSON object of an output.

    Raises:
        LabError: it has none, or several.
    """
    found = objects(said, command)
    if len(found) != 1:
        raise LabError(f"{command} prints {len(found)} JSON objects, not one", hint=f"{command} must print one")
    return found[0]


def size_bytes(text: str) -> int | None:
    """Return a size such as `403.1MB`, `1.5GiB` or `0B`; None where it is none, as `--` of a container that stopped."""
    if (match := _SIZE.fullmatch(text.strip())) is None:
        return None
    number, prefix, binary = match.groups()
    factor: int = (1024 if binary else 1000) ** _PREFIXES.index(prefix.upper() or " ")
    return round(float(number) * factor)


def used_memory(lines: str) -> dict[str, int]:
    """Return the memory of containers by their ids.

    Args:
        lines: What `stats` prints as `{{.ID}} {{.MemUsage}}`: `0123456789ab 403.1MB / 1.5GB`.
    """
    sizes = {}
    for line in lines.splitlines():
        container, _, usage = line.strip().partition(" ")
        size = size_bytes(usage.partition("/")[0])
        if size is not None:
            sizes[container[:12]] = size
    return sizes


def label(labels: str | Mapping[str, str], name: str) -> str | None:
    """Return the value of one label, of a mapping or of text like `a=b,c=d`, where values may have commas."""
    if not isinstance(labels, str):
        return labels.get(name)
    match = re.search(rf"(?:^|,){re.escape(name)}=(.*?)(?=,[A-Za-z0-9_./-]+=|$)", labels)
    return match[1] if match else None


def _objects(said: str) -> Iterator[object]:
    decoder = json.JSONDecoder()
    at = 0
    while match := _DOCUMENT.search(said, at):
        try:
            document, at = decoder.raw_decode(said, match.end() - 1)
        except ValueError:
            at = match.end()
            continue
        yield from document if isinstance(document, list) else [document]
