"""A whole checklist: every box, and what a reader must know of the evidence."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from serving_lab.checklist import evidence
from serving_lab.checklist.by_hand import Tick
from serving_lab.checklist.folder import Folder
from serving_lab.checklist.items import Items
from serving_lab.checklist.judging import Box, Now, State, judge
from serving_lab.checklist.subject import Subject


@dataclass(frozen=True)
class PhaseBoxes:
    """A part of the migration, and its boxes."""

    name: str
    boxes: tuple[Box, ...]

    @property
    def ticked(self) -> int:
        """How many are ticked."""
        return sum(box.ticked for box in self.boxes)


@dataclass(frozen=True)
class Checklist:
    """All that page, document and table say."""

    subject: Subject
    now: Now
    phases: tuple[PhaseBoxes, ...]
    remarks: tuple[str, ...]
    """On the evidence as a whole."""

    @classmethod
    def of(
        cls,
        items: Items,
        folder: Folder,
        ticks: Mapping[str, Tick],
        subject: Subject,
        now: Now,
        named: Container[str] = (),
    ) -> "Checklist":
        """Judge every item; those with these names are shown even if there is nothing about them."""
        return cls(
            subject=subject,
            now=now,
            phases=tuple(
                PhaseBoxes(
                    phase.name,
                    tuple(
                        box
                        for item in phase.items
                        for box in (
                            judge(
                                item,
                                [evidence.found(each, folder, subject) for each in item.evidence],
                                ticks.get(item.id),
                                now,
                            ),
                        )
                        if not (item.if_any and box.state is State.OPEN and item.id not in named)
                    ),
                )
                for phase in items.phases
            ),
            remarks=tuple(_remarks(folder, now)),
        )

    @property
    def boxes(self) -> list[Box]:
        """Of all phases."""
        return [box for phase in self.phases for box in phase.boxes]

    @property
    def ticked(self) -> int:
        """How many are ticked."""
        return sum(phase.ticked for phase in self.phases)

    @property
    def about(self) -> str:
        """What evidence must be of, in words."""
        commit = f"of the commit {self.now.commit[:10]}" if self.now.commit else "of any commit"
        return f"evidence {commit}, {self.now.most_days} days old at most"


def _remarks(folder: Folder, now: Now) -> Iterator[str]:
    if now.changed:
        yield "Files were changed since the commit: the evidence is about the commit, not about them."
    if now.commit is None:
        yield f"The commit is unknown ({now.checkout.unknown}): of evidence only its age is judged."
    for each in folder.unreadable:
        yield f"Not read: {each.why}"
