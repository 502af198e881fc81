"""The result as a page: one file that opens anywhere, without a network and without scripts."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from serving_lab import pages
from serving_lab.errors import LabError
from serving_lab.parity.reporting import phrases
from serving_lab.parity.reporting.acceptance import declaration
from serving_lab.parity.result import ParityResult
from serving_lab.text import phrases as words

_TEMPLATE = "report.html.j2"
_LONGEST_ANSWER, _LONGEST_COMMAND = 8_000, 20_000
"""Characters; the rest is in the JSON result."""
_OPEN_AT_FIRST, _BANNERS = 3, 5
_NAMED_OPERATIONS, _LISTED_OPERATIONS = 12, 24
_MOST_PAIRS = 100_000
"""Equal words to try with each other; where there are more, all between the first and the last difference is marked."""
_TOKENS = re.compile(r"\w+|\s+|[^\w\s]")
_JSON_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"?|[][{},:]|[^][{},:"]+')
_INDENT = "  "
_ENDING = re.compile(r"(?:^|\n\n)(\([\w, ]+\))$")
_FIELD = re.compile(r'\s*"(?P<key>[^"\\]*)":')


@dataclass(frozen=True)
class Piece:
    """A part of an answer: alike on both sides, different, or noise, which is not compared by value."""

    text: str
    mark: str = ""


def write_html(result: ParityResult, path: Path) -> None:
    """Write the report.

    Raises:
        LabError: the file cannot be written.
    """
    try:
        path.write_text(render(result), encoding="utf-8")
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}", hint="choose another folder for the report") from error


def render(result: ParityResult) -> str:
    """The report as HTML."""
    environment = pages.environment(__package__)
    environment.filters |= {"visible": words.visible, "operation": phrases.operation, "shortened": _shortened}
    template = environment.get_template(_TEMPLATE)
    noisy = frozenset(noise.where for noise in result.noise)
    return template.render(
        result=result,
        say=phrases,
        words=words,
        answers=lambda cause: side_by_side(cause.example.primary_answer, cause.example.candidate_answer, noisy),
        declaration=declaration,
        open_at_first=_OPEN_AT_FIRST,
        named=_NAMED_OPERATIONS,
        listed=_LISTED_OPERATIONS,
        banners=_BANNERS,
    )


def side_by_side(primary: str, candidate: str, noisy: frozenset[str]) -> tuple[list[Piece], list[Piece]]:
    """Both answers with what differs marked: headers by name, whose order means nothing, bodies by word."""
    left, right = _Answer.parse(primary), _Answer.parse(candidate)
    heads = (_head(left, right, noisy), _head(right, left, noisy))
    bodies = _bodies(left.body, right.body, noisy)
    mark = "" if left.ending == right.ending else "differs"
    endings = [[Piece("\n\n"), Piece(side.ending, mark)] if side.ending else [] for side in (left, right)]
    return [*heads[0], *bodies[0], *endings[0]], [*heads[1], *bodies[1], *endings[1]]


@dataclass(frozen=True)
class _Answer:
    status: str
    headers: tuple[str, ...]
    body: str
    ending: str

    @classmethod
    def parse(cls, text: str) -> "_Answer":
        found = _ENDING.search(text)
        said = text[: found.start()] if found else text
        head, _, body = words.visible(_cut(said, _LONGEST_ANSWER)).partition("\n\n")
        status, *headers = head.split("\n")
        return cls(status, tuple(headers), _indented(body), found[1] if found else "")

    def values(self, name: str) -> list[str]:
        return [value for key, _, value in (line.partition(": ") for line in self.headers) if key == name]


def _head(own: _Answer, other: _Answer, noisy: frozenset[str]) -> list[Piece]:
    if not own.status:
        return []
    pieces = [Piece(own.status, "" if own.status == other.status else "differs"), Piece("\n")]
    for line in own.headers:
        name = line.partition(": ")[0]
        alike = own.values(name) == other.values(name)
        mark = "noise" if f"header {name}" in noisy else "" if alike else "differs"
        pieces += [Piece(line, mark), Piece("\n")]
    return [*pieces, Piece("\n")]


def _bodies(primary: str, candidate: str, noisy: frozenset[str]) -> tuple[list[Piece], list[Piece]]:
    tokens = _tokens(primary, noisy), _tokens(candidate, noisy)
    sides: tuple[list[Piece], list[Piece]] = ([], [])
    for alike, *spans in _spans(*tokens):
        for pieces, all_tokens, (start, end) in zip(sides, tokens, spans, strict=True):
            pieces += _joined(all_tokens[start:end], "" if alike else "differs")
    return sides


_Span = tuple[int, int]


def _spans(primary: list[Piece], candidate: list[Piece]) -> Iterator[tuple[bool, _Span, _Span]]:
    """Which tokens of one side are which of the other, and which have no counterpart."""
    shorter = min(len(primary), len(candidate))
    begin = next((at for at in range(shorter) if primary[at] != candidate[at]), shorter)
    end = next((at for at in range(shorter - begin) if primary[-1 - at] != candidate[-1 - at]), shorter - begin)
    left, right = primary[begin : len(primary) - end], candidate[begin : len(candidate) - end]
    yield True, (0, begin), (0, begin)
    frequencies = Counter(left), Counter(right)
    if sum(count * frequencies[1][word] for word, count in frequencies[0].items()) > _MOST_PAIRS:
        yield False, (begin, begin + len(left)), (begin, begin + len(right))
    else:
        for kind, *ends in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
            first, last, other_first, other_last = (begin + at for at in ends)
            yield kind == "equal", (first, last), (other_first, other_last)
    yield True, (len(primary) - end, len(primary)), (len(candidate) - end, len(candidate))


def _tokens(body: str, noisy: frozenset[str]) -> list[Piece]:
    tokens = []
    for line in body.splitlines(keepends=True):
        field = _FIELD.match(line)
        if field and any(where.startswith("$") and where.endswith(f".{field['key']}") for where in noisy):
            tokens.append(Piece(line, "noise"))
        else:
            tokens += [Piece(token) for token in _TOKENS.findall(line)]
    return tokens


def _joined(tokens: Iterable[Piece], mark: str) -> Iterable[Piece]:
    """The tokens in as few pieces as show their marks."""
    text = ""
    for token in tokens:
        if token.mark:
            yield from [Piece(text, mark)] if text else []
            yield token
            text = ""
        else:
            text += token.text
    if text:
        yield Piece(text, mark)


def _indented(body: str) -> str:
    """JSON with a field a line, and any other text as it is; no character of a value is touched."""
    if not body.startswith(("{", "[")):
        return body
    holders: list[str] = []
    written = ""
    for token in _JSON_TOKENS.findall(body):
        match token:
            case "{":
                holders.append(token)
                written += f"{token}\n{_INDENT * len(holders)}"
            case "[":
                holders.append(token)
                written += token
            case "}" | "]":
                if holders and holders.pop() == "{":
                    written = f"{written.rstrip()}\n{_INDENT * len(holders)}"
                written += token
            case ",":
                in_object = bool(holders) and holders[-1] == "{"
                written += f",\n{_INDENT * len(holders)}" if in_object else ", "
            case ":":
                written += ": "
            case _:
                written += token.strip()
    return written


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[:characters]}… ({len(text):,} characters in all)"


def _shortened(command: str) -> str:
    if len(command) <= _LONGEST_COMMAND:
        return words.visible(command)
    return f"# {len(command):,} characters long: it is in the JSON result"
