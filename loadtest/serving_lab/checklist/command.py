"""`lab checklist`: from files to a page, a document and a table."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from serving_lab import exit_codes
from serving_lab.checklist import by_hand, markdown, page
from serving_lab.checklist.checklist import Checklist
from serving_lab.checklist.folder import Folder
from serving_lab.checklist.items import Items
from serving_lab.checklist.judging import Now
from serving_lab.checklist.subject import Subject
from serving_lab.checklist.table import print_checklist
from serving_lab.errors import LabError
from serving_lab.results.checkout import Checkout

ALL = "all"


@dataclass(frozen=True)
class ChecklistOptions:
    """What can be asked for."""

    subject: Subject
    items: Items
    results: Path
    junit: Sequence[Path]
    by_hand: Path
    most_days: int
    require: Sequence[str]
    """Items or phases that must be ticked, or `all`."""
    output: Path


def checklist(options: ChecklistOptions, console: Console) -> int:
    """Judge every box, show and write them; return 1 where one that is required is not ticked, else 0.

    Raises:
        LabError: a file that people write is wrong, or the page cannot be written.
    """
    required = _required(options)
    now = Now(datetime.now(UTC), Checkout.at(Path.cwd()), options.most_days)
    ticks = by_hand.read(options.by_hand, options.items.ids)
    folder = Folder.read(options.results, options.junit)
    found = Checklist.of(options.items, folder, ticks, options.subject, now, named=options.require)
    files = options.output / "checklist.html", options.output / "checklist.md"
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        files[0].write_text(page.render(found), encoding="utf-8")
        files[1].write_text(markdown.render(found), encoding="utf-8")
    except OSError as error:
        raise LabError(f"{error.filename or options.output}: {error.strerror}", hint="--output DIR") from error
    print_checklist(console, found)
    for path in files:
        console.print(Text(str(path)), soft_wrap=True)
    missing = [box.item.id for box in found.boxes if box.item.id in required and not box.ticked]
    if missing:
        console.print(Text(f"fails: required and not ticked: {', '.join(missing)}"), soft_wrap=True)
    return exit_codes.FOUND if missing else exit_codes.OK


def tick(item: str, by: str, reason: str, path: Path, items: Items) -> by_hand.Tick:
    """Tick a box by hand, now, and of the commit that is checked out.

    Raises:
        LabError: there is no such item, no name or no reason, or the file cannot be read or written.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    said = by_hand.Tick(item, by.strip(), " ".join(reason.split()), now, Checkout.at(Path.cwd()).revision)
    by_hand.add(path, said, items.ids)
    return said


def _required(options: ChecklistOptions) -> set[str]:
    phases = {phase.name: [item.id for item in phase.items] for phase in options.items.phases}
    known = {ALL: options.items.ids, **{each: [each] for each in options.items.ids}, **phases}
    for each in options.require:
        if each not in known:
            near = difflib.get_close_matches(each, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(known)}"
            raise LabError(f"--require {each}: there is no such item or phase", hint=hint)
    return {item for each in options.require for item in known[each]}
