"""The smallest request that still shows a difference: delta debugging of the request itself.

Hypothesis can make smaller only what it drew; this makes smaller whatever was sent, from a corpus or a recording too.
Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002: https://doi.org/10.1109/32.988498
"""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from serving_lab.api.request import Request
from serving_lab.parity.generation import jsontext
from serving_lab.parity.generation.jsontext import IndexPath, Literal, Members, Value

_Items = TypeVar("_Items", bytes, str, tuple[Any, ...])

# Above, numbers are made smaller as text: a bisection would take hundreds of requests.
_LARGEST_BISECTED = 10**15
_DECIMALS = (0, 1, 2, 4, 8)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
# A value that stands among few others may stand for them all.
_HOISTED = 3
_STEPS = 1000


def smallest(request: Request, shows: Callable[[Request], bool], attempts: int = 300) -> Request:
    """The smallest request found that `shows` holds for, which is asked of so many other requests at most.

    Method and path stay as they are. Where nothing smaller shows it, the request itself is returned.
    """
    search = _Search(request, shows, attempts)
    before: Request | None = None
    while search.left and before != search.best:
        before = search.best
        search.shorten_head()
        search.shorten_body()
    return search.best


class _Search:
    """A greedy search: what still shows the difference becomes the best, and the next steps start from it."""

    def __init__(self, request: Request, shows: Callable[[Request], bool], attempts: int) -> None:
        self.best = request
        self.left = attempts
        self._shows = shows
        self._asked = {request}

    def shorten_head(self) -> None:
        """Drop chunking, headers and words of their values, the query and its parts."""
        self._try(replace(self.best, chunked=False))
        self._fewest(self.best.headers, lambda headers: replace(self.best, headers=headers))
        path, _, query = self.best.target.partition("?")
        self._fewest(
            tuple(query.split("&")) if query else (),
            lambda parts: replace(self.best, target=f"{path}?{'&'.join(parts)}" if parts else path),
        )
        for index, (_, value) in enumerate(self.best.headers):
            if "${" not in value:
                self._fewest(tuple(re.findall(r"\w+|\W", value)), partial(self._header_at, index))

    def shorten_body(self) -> None:
        """Drop items, members and letters of a JSON body and make its values plain, or drop bytes of any other."""
        try:
            rewritten = jsontext.write(jsontext.read(self.best.body))
        except ValueError:
            rewritten = b""
        if self._try(replace(self.best, body=b"")):
            return
        if not rewritten or not self._try(replace(self.best, body=rewritten)):
            self._fewest(self.best.body, lambda body: replace(self.best, body=body))
            return
        self._fewer_items(())
        self._plain_values()
        for path in list(jsontext.paths(self._value)):
            leaf = jsontext.at(self._value, path)
            if isinstance(leaf, Literal):
                self._nearer_zero(path, leaf)
            elif isinstance(leaf, str):
                self._fewest(str(leaf), partial(self._with, path))

    @property
    def _value(self) -> Value:
        return jsontext.read(self.best.body)

    def _with(self, path: IndexPath, value: Value) -> Request:
        return replace(self.best, body=jsontext.write(jsontext.replaced(self._value, path, value)))

    def _try(self, request: Request) -> bool:
        """Ask about a request, make it the best where it shows the difference, and say whether it does."""
        if request in self._asked or not self.left:
            return request == self.best
        self._asked.add(request)
        self.left -= 1
        if not self._shows(request):
            return False
        self.best = request
        return True

    def _fewer_items(self, path: IndexPath) -> None:
        value = jsontext.at(self._value, path)
        while any(self._try(self._with(path, child)) for child in jsontext.children(value)[:_HOISTED]):
            value = jsontext.at(self._value, path)
        if isinstance(value, Members):
            self._fewest(tuple(value.pairs), lambda pairs: self._with(path, Members.of(*pairs)))
        elif isinstance(value, tuple):
            self._fewest(value, lambda items: self._with(path, items))
        for index in range(len(jsontext.children(jsontext.at(self._value, path)))):
            self._fewer_items((*path, index))

    def _plain_values(self) -> None:
        value = self._value
        plain = {path: _plain(jsontext.at(value, path)) for path in jsontext.paths(value)}
        changing = tuple(path for path, each in plain.items() if each != jsontext.at(value, path))

        def with_others_plain(kept: tuple[IndexPath, ...]) -> Request:
            changed = value
            for path in set(changing).difference(kept):
                changed = jsontext.replaced(changed, path, plain[path])
            return replace(self.best, body=jsontext.write(changed))

        self._fewest(changing, with_others_plain)

    def _nearer_zero(self, path: IndexPath, number: Literal) -> None:
        try:
            amount = float(number)
        except ValueError:
            return
        if abs(amount) > _LARGEST_BISECTED or math.isnan(amount):
            self._fewest(str(number), partial(self._number_at, path))
            return
        amount = abs(amount) if self._try(self._with(path, Literal(number.removeprefix("-")))) else amount
        for decimals in _DECIMALS:
            # The nearest may lie beyond the limit that the difference depends on; its neighbours do not.
            step = 10.0**-decimals
            near = (round(amount + shift * step, decimals) for shift in (0, 1, -1))
            if any(self._try(self._with(path, Literal(int(each) if decimals == 0 else each))) for each in near):
                break
        here = str(jsontext.at(self._value, path))
        if re.fullmatch(r"-?[0-9]+", here):
            sign = -1 if here.startswith("-") else 1
            without, showing = 0, abs(int(here))
            while showing - without > 1 and self.left:
                middle = (without + showing) // 2
                if self._try(self._with(path, Literal(sign * middle))):
                    showing = middle
                else:
                    without = middle

    def _header_at(self, index: int, words: tuple[str, ...]) -> Request:
        headers = list(self.best.headers)
        headers[index] = (headers[index][0], "".join(words).strip())
        return replace(self.best, headers=tuple(headers))

    def _number_at(self, path: IndexPath, text: str) -> Request | None:
        return self._with(path, Literal(text)) if _NUMBER.fullmatch(text) else None

    def _fewest(self, items: _Items, build: Callable[[_Items], Request | None]) -> None:
        """Leave out all items, then halves, then smaller parts, as long as what is left shows the difference."""
        size = len(items)
        # Leaving out one of many equal items gives the same again and again, which costs time if no request.
        steps = _STEPS
        while size and self.left and steps:
            start = 0
            while start < len(items) and self.left and steps:
                steps -= 1
                fewer = items[:start] + items[start + size :]
                request = build(fewer)
                if request is not None and self._try(request):
                    items = fewer
                else:
                    start += size
            size //= 2


def _plain(value: Value) -> Value:
    if isinstance(value, Literal):
        return Literal("0")
    return "" if isinstance(value, str) else value
