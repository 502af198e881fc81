"""Secrets are not shown: a report is passed around, and they would open the service."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote_plus

_TOKEN = re.compile(r"eyJ[\w-]+(?:\.[\w-]+\.[\w-]*|(?:\.[\w-]*)?(?=…\Z))")
"""A JSON web token; where a text was cut, also the beginning of one."""
_SHORTEST = 4
"""Characters; what is shorter occurs everywhere."""
_UNMISTAKABLE = 12
"""Characters from which a value is a secret also within a word."""
_CUT = "…"


@dataclass(frozen=True)
class Secrets:
    """Values that are replaced by their names wherever a text has them."""

    written: tuple[tuple[str, str], ...] = ()
    """Each way to write a value, the longest first, with the name that stands for it."""

    @classmethod
    def of(cls, named: Iterable[tuple[str, str]]) -> Self:
        """The secrets with these names and values."""
        written = {
            form: name
            for name, value in named
            for form in (value, json.dumps(value)[1:-1], value.encode("unicode_escape").decode(), quote_plus(value))
            if len(form) >= _SHORTEST
        }
        return cls(tuple(sorted(written.items(), key=lambda item: -len(item[0]))))

    def masked(self, text: str) -> str:
        """The text without secrets, also where it was cut (`…`) within one."""
        for value, name in self.written:
            if len(value) >= _UNMISTAKABLE:
                text = text.replace(value, f"<{name}>")
            elif value in text:
                text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", f"<{name}>".replace("\\", r"\\"), text)
            text = _without_half(text, value, f"<{name}>")
        return without_tokens(text)


def without_tokens(text: str) -> str:
    """The text without JSON web tokens."""
    return _TOKEN.sub("<token>", text) if "eyJ" in text else text


def _without_half(text: str, value: str, mask: str) -> str:
    lengths = range(len(value) - 1, _SHORTEST - 1, -1)
    if text.endswith(_CUT):
        kept = text.removesuffix(_CUT)
        if length := next((each for each in lengths if kept.endswith(value[:each])), 0):
            text = f"{kept[:-length]}{mask}{_CUT}"
    if text.startswith(_CUT):
        kept = text.removeprefix(_CUT)
        if length := next((each for each in lengths if kept.startswith(value[-each:])), 0):
            text = f"{_CUT}{mask}{kept[length:]}"
    return text
