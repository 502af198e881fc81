"""Boxes that people have ticked, each with a name, a reason and a date: a file to be kept with the code."""

import difflib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import yaml

from serving_lab.errors import LabError
from serving_lab.text.yaml_file import YamlFile

_HEAD = "# Boxes of the checklist that people ticked. `lab checklist tick ITEM --by NAME --reason TEXT` adds one.\n"
_ADVICE = "--by NAME --reason TEXT: who says so, and why"


class Tick(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says."""

    item: str
    by: str
    reason: str
    date: str
    """ISO 8601."""
    revision: str | None = None
    """The commit that it was said of, with `+` if files were changed; None: unknown."""

    @property
    def moment(self) -> datetime:
        """When it was said; a day without a time began where this machine is."""
        return datetime.fromisoformat(self.date).astimezone()


def read(path: Path, items: Sequence[str]) -> dict[str, Tick]:
    """Read the ticks of a file: the latest of each item; none where there is no file.

    Raises:
        LabError: the file cannot be read, or a tick has no name, no reason, no date, or is about no item.
    """
    if not path.exists():
        return {}
    file = YamlFile.parse(path)
    ticks = file.convert(_Form).ticks
    for number, tick in enumerate(ticks):
        for key, problem in _faults(tick, items):
            raise file.fault(f"ticks[{number}].{key}", problem, _ADVICE)
    return {tick.item: tick for tick in sorted(ticks, key=lambda tick: tick.moment)}


def add(path: Path, tick: Tick, items: Sequence[str]) -> None:
    """Write a tick into a file, instead of an earlier one of the same item.

    Raises:
        LabError: it has no name or no reason, is about no item, or the file cannot be read or written.
    """
    for _, problem in _faults(tick, items):
        raise LabError(f"not ticked: {problem}", hint=_ADVICE)
    ticks = {**read(path, items), tick.item: tick}
    told = [{key: value for key, value in msgspec.to_builtins(each).items() if value} for each in ticks.values()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump({"ticks": told}, allow_unicode=True, sort_keys=False, width=120)
        path.write_text(_HEAD + text, encoding="utf-8")
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}", hint="--by-hand FILE") from error


class _Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ticks: list[Tick] = []


def _faults(tick: Tick, items: Sequence[str]) -> list[tuple[str, str]]:
    faults = []
    if tick.item not in items:
        near = difflib.get_close_matches(tick.item, items, n=1)
        meant = f"; did you mean {near[0]}?" if near else f"; choose from {', '.join(items)}"
        faults.append(("item", f"there is no item {tick.item!r}{meant}"))
    faults += [
        (key, f"no {what} is given")
        for key, what in (("by", "name"), ("reason", "reason"))
        if not any(character.isalnum() for character in getattr(tick, key))
    ]
    try:
        _ = tick.moment
    except (ValueError, OverflowError):
        faults.append(("date", f"{tick.date!r} is not a date, write it like 2026-05-04"))
    return faults
