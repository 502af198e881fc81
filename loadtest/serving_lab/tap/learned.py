"""Secrets that were seen where secrets stand, found again wherever else they are."""

import json
import re
from collections import deque
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

from serving_lab.tap.pseudonyms import JWT, Pseudonyms, is_pseudonym

_SHORTEST = 4
"""Characters; what is shorter occurs everywhere."""
_RUN = re.compile(r"[A-Za-z0-9_-]{6,}")
_RECENT = 32
_MOST = 50_000


class Learned:
    """Replaces tokens, and values that were secret elsewhere, in any text."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._by_run: dict[str, tuple[str, str]] = {}
        """By the longest run of plain signs in it, how a value is written, and what stands for it."""
        self._recent: deque[tuple[str, str]] = deque(maxlen=_RECENT)
        """They are looked for anywhere, also within words."""
        self._known: set[str] = set()

    def learn(self, value: str) -> str:
        """Remember a secret, and return what stands for it."""
        stands = self._pseudonyms.of(value)
        if len(value) >= _SHORTEST and value not in self._known and not JWT.fullmatch(value):
            if len(self._known) >= _MOST:
                self._known.clear()
                self._by_run.clear()
            self._known.add(value)
            for way in (str, _in_json, quote_plus, quote):
                written = way(value)
                if (written, way(stands)) not in self._recent:
                    self._recent.append((written, way(stands)))
                if runs := _RUN.findall(written):
                    self._by_run[max(runs, key=len)] = (written, way(stands))
        return stands

    @property
    def count(self) -> int:
        """How many are known."""
        return len(self._known)

    def cleaned(self, text: str) -> str:
        """The text without tokens, and without values that are known to be secret."""
        if "eyJ" in text:
            text = JWT.sub(lambda found: self._token(found[0]), text)
        if not self._known:
            return text
        for written, stands in (*self._recent, *self._found(text)):
            if written in text:
                text = text.replace(written, stands)
        return text

    def _found(self, text: str) -> Iterator[tuple[str, str]]:
        known = self._by_run
        return (known[run] for run in set(_RUN.findall(text)) if run in known)

    def _token(self, written: str) -> str:
        if is_pseudonym(written):
            return written
        return self._pseudonyms.of(re.sub("%2e", ".", written, flags=re.IGNORECASE))


def _in_json(value: str) -> str:
    return json.dumps(value)[1:-1]
