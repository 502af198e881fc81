"""What a client cannot tell apart, or does not care about: nothing of it may be reported."""

import json
import re
from dataclasses import replace

from parity.mutants.documents import UMLAUTS
from parity.mutants.mutant import Change, Disguise, Plant, on, pretty, spelled, where

_DECIMAL = re.compile(rb"(?<=[:\[,\s])-?\d+\.\d+(?=[,}\]\s])")


def everywhere(change: Change) -> Plant:
    return where(lambda _: True, change)


def exponent(number: re.Match[bytes]) -> bytes:
    """The same number as other writers of JSON spell it."""
    return b"%.17e" % float(number[0])


DISGUISES = (
    Disguise("slow", everywhere(lambda answer: replace(answer, delay_seconds=0.01))),
    Disguise("headers in another order", everywhere(lambda a: replace(a, headers=a.headers[::-1]))),
    Disguise(
        "header names in another case",
        everywhere(lambda a: replace(a, headers=tuple((name.swapcase(), value) for name, value in a.headers))),
    ),
    Disguise("another reason phrase", everywhere(lambda answer: replace(answer, reason="Whatever"))),
    Disguise("other spaces and order of keys", everywhere(spelled(pretty))),
    Disguise(
        "numbers spelled with exponents",
        everywhere(lambda a: a if a.json() is None else a.with_body(_DECIMAL.sub(exponent, a.body))),
    ),
    Disguise(
        "text escaped",
        on("GET /model-info", 200, UMLAUTS),
        both=on("GET /model-info", 200, UMLAUTS, spelled(lambda value: json.dumps(value, ensure_ascii=False))),
    ),
)
