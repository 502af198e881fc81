"""`${name}` in files: what is filled in when they are loaded, and what stays for the moment of sending.

Alone, `"${row}"` is the value that the name stands for, be it a text, a number or a list; within a text it is the
value's text (of what is no text: its JSON). `${repeat:100:x}` is a text a hundred times.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_NAME = re.compile(r"\$\{(\w+)\}")
LONGEST = 1 << 30
"""What is written out must not become longer: characters of a text, bytes of a body."""
_REPEAT = re.compile(r"\$\{repeat:(\d+):(.[^}]*)\}", re.DOTALL)


def fill(value: object, names: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON value with the names in it filled in; names that are not known stay."""
    return replace(value, _NAME, lambda found: names.get(found[1], found[0]))


def replace(value: object, pattern: re.Pattern[str], meaning: Callable[[re.Match[str]], object]) -> Any:  # noqa: ANN401
    """Return the JSON value with what the pattern finds in its texts replaced by what that means."""
    match value:
        case str() if whole := pattern.fullmatch(value):
            return meaning(whole)
        case str():
            return pattern.sub(lambda found: as_text(meaning(found)), value)
        case list():
            return [replace(item, pattern, meaning) for item in value]
        case dict():
            return {
                pattern.sub(lambda found: as_text(meaning(found)), key): replace(item, pattern, meaning)
                for key, item in value.items()
            }
    return value


def repeat(value: object) -> Any:  # noqa: ANN401 - JSON
    """The JSON value with the repetitions in it written out.

    Raises:
        ValueError: one of them would be too long.
    """
    return replace(value, _REPEAT, _repeated)


def _repeated(found: re.Match[str]) -> str:
    if len(found[1]) > len(str(LONGEST)) or int(found[1]) * len(found[2]) > LONGEST:
        raise ValueError(f"${{repeat:{found[1][:20]}:…}} is longer than can be sent")
    return found[2] * int(found[1])


def as_text(value: object) -> str:
    """Return a text as it is, and anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def texts(value: object) -> Iterator[str]:
    """Yield every text in a JSON value, keys included."""
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from texts(item)
        case dict():
            for key, item in value.items():
                yield from texts(key)
                yield from texts(item)


def names(value: object) -> Iterator[str]:
    """Yield the names that a JSON value's texts refer to."""
    for text in texts(value):
        yield from _NAME.findall(text)
