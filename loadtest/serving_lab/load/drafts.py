"""Requests of one user: what the description says, with what the sign-in gave, and values drawn anew each time."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from serving_lab.api import places
from serving_lab.api.description import Call
from serving_lab.api.places import Part
from serving_lab.api.values import Source


class Drawn(NamedTuple):
    """A request, ready to be sent."""

    path: str
    headers: dict[str, str]
    body: bytes
    sent: dict[str, str]
    """The values in it, JSON texts by name."""


@dataclass(frozen=True)
class Draft:
    """A request with places for values."""

    path: list[Part]
    headers: list[tuple[str, list[Part]]]
    body: list[Part]
    sources: list[tuple[str, Source]]

    @classmethod
    def of(cls, call: Call, variables: Mapping[str, str], sources: Mapping[str, Source]) -> "Draft":
        """The draft of a call, for a user who knows these variables."""
        request = call.request.filled(variables)
        path, body = places.in_path(request.target), places.in_body(request.body)
        headers = [(name, places.in_headers(value)) for name, value in request.headers]
        names = places.names([*path, *(part for _, parts in headers for part in parts), *body])
        return cls(path, headers, body, [(name, sources[name]) for name in names])

    def draw(self, chance: random.Random) -> Drawn:
        """The request with values that are drawn now."""
        return self.filled({name: draw(chance) for name, draw in self.sources})

    def filled(self, sent: dict[str, str]) -> Drawn:
        """The request with these values."""
        return Drawn(
            places.filled(self.path, sent).decode("latin-1"),
            {name: places.filled(parts, sent).decode("latin-1") for name, parts in self.headers},
            places.filled(self.body, sent),
            sent,
        )
