"""What a right answer is: its status, the values in its body, its headers. The one notion of it in the laboratory.

Rules stand by JSON path; `serving_lab.api.rules` says what they are. `${name}` in a rule is the value of this name that
the request was sent with, `${name.length}` how many items it has.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any

import msgspec

from serving_lab.api import json_path, template
from serving_lab.api.rules import WrongRuleError, kind, rule

_SENT = re.compile(r"\$\{(\w+)(\.length)?\}")
_MOST_KNOWN = 1000


class ExpectForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a right answer is, as it stands in a file."""

    status: int | list[int] = 200
    json: dict[str, Any] = {}
    """Rules by JSON path."""
    only: bool = False
    """Whether the body is an object with no other fields than those that rules speak of."""
    headers: dict[str, Any] = {}
    """Rules by the name of a header."""


@dataclass(frozen=True)
class Expectation:
    """What a right answer is."""

    statuses: tuple[int, ...] = (200,)
    rules: Mapping[str, Any] = field(default_factory=dict)
    only: bool = False
    headers: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, form: ExpectForm, headers: Mapping[str, Any]) -> "Expectation":
        """What a form says, with further headers that every right answer has."""
        statuses = tuple(form.status if isinstance(form.status, list) else [form.status])
        return cls(statuses, form.json, form.only, {**headers, **form.headers})

    @property
    def sent(self) -> frozenset[str]:
        """The names of the values of the request that rules refer to."""
        return frozenset(found[1] for text in template.texts([*self.rules.values()]) for found in _SENT.finditer(text))

    @cached_property
    def checker(self) -> "Checker":
        """What checks status and body. Raises WrongRuleError: a rule or a path is not one."""
        return Checker(self.statuses, self.rules, only=self.only)

    @cached_property
    def header_checker(self) -> "HeaderChecker":
        """What checks headers. Raises WrongRuleError: a rule is not one."""
        return HeaderChecker(self.headers)


class Checker:
    """Checks status and body of the answers to one request."""

    def __init__(self, statuses: Collection[int], rules: Mapping[str, Any], *, only: bool = False) -> None:
        """Raises WrongRuleError: a rule or a path is not one."""
        self._given = rules
        self._statuses = frozenset(statuses)
        self._only = only
        self._known: dict[str, Checker] = {}
        self.refers = bool(_SENT.search(json.dumps([*rules.values()])))
        """Whether rules refer to what a request was sent with."""
        filled = _with_sent(rules, None) if self.refers else rules
        self._rules = [(path, _steps(path), rule(each)) for path, each in filled.items()]
        self._fields = frozenset(str(steps[0]) for _, steps, _ in self._rules if steps)
        self._decode = msgspec.json.Decoder().decode
        self._is_right = _right_type(filled, only=only)

    def wrong(self, status: int, body: bytes) -> str | None:
        """What is wrong with an answer; None where it is right.

        The text holds no value of the answer, so that like faults add up.
        """
        if status not in self._statuses:
            return f"status {status}"
        if self._is_right is not None and self._is_right(body):
            return None
        if not self._rules and not self._only:
            return None
        try:
            document = self._decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return "the body is not JSON"
        if self._only and not isinstance(document, dict):
            return f"the body is {kind(document)}, not an object"
        for path, steps, each in self._rules:
            value = document
            try:
                for step in steps:
                    value = value[step]
            except (KeyError, IndexError, TypeError):
                return f"{path} is missing"
            if not each.holds(value):
                return f"{path} is {kind(value)}, not {each.words}"
        if self._only and (more := document.keys() - self._fields):
            return f"unexpected field {', '.join(sorted(more))}"
        return None

    def knowing(self, sent: Mapping[str, str]) -> "Checker":
        """The checker of the answer to a request that was sent with these values, JSON texts by name."""
        if not self.refers:
            return self
        rules = _with_sent(self._given, sent)
        # Most rules refer to a length: few different ones come again and again.
        key = json.dumps(rules)
        if key not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = Checker(self._statuses, rules, only=self._only)
        return self._known[key]


class HeaderChecker:
    """Checks the headers of the answers to one request."""

    def __init__(self, rules: Mapping[str, Any]) -> None:
        """Raises WrongRuleError: a rule is not one."""
        self._rules = [(name, rule(given)) for name, given in rules.items()]

    def wrong(self, header: Callable[[str], object]) -> str | None:
        """What is wrong, given the look-up of a header by its lower-case name; None where nothing is."""
        for name, each in self._rules:
            value = header(name.lower())
            if value is None:
                return f"header {name} is missing"
            if not each.holds(str(value)):
                return f"header {name} is not {each.words}"
        return None


def _with_sent(rules: Mapping[str, Any], sent: Mapping[str, str] | None) -> dict[str, Any]:
    """The rules with what was sent filled in; None: with anything, to see whether they are rules."""

    def meaning(found: re.Match[str]) -> object:
        value = json.loads(sent[found[1]]) if sent is not None else []
        return len(value) if found[2] else value

    return {path: template.replace(given, _SENT, meaning) for path, given in rules.items()}


def _right_type(rules: Mapping[str, Any], *, only: bool) -> Callable[[bytes], bool] | None:
    """What tells whether a body is right by decoding it as a type, several times as fast as rule by rule.

    None where a rule has no type, or is not about a field of the whole. A body that it does not let through may be
    right all the same.
    """
    fields: list[tuple[str, Any, Any]] = []
    constants = {}
    for path, given in rules.items():
        name, steps = f"field_{len(fields)}", _steps(path)
        if len(steps) != 1 or not isinstance(steps[0], str):
            return None
        expected = rule(given).type
        if isinstance(given, bool):
            constants[name], expected = given, bool
        if expected is None:
            return None
        fields.append((name, expected, msgspec.field(name=steps[0])))
    if not fields:
        return None
    decode = msgspec.json.Decoder(msgspec.defstruct("Right", fields, forbid_unknown_fields=only)).decode
    read = attrgetter(*constants) if constants else None
    wanted = tuple(constants.values()) if len(constants) > 1 else next(iter(constants.values()), None)

    def holds(body: bytes) -> bool:
        try:
            right = decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        return read is None or bool(read(right) == wanted)

    return holds


def _steps(path: str) -> list[str | int]:
    try:
        return json_path.steps(path)
    except ValueError as error:
        raise WrongRuleError(str(error)) from None
