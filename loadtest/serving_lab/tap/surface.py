"""What a tap must know of an API: which requests may be sent twice, where they sign in, and what is personal."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote

from serving_lab.api import json_path
from serving_lab.api.description import Description
from serving_lab.api.sign_in import OfHeadForm

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, section 9.2.1)."""
_PARSED = frozenset({"authorization", "cookie"})
"""Headers of credentials that are read part by part."""
_VARIABLE = re.compile(r"\$\{\w+\}")
_PARAMETER = re.compile(r"\{[^{}/]*\}")


@dataclass(frozen=True)
class Surface:
    """What a tap must know of an API; without a description, safe methods alone are repeatable."""

    repeatable: tuple[tuple[str, re.Pattern[str]], ...] = ()
    """Methods, each with the form of the path."""
    sign_in: tuple[str, str] | None = None
    """Method and path: all that is in such a body is secret."""
    json_paths: frozenset[tuple[str, ...]] = frozenset()
    """Of personal values in bodies, `*` for any index; of fields of forms too."""
    headers: frozenset[str] = frozenset()
    """Names, in lower case, of headers that are personal or secret."""
    parameters: frozenset[str] = frozenset()
    """Names of parameters of the query."""
    paths: tuple[re.Pattern[str], ...] = ()
    """Of paths in which something is personal: what it captures."""
    credentials: tuple[str, ...] = ("authorization",)
    """Names, in lower case, of headers that say who sends."""
    saved: frozenset[tuple[str, ...]] = frozenset()
    """Of the values that the answer to the sign-in gives."""
    _remembered: dict[tuple[str, str], bool] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, api: Description) -> Self:
        """What a description says."""
        signs = api.sign_in
        saves = list(signs.save.values()) if signs else []
        return cls(
            repeatable=tuple(
                (call.request.method, _form(_VARIABLE, call.request.target.partition("?")[0]))
                for call in api.requests.values()
                if call.repeatable and not call.websocket
            ),
            sign_in=(signs.request.method, unquote(signs.request.target.partition("?")[0])) if signs else None,
            json_paths=frozenset(_json_path(each) for each in api.personal if each.startswith("$")),
            headers=frozenset(
                {name.lower() for name in _named(api.personal, "header")}
                | {name.lower() for name, _ in api.authorization if name.lower() not in _PARSED}
                | {where.header.lower() for where in saves if isinstance(where, OfHeadForm) and where.header}
            ),
            parameters=frozenset(_named(api.personal, "query")) | {name for name, _ in api.query},
            paths=tuple(_form(_PARAMETER, each, capture=True) for each in _named(api.personal, "path")),
            credentials=tuple(dict.fromkeys(["authorization", *(name.lower() for name, _ in api.authorization)])),
            saved=frozenset(_json_path(each) for each in saves if isinstance(each, str)),
        )

    def may_repeat(self, method: str, target: str) -> bool:
        """Whether a request may be sent once more, and to another service."""
        if method in SAFE:
            return True
        path = target.partition("?")[0]
        found = self._remembered.get((method, path))
        if found is None:
            decoded = unquote(path)
            found = any(method == name and form.fullmatch(decoded) for name, form in self.repeatable)
            if len(self._remembered) < 1000:
                self._remembered[method, path] = found
        return found

    def signs_in(self, method: str, target: str) -> bool:
        """Whether a request is the sign-in."""
        return self.sign_in is not None and method == self.sign_in[0] and _path(target) == self.sign_in[1]


class WithoutSecrets(Mapping[str, str]):
    """An environment that has everything, empty: a tap does not sign in, so that it needs no password."""

    def __getitem__(self, name: str) -> str:
        """Nothing."""
        return ""

    def __contains__(self, name: object) -> bool:
        """Anything."""
        return isinstance(name, str)

    def __iter__(self) -> Iterator[str]:
        """No names can be told."""
        return iter(())

    def __len__(self) -> int:
        """Likewise."""
        return 0


def _path(target: str) -> str:
    return unquote(target.partition("?")[0])


def _named(personal: Iterable[str], kind: str) -> Iterator[str]:
    return (name.strip() for each, _, name in (one.partition(" ") for one in personal) if each == kind)


def _json_path(written: str) -> tuple[str, ...]:
    steps = json_path.steps(written.replace("[*]", "[0]"))
    return tuple(step if isinstance(step, str) else "*" for step in steps)


def _form(varying: re.Pattern[str], path: str, *, capture: bool = False) -> re.Pattern[str]:
    any_segment = "([^/?]+)" if capture else "[^/]+"
    return re.compile(any_segment.join(map(re.escape, varying.split(path))))
