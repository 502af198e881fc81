"""The file of intended differences."""

import re
from collections.abc import Mapping
from pathlib import Path

from serving_lab.parity.judgement.declarations import Declaration
from serving_lab.parity.judgement.rules import JSON_PATH
from serving_lab.text.yaml_file import YamlFile

_PLACE = re.compile(rf"status|connection|body|header \S+|metric \S+|{JSON_PATH.pattern}")
_EVERYTHING = re.compile(r"[*?\[\]!/ ]*")


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
        valued = declaration.primary is not None or declaration.candidate is not None
        one_header = valued and declaration.where.startswith("header ")
        if _EVERYTHING.fullmatch(declaration.request) and not one_header:
            raise file.fault(
                f"{place}.request",
                f"{declaration.request!r} matches every request, so that a real fault would pass as intended",
                hint="name the operation, such as POST /orders (* stands for any characters); "
                "only a header's value, given as primary or candidate, may be intended everywhere",
            )
        if not _PLACE.fullmatch(declaration.where):
            raise file.fault(
                f"{place}.where",
                f"{declaration.where!r} is not a place",
                hint="status, connection, body, header <name>, metric <family>, or a JSON path such as $.items[*].id",
            )
    return tuple(declarations)
