"""A text in tokens, and where two texts differ: what is constant in both stays out of the regions that differ.

Times, UUIDs, random bytes and numbers are one token each, and so are words; anything else is one for each character.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise

from serving_lab.text.times import TIME

UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
JWT = r"eyJ[\w-]+\.[\w-]+\.[\w-]*"
NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+(?:[eE][+-]?\d{1,3})?)?|\d[eE][+-]\d{1,3}"
_UNIT = r"(?:[nµmk]?s|min|[hdx%]|[kKMGT]?i?B|[kMG]?Hz|[ckm]?m|px|r?em)"
_BYTES = r"[A-Za-z0-9+/_-]"
# In 12ms there is a number; in 1.2.3 and 12ab34 there is none.
_KNOWN = (
    rf"(?<![\w.])(?:{TIME})(?!\w)"
    rf"|(?<![^\W_]){UUID}(?![^\W_])"
    rf"|(?<![\w-]){JWT}"
    rf"|(?<![\w.])(?:{NUMBER})(?={_UNIT}?(?![^\W_]|\.\d))"
)
_PLAIN = r"[^\W_]+|\s+|."
_TOKEN = re.compile(
    rf"{_KNOWN}|(?P<bytes>(?<![\w+/-])(?=[A-Za-z0-9]*[+/_-]){_BYTES}{{16,}}={{0,2}}(?![\w=]))|{_PLAIN}", re.DOTALL
)
_TOKEN_WITHIN = re.compile(f"{_KNOWN}|{_PLAIN}", re.DOTALL)
_PATH = re.compile(r"(?:[A-Za-z]?[a-z]{2,}[+/_-])+|/(?:[A-Za-z]?[a-z]{2,}/)+")
"""What may stand before random bytes: `nonce-`, `/files/`."""
_PLAIN_WORD = re.compile(r"(?<![A-Za-z0-9])[A-Z]?[a-z]{3,}(?![A-Za-z0-9])")
_TURN = re.compile(r"(?<=[a-z])[^a-z]|(?<=[A-Z])[^A-Z]|(?<=\d)\D|(?<=[+/_-])[^+/_-]")
_FEWEST_BYTES = 12
_REMEMBERED = 400
"""Characters of two texts up to which their comparison is remembered."""
_GLUE = frozenset("-_+/=.~%")
"""Characters that identifiers may have within."""
_SOLID_LETTERS = 3
"""A word of so many letters is in two identifiers at the same place by no chance."""
_CONTEXT_WORDS, _CONTEXT_TOKENS = 2, 10
_MOST_PAIRS = 40_000
"""Tokens to try with each other; where there are more, all between the first and the last difference is one region."""

_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(NUMBER)
_SHORTEST_IDENTIFIER, _SHORTEST_MIXED, _FEWEST_CHANGES = 6, 8, 3
_IDENTIFIER = re.compile(rf"(?:{TIME})|{UUID}|{JWT}|(?=\d*[a-fA-F])[0-9a-fA-F]{{6,}}")
_CHANGE = re.compile(r"(?<=\d)[^\W\d_]|(?<=[^\W\d_])\d|(?<=[a-z])[A-Z]")
_MOMENT = re.compile(rf"(?<![\w.])(?:{TIME}|1[4-9]\d{{8}}(?:\d{{3}})?)(?!\w)|(?<![\w-]){JWT}")


@dataclass(frozen=True)
class Region:
    """A part in which two texts differ."""

    before: str
    """What stands before it, numbers and what differs left open: by this, the same part of other texts is known."""
    shown: str
    """What stands before it in the left text."""
    left: str
    right: str


@dataclass(frozen=True)
class Comparison:
    """Where two texts differ."""

    fine: tuple[Region, ...]
    """As small as tokens allow."""
    coarse: tuple[Region, ...]
    """The same, but what only characters of identifiers separate is one: `a-b` and `c-d` differ as a whole."""
    constant: float
    """Which share of the left text's letters and digits is in no region."""
    alike: bool
    """Whether both texts have words at the same places, and the same characters between them."""


def tokens(text: str) -> list[str]:
    """The tokens of a text; together they are the text."""
    found: list[str] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        if match["bytes"] is None:
            found.append(token)
            continue
        path = _PATH.match(token)
        at = path.end() if path else 0
        random = _is_random(token[at:])
        found += _TOKEN_WITHIN.findall(token[:at] if random else token)
        found += [token[at:]] if random else []
    return found


def compare(left: str, right: str) -> Comparison:
    """Where two texts differ."""
    return (_compare_again if len(left) + len(right) <= _REMEMBERED else _compare)(left, right)


def _compare(left: str, right: str) -> Comparison:
    ours, theirs = tokens(left), tokens(right)
    spans = list(_spans(ours, theirs))
    joined = list(_joined(ours, spans))
    fine = _regions(ours, theirs, spans)
    words = sum(len(token) for token in ours if _is_word(token))
    varying = sum(len(token) for begin, end, _, _ in spans for token in ours[begin:end] if _is_word(token))
    return Comparison(
        fine=fine,
        coarse=fine if joined == spans else _regions(ours, theirs, joined),
        constant=1 - varying / words if words else 0.0,
        alike=_alike(ours, theirs),
    )


_compare_again = lru_cache(maxsize=4096)(_compare)
"""The values of a header that varies are compared several times: as noise of its operation, and of all."""


def is_identifier(token: str) -> bool:
    """Whether a token is one that nobody chose: a UUID, a time, hexadecimal digits, letters and digits in turn."""
    if len(token) < _SHORTEST_IDENTIFIER or not _DIGIT.search(token):
        return False
    if _IDENTIFIER.fullmatch(token) or _is_random(token):
        return True
    return len(token) >= _SHORTEST_MIXED and len(_CHANGE.findall(token)) >= _FEWEST_CHANGES


def has_identifier(text: str) -> bool:
    """Whether one of its tokens is one that nobody chose."""
    long = len(text) >= _SHORTEST_IDENTIFIER and _DIGIT.search(text) is not None
    return long and any(map(is_identifier, tokens(text)))


def has_time(text: str) -> bool:
    """Whether a part of the text is a time, or a token that may say when it was made."""
    return _MOMENT.search(text) is not None


def masked(text: str) -> str:
    """The text with numbers and what nobody chose left open: texts that differ in those alone have the same."""
    if not _DIGIT.search(text):
        return text
    return "".join("#" if is_identifier(token) else _NUMBER.sub("#", token) for token in tokens(text))


_Span = tuple[int, int, int, int]
"""Begin and end in one list of tokens, then in the other."""


def _spans(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[_Span]:
    """The tokens that differ, in order."""
    shorter = min(len(ours), len(theirs))
    begin = next((at for at in range(shorter) if ours[at] != theirs[at]), shorter)
    end = next((at for at in range(shorter - begin) if ours[-1 - at] != theirs[-1 - at]), shorter - begin)
    left, right = ours[begin : len(ours) - end], theirs[begin : len(theirs) - end]
    if not left and not right:
        return
    if _alike(left, right):
        for at, (one, other) in enumerate(zip(left, right, strict=True), start=begin):
            if one != other:
                yield at, at + 1, at, at + 1
    elif len(left) * len(right) > _MOST_PAIRS:
        yield from _by_line(left, right, begin)
    else:
        yield from _between_anchors(left, right, begin)


def _by_line(left: Sequence[str], right: Sequence[str], begin: int) -> Iterator[_Span]:
    """The differing tokens of long texts: line by line where both have as many, else all is one region."""
    lines = [_lines(side) for side in (left, right)]
    if len(lines[0]) != len(lines[1]) or len(lines[0]) == 1:
        yield begin, begin + len(left), begin, begin + len(right)
        return
    first, second = begin, begin
    for ours, theirs in zip(*lines, strict=True):
        for at, to, other_at, other_to in _spans(ours, theirs):
            yield first + at, first + to, second + other_at, second + other_to
        first, second = first + len(ours), second + len(theirs)


def _lines(side: Sequence[str]) -> list[Sequence[str]]:
    ends = [0, *(at for at, token in enumerate(side, start=1) if "\n" in token), len(side)]
    return [side[at:to] for at, to in pairwise(ends)]


def _between_anchors(left: Sequence[str], right: Sequence[str], begin: int) -> Iterator[_Span]:
    at, other_at = 0, 0
    for first, second, size in SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks():
        anchor = not size or any(map(_is_solid, left[first : first + size]))
        if anchor and (first > at or second > other_at):
            yield begin + at, begin + first, begin + other_at, begin + second
        if anchor:
            at, other_at = first + size, second + size


def _joined(ours: Sequence[str], spans: Sequence[_Span]) -> Iterator[_Span]:
    """The spans, those in one that only characters of identifiers and short words separate."""
    last: _Span | None = None
    for span in spans:
        if last and not any(map(_is_solid, ours[last[1] : span[0]])):
            last = last[0], span[1], last[2], span[3]
            continue
        if last:
            yield last
        last = span
    if last:
        yield last


def _regions(ours: Sequence[str], theirs: Sequence[str], spans: Sequence[_Span]) -> tuple[Region, ...]:
    differing = {at for begin, end, _, _ in spans for at in range(begin, end)}
    return tuple(
        Region(*_context(ours, begin, differing), "".join(ours[begin:end]), "".join(theirs[other_begin:other_end]))
        for begin, end, other_begin, other_end in spans
    )


def _context(ours: Sequence[str], begin: int, differing: set[int]) -> tuple[str, str]:
    """What stands before a region: by what it is known, and as it is."""
    known, shown, words = "", "", 0
    for at in range(begin - 1, max(-1, begin - 1 - _CONTEXT_TOKENS), -1):
        token = ours[at]
        shown = token + shown
        if not _is_word(token):
            known = (" " if token.isspace() else token) + known
        elif token[0].isdigit() or is_identifier(token):
            known = "#" + known
        else:
            known = ("~" if at in differing else token) + known
            words += 1
            if words == _CONTEXT_WORDS:
                break
    return known, shown


def _alike(left: Sequence[str], right: Sequence[str]) -> bool:
    return len(left) == len(right) and all(
        one == other or (_is_word(one) and _is_word(other)) for one, other in zip(left, right, strict=True)
    )


def _is_word(token: str) -> bool:
    return token[0].isalnum() or len(token) >= _FEWEST_BYTES


def _is_random(run: str) -> bool:
    """Whether letters, digits and marks are those of random bytes in base64, not of a path or of words."""
    if len(run) < _FEWEST_BYTES or not any(map(str.isupper, run)) or _PLAIN_WORD.search(run):
        return False
    return 3 * len(_TURN.findall(run)) > len(run)


def _is_solid(token: str) -> bool:
    """Whether it is in two identifiers at the same place by no chance."""
    if token[0].isalnum():
        return len(token) >= _SOLID_LETTERS and token.isalpha()
    return token not in _GLUE and len(token) < _FEWEST_BYTES
