"""Numbers, durations and foreign text as a person reads them."""

import math

_MINUTE, _HOUR = 60, 3600


def counted(number: int, noun: str) -> str:
    """Return the number with its noun: `1 request`, `1,200 requests`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def one_of(rate: float) -> str:
    """Return a share of requests as `1 of n`."""
    return "1 of 1" if rate >= 1 else f"1 of {math.floor(1 / rate):,}"


def detectable(rate: float) -> str:
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


def visible(text: str) -> str:
    """Return the text with what a terminal would obey, or nobody would see, written out; line breaks stay."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)
