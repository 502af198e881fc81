"""Whether answers to what is asked again and again are the same, whichever service gives them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from serving_lab.api import json_path, values
from serving_lab.api.agreement import Agree, agree
from serving_lab.api.description import Call, Description
from serving_lab.api.values import Several

_Key = tuple[str, tuple[str, ...], str]
"""What agrees, what was asked, and what may change the answer."""


@dataclass
class Consistency:
    """Remembers what was answered, at the paths where answers agree, to values that are drawn again and again."""

    api: Description
    _recurring: dict[str, frozenset[str]] = field(default_factory=dict)
    _seen: dict[_Key, object] = field(default_factory=dict)

    def wrong(self, call: Call, sent: Mapping[str, str], body: bytes) -> str | None:
        """In what a right answer differs from an earlier one; None where it does not.

        Args:
            call: What was asked.
            sent: The values that it was asked with, JSON texts by name.
            body: The body of the answer.
        """
        document: Any = None
        for rule in call.agree:
            asked = list(self._asked(rule, sent))
            if not any(recurs for _, recurs in asked):
                continue
            document = msgspec.json.decode(body) if document is None else document
            try:
                answer = json_path.value_at(document, rule.path)
                per = str(json_path.value_at(document, rule.per)) if rule.per else ""
            except LookupError as missing:
                return f"{missing} is missing"
            answers = answer if rule.each else [answer]
            if not isinstance(answers, list) or len(answers) != len(asked):
                return f"{rule.path} does not have an item for each of {rule.of[0]}"
            for (text, recurs), each in zip(asked, answers, strict=True):
                if recurs and not agree(self._seen.setdefault((rule.name, text, per), each), each):
                    return (
                        f"{rule.path} differs from an earlier answer to the same {' and '.join(rule.of) or 'request'}"
                    )
        return None

    def _asked(self, rule: Agree, sent: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], bool]]:
        """What the answers belong to, and whether it comes again."""
        if rule.each:
            (name,) = rule.of
            several = self.api.values[name]
            assert isinstance(several, Several)  # noqa: S101 - the description sees to it
            items = self._texts(several.of)
            for raw in msgspec.json.decode(sent[name], type=list[msgspec.Raw]):
                text = bytes(raw).decode()
                yield (text,), text in items
        else:
            texts = tuple(sent[name] for name in rule.of)
            yield texts, all(text in self._texts(name) for name, text in zip(rule.of, texts, strict=True))

    def _texts(self, name: str) -> frozenset[str]:
        if name not in self._recurring:
            self._recurring[name] = values.recurring(self.api.values, name)
        return self._recurring[name]
