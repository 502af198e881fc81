"""Differences that are intended: each with its reason and the narrowest scope."""

import fnmatch
from collections.abc import Iterable

import msgspec

from serving_lab.parity.judgement.difference import Difference, DifferenceKind


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One intended difference, as its file has it. What it leaves open (`primary`, `candidate`) may be anything."""

    reason: str
    request: str
    """`METHOD /path` as a report shows it; `*` stands for any characters (`* /docs`)."""
    kind: DifferenceKind
    where: str
    primary: str | None = None
    candidate: str | None = None

    def covers(self, operation: str) -> bool:
        """Whether a request of this operation is within its scope."""
        return fnmatch.fnmatchcase(operation, self.request)

    def declares(self, operation: str, difference: Difference) -> bool:
        """Whether it is this difference that is intended."""
        return (
            self.covers(operation)
            and (self.kind, self.where) == (difference.kind, difference.where)
            and self.primary in {None, difference.primary}
            and self.candidate in {None, difference.candidate}
        )


def declaration_of(difference: Difference, operation: str, declarations: Iterable[Declaration]) -> Declaration | None:
    """The first declaration that intends the difference."""
    return next((each for each in declarations if each.declares(operation, difference)), None)
