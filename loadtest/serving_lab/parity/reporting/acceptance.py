"""Causes as declarations: what a person copies from the page, and the file that `--accept` writes."""

import glob
from collections.abc import Iterator
from pathlib import Path

import yaml

from serving_lab.errors import LabError
from serving_lab.parity.inputs.intended import may_be_everywhere
from serving_lab.parity.judgement.difference import DifferenceKind
from serving_lab.parity.result import CauseRecord, ParityResult
from serving_lab.text.phrases import counted

_REASON = ""
"""Left for a person to fill in: a declaration without a reason is an error."""
_FREE_VALUES = frozenset({"number", "clock", "length", "order", "constant"})
"""Kinds whose two sides change from request to request: a declaration leaves them open."""
_SHOWN_OPERATIONS = 12
_SEVERAL, _MOST = 3, 0.5
"""Operations, and their share, from which on a difference of servers is declared for all."""
_HEAD = """\
# Differences found by lab parity. Give a reason to each that is intended, and delete the others.
# A file with an empty reason is not accepted. Then name it with --intended, or as intended in the profile.
"""


def declaration(cause: CauseRecord) -> str:
    """The YAML that declares the cause as intended, as narrowly as it occurred; long lists of operations are cut."""
    operations = [glob.escape(operation) for operation in cause.operations]
    text = _yaml(cause, operations[:_SHOWN_OPERATIONS])
    if more := max(0, len(operations) - _SHOWN_OPERATIONS):
        text += f"# and {more:,} operations more; * in a request stands for any characters\n"
    return text


def check_writable(path: Path) -> None:
    """See that the file can be written before anything is compared.

    Raises:
        LabError: it exists, and its reasons would be lost; or its folder does not exist.
    """
    if path.exists():
        raise LabError(
            f"{path} exists, and is not overwritten: the reasons in it would be lost",
            hint="name a new file, and move what you accept from there",
        )
    if not path.parent.is_dir():
        raise LabError(f"{path.parent} is not a folder", hint="--accept FILE writes a new file")


def write(result: ParityResult, path: Path) -> None:
    """Write a file of declarations that declares every cause of the result, once each has a reason.

    Raises:
        LabError: it exists, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write("\n".join([_HEAD, *_entries(result)]))
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}", hint="--accept FILE writes a new file") from error


def _entries(result: ParityResult) -> Iterator[str]:
    for cause in result.causes:
        everywhere = len(cause.operations) >= max(_SEVERAL, _MOST * len(result.operations)) and may_be_everywhere(
            DifferenceKind(cause.kind), _sides(cause)
        )
        requests = ["*"] if everywhere else [glob.escape(operation) for operation in cause.operations]
        shown_by = f"{cause.count:,} of {counted(cause.compared, 'request')}"
        case = cause.example.case.encode("unicode_escape").decode()
        yield f"# {shown_by}, for example: {case}\n{_yaml(cause, requests)}"


def _yaml(cause: CauseRecord, requests: list[str]) -> str:
    what = {"kind": cause.kind, "where": cause.where, **_sides(cause)}
    # A result that comes from no file has words of enumerations in it.
    plain = {key: str(value) for key, value in what.items()}
    entries = [{"reason": _REASON, "request": request, **plain} for request in requests]
    printable = all(text.isprintable() for entry in entries for text in entry.values())
    return yaml.safe_dump(entries, sort_keys=False, allow_unicode=printable, width=10_000)


def _sides(cause: CauseRecord) -> dict[str, str]:
    """The sides that the declaration names."""
    if cause.kind in _FREE_VALUES or cause.varies:
        return {}
    sides = {"primary": cause.primary, "candidate": cause.candidate}
    return {name: shown for name, shown in sides.items() if shown is not None}
