"""Numbers and foreign text as people read them: changes and intervals, times, rates, sizes, counts."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

MINUS, UNKNOWN = "\N{MINUS SIGN}", "\N{EN DASH}"
"""What stands before a loss, and where nothing is known."""
NO_CHANGE = "no change"
_TIMES_SIGN = "\N{MULTIPLICATION SIGN}"
_FAR = 11.0
"""Ratio above which the figure itself says nothing."""
_TIMES_FROM = 1.5
"""From this ratio on people say how many times as much it is, not how many percent more."""
_ENDLESS = 1e6
"""A ratio that says only that nothing is known."""
_SENSELESS = 100.0
"""A hundred times as much: a measurement that finds only such changes finds nothing."""
_ALMOST_NOTHING = 0.0005
_MEBIBYTE, _GIBIBYTE = 1 << 20, 1 << 30
_MINUTE, _HOUR = 60, 3600
_USER = re.compile(r"//[^/?#\s]*@")
_LONGEST_ADDRESS = 100


@dataclass(frozen=True)
class Words:
    """How one speaks of more and of less of something."""

    more: str
    less: str
    times: str
    """What follows `2 times`."""


COUNTED = Words("more", "fewer", "as many")
AMOUNT = Words("more", "less", "as much")
HEIGHT = Words("higher", "lower", "as high")
LENGTH = Words("longer", "shorter", "as long")


def change(words: Words, ratio: float) -> str:
    """Return a ratio as a change: `12% more`, `1.9 times as many`, `20% lower`."""
    if ratio >= _TIMES_FROM:
        return f"{_times(ratio)} times {words.times}"
    if abs(ratio - 1) < _ALMOST_NOTHING:
        return NO_CHANGE
    return f"{percent(abs(ratio - 1))} {words.more if ratio > 1 else words.less}"


def interval(words: Words, low: float, high: float) -> str:
    """Return the ends of an interval, smaller change first: `8% to 16% more`, `3% fewer to 8% more`."""
    if low >= 1 and high >= _TIMES_FROM:
        return f"{_times(low)} to {_times(high)} times {words.times}"
    if low >= 1:
        return f"{percent(low - 1)} to {percent(high - 1)} {words.more}"
    if high <= 1:
        return f"{percent(1 - high)} to {percent(1 - low)} {words.less}"
    return f"{change(words, low)} to {change(words, high)}"


def estimate(words: Words, ratio: float | None, low: float | None, high: float | None) -> str:
    """Return a ratio with its interval: `12% more (8% to 16% more)`; the ends are None where there are none."""
    if ratio is None:
        return "not known"
    if low is None or high is None:
        return change(words, ratio)
    return f"{change(words, ratio)} ({interval(words, low, high)})"


def short(ratio: float) -> str:
    """Return a ratio in a few characters: a change in percent with its sign, from 1.5 on a multiple."""
    if ratio >= _TIMES_FROM:
        return f"{_times(ratio)}{_TIMES_SIGN}"
    if abs(ratio - 1) < _ALMOST_NOTHING:
        return "±0%"
    return f"{'+' if ratio > 1 else MINUS}{percent(abs(ratio - 1))}"


def signed(ratio: float) -> str:
    """Return a ratio as a change in percent with its sign and one decimal, for columns of numbers: `+12.3%`."""
    return f"over +{_FAR - 1:,.0%}" if ratio > _FAR else f"{ratio - 1:+.1%}"


def percent(share: float) -> str:
    """Return a share: whole percents from ten on, where they say enough."""
    digits = 0 if 0.0995 <= share < 0.995 or share >= 1 else 1
    return "0%" if share == 0 else f"{share * 100:,.{digits}f}%"


def detectable_change(share: float | None) -> str | None:
    """Return the smallest change that is found; None where it is absurdly large, as with two pairs."""
    return None if share is None or share >= _SENSELESS else percent(share)


def level(confidence: float) -> str:
    """Return the level of an interval: `95%`, `98.75%`."""
    return f"{confidence * 100:.4g}%"


def rate(requests_per_second: float) -> str:
    """Return requests a second."""
    return f"{significant(requests_per_second)} requests/s"


def seconds(amount: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, scale in (("s", 1), ("ms", 1e3)):
        if amount * scale >= 1:
            return f"{significant(amount * scale)} {unit}"
    return f"{significant(amount * 1e6)} µs"


def size(amount_bytes: float) -> str:
    """Return a number of bytes, in MiB or GiB."""
    unit, scale = ("GiB", _GIBIBYTE) if amount_bytes >= _GIBIBYTE else ("MiB", _MEBIBYTE)
    return f"{significant(amount_bytes / scale)} {unit}"


def significant(number: float) -> str:
    """Return a number with three digits that mean something, or all those before the point."""
    if number == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    return f"{number:,.{digits}f}"


def listed(parts: list[str]) -> str:
    """Return an enumeration: `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def some(parts: Iterable[str], most: int = 3) -> str:
    """Return an enumeration with the first few, and how many more there are: `a, b, c and 5 more`."""
    named = list(parts)
    more = len(named) - most
    return f"{', '.join(named[:most])} and {more:,} more" if more > 0 else listed(named)


def counted(number: int, noun: str) -> str:
    """Return the number with its noun: `1 request`, `1,200 requests`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def one_of(rate: float) -> str:
    """Return a share of requests as `1 of n`."""
    return "1 of 1" if rate >= 1 else f"1 of {math.floor(1 / rate):,}"


def rarest_seen(rate: float) -> str:
    """Return how rare a difference may be and still would have been seen, in a sentence without its full stop."""
    if rate >= 1:
        return "nothing can be said: no request was compared"
    return f"a difference that shows in {one_of(rate)} requests would have been seen with 95% probability"


def duration(seconds: float) -> str:
    """Return a duration as a person says it."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:.0f} s"
    return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:.0f} min"


def moment(started: str) -> str:
    """Return a time of a result as people write it."""
    return started.replace("T", " ").replace("+00:00", " UTC").replace("Z", " UTC")


def address(url: str) -> str:
    """Return a URL of others on one line, not too long, and without a user and password in it."""
    text = visible(_USER.sub("//", url)).replace("\n", "\\n")
    return text if len(text) <= _LONGEST_ADDRESS else f"{text[:_LONGEST_ADDRESS]}…"


def visible(text: str) -> str:
    """Return the text with what a terminal would obey, or nobody would see, written out; line breaks stay."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def _times(ratio: float) -> str:
    if ratio > _ENDLESS:
        return "any number of"
    return f"{ratio:,.1f}" if ratio >= _TIMES_FROM + 1 else f"{ratio:.2f}"
