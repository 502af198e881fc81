"""The file of intended differences."""

import re
from collections.abc import Container, Mapping
from pathlib import Path

from serving_lab.parity.judgement.declarations import Declaration
from serving_lab.parity.judgement.difference import DifferenceKind
from serving_lab.parity.judgement.rules import JSON_PATH
from serving_lab.text.yaml_file import YamlFile

_PLACE = re.compile(rf"status|connection|body|header \S+|metric \S+|{JSON_PATH.pattern}")
_EVERYTHING = re.compile(r"[*?\[\]!/ ]*")
_EVERYWHERE = frozenset(
    {
        DifferenceKind.HEADER_MISSING,
        DifferenceKind.HEADER_EXTRA,
        DifferenceKind.HEADER_VALUE,
        DifferenceKind.CONTENT_TYPE,
        DifferenceKind.CONNECTION,
    }
)
"""In what servers differ whatever they are asked: the only kinds that may be intended for every request."""


def read_intended(path: Path, environment: Mapping[str, str]) -> tuple[Declaration, ...]:
    """The intended differences of a file.

    Raises:
        LabError: it cannot be read, is wrong, or declares everything.
    """
    file = YamlFile.read(path, environment)
    declarations = file.convert(list[Declaration]) if file.content else []
    for index, declaration in enumerate(declarations):
        place = f"[{index}]"
        if not declaration.reason.strip():
            raise file.fault(
                f"{place}.reason",
                "it is empty",
                hint="say why the difference is intended: readers of the report see it",
            )
        if _EVERYTHING.fullmatch(declaration.request):
            sides = {"primary": declaration.primary, "candidate": declaration.candidate}
            named = [name for name, side in sides.items() if side is not None]
            if not may_be_everywhere(declaration.kind, named):
                raise file.fault(
                    f"{place}.request",
                    f"{declaration.request!r} matches every request, so that a real fault would pass as intended",
                    hint="name the operation, such as POST /orders (* stands for any characters); only a header, "
                    "the connection, and a content type with both sides may be intended everywhere",
                )
        if not _PLACE.fullmatch(declaration.where):
            raise file.fault(
                f"{place}.where",
                f"{declaration.where!r} is not a place",
                hint="status, connection, body, header <name>, metric <family>, or a JSON path such as $.items[*].id",
            )
    return tuple(declarations)


def may_be_everywhere(kind: DifferenceKind, sides: Container[str]) -> bool:
    """Whether a difference may be intended for every request; `sides` has the sides whose values are named."""
    named = "primary" in sides and "candidate" in sides
    return kind in _EVERYWHERE and (named or kind is not DifferenceKind.CONTENT_TYPE)
