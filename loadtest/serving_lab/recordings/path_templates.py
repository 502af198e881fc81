"""Path templates (`/posts/{id}`) of traffic that no document describes, from what varies in its paths."""

import re
from collections.abc import Collection, Iterable, Iterator

from serving_lab.text.tokens import masked

_PARAMETER = "{id}"
_VERSION = re.compile(r"v#([._-]#)*", re.IGNORECASE)
_ONLY_NUMBERS = re.compile(r"(?=.*#)[#\W_]+")
_SLUG = re.compile(r".*-.*-.*|.*@.*|.*[^!-~].*", re.DOTALL)
"""Words with hyphens, an address, or other scripts: names that people or titles have."""
_SEVERAL = 2
_OF_A_COLLECTION, _OF_ANYTHING = 5, 20
"""Names that lie below one path: from so many on they are members, if the path itself is asked too, and if not."""
_DEEPEST = 30

_Segments = tuple[str, ...]


def path_templates(paths: Iterable[str]) -> list[str]:
    """The templates of these decoded paths; a path in which nothing varies is its own.

    A segment is a parameter if it is a number or an identifier; if others beside it differ from it in numbers alone, or
    are names of several words like it; or if so many names are beside it that they must be members of a collection.
    """
    split = {tuple(path.split("/")) for path in paths}
    deep = {segments for segments in split if len(segments) > _DEEPEST}
    return sorted("/".join(segments) for segments in {*_templates(split - deep, 0), *deep})


def _templates(paths: Collection[_Segments], depth: int) -> Iterator[_Segments]:
    below: dict[str, set[_Segments]] = {}
    for path in paths:
        if path:
            below.setdefault(path[0], set()).add(path[1:])
    itself = len(below) and any(path in {(), ("",)} for path in paths)
    varying = _varying(below, fewest=_OF_A_COLLECTION if itself else _OF_ANYTHING, top=depth <= 1)
    if any(not path for path in paths):
        yield ()
    if varying:
        below[_PARAMETER] = set().union(*(below.pop(name) for name in varying))
    for name, rests in below.items():
        for rest in _templates(rests, depth + 1):
            yield (name, *rest)


def _varying(names: Iterable[str], *, fewest: int, top: bool) -> set[str]:
    """Those of the names that lie below one path which are values of a parameter."""
    forms = {name: masked(name) for name in names}
    varying = {name for name, form in forms.items() if _ONLY_NUMBERS.fullmatch(form)}
    alike: dict[str, set[str]] = {}
    for name, form in forms.items():
        if name not in varying and not _VERSION.fullmatch(form):
            if "#" in form:
                alike.setdefault(form, set()).add(name)
            elif _SLUG.fullmatch(name):
                alike.setdefault("", set()).add(name)
    for beside in alike.values():
        if len(beside) >= _SEVERAL:
            varying |= beside
    others = {name for name in forms if name and name not in varying and not _VERSION.fullmatch(forms[name])}
    return varying | others if len(others) >= fewest and not top else varying
