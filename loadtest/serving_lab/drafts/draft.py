"""What `lab init` drafts, before it is written: how to sign in, and a request for each operation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from serving_lab.api.request import Header

READING = frozenset({"GET", "QUERY"})
"""Methods that change nothing, and whose answers have a body to check."""


@dataclass(frozen=True)
class Body:
    """A body as a file has it: under `json`, `form`, `text` or `bytes`."""

    kind: Literal["json", "form", "text", "bytes"]
    value: Any


_DEEPEST = 50


def too_deep(value: object) -> bool:
    """Whether a JSON value is nested more deeply than people read, and than files may be."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            member
            for each in level
            if isinstance(each, (dict, list))
            for member in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True


@dataclass(frozen=True)
class Call:
    """A request as a file has it."""

    method: str
    path: str
    """Path and query, percent-encoded."""
    headers: tuple[Header, ...] = ()
    body: Body | None = None


@dataclass(frozen=True)
class DraftedRequest:
    """The request of one operation, and what a right answer to it is."""

    template: str
    """The path of the operation, its parameters in braces."""
    call: Call
    statuses: tuple[int, ...] = ()
    """Those of a right answer; empty: not known."""
    rules: Mapping[str, object] = field(default_factory=dict)
    """By JSON path, as a description has them."""
    signed_in: bool = True
    """Whether it needs the sign-in, as far as that is known."""
    to_do: tuple[str, ...] = ()
    """What a person has to look at."""
    answered: int | None = None
    """The status when it was asked; None: it was not."""

    @property
    def operation(self) -> str:
        """What it is called in lists: `GET /orders/{id}`."""
        return f"{self.call.method} {self.template}"

    @property
    def succeeded(self) -> bool:
        """Whether it was asked and answered 2xx."""
        return self.answered is not None and 200 <= self.answered < 300


@dataclass(frozen=True)
class Access:
    """How requests are let in: by what a sign-in gives, or by what a person has."""

    sign_in: Call | None = None
    save: Mapping[str, object] = field(default_factory=dict)
    """Names, each with where its value is in the answer, as a description has it."""
    lifetime: str | None = None
    authorization: Mapping[str, str] = field(default_factory=dict)
    """Headers of every request."""
    query: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the query of every request."""
    sign_in_to_do: tuple[str, ...] = ()
    authorization_to_do: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether anything is."""
        return bool(self.sign_in or self.authorization or self.query)


@dataclass(frozen=True)
class Draft:
    """All of it."""

    access: Access = Access()
    requests: tuple[DraftedRequest, ...] = ()
    parity: Mapping[str, object] = field(default_factory=dict)
    """The keys of the section that `lab parity` reads."""
    notes: tuple[str, ...] = ()
    """What a person should know, and no line of the file is about."""
