"""Whether the two services may be compared: what must be equal, and what is meant to differ."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lab.compare.reading import Conditions


class Verdict(StrEnum):
    """How one condition of the two services compares."""

    SAME = "same"
    DIFFERS = "differs"
    MEANT = "meant to differ"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Condition:
    """One condition as both services state it; None where one does not."""

    name: str
    flask: str | None
    fastapi: str | None
    verdict: Verdict


def compare(flask: Conditions | None, fastapi: Conditions | None) -> list[Condition]:
    """Return every condition; a service that was never read states none."""
    conditions = []
    for name, state, must_agree in _CONDITIONS:
        old, new = (state(side) if side else None for side in (flask, fastapi))
        if old is None or new is None:
            verdict = Verdict.UNKNOWN
        elif not must_agree:
            verdict = Verdict.MEANT
        else:
            verdict = Verdict.SAME if old == new else Verdict.DIFFERS
        conditions.append(Condition(name, old, new, verdict))
    return conditions


def _label(*names: str) -> Callable[[Conditions], str | None]:
    return lambda side: " ".join(side.info[name] for name in names if name in side.info) or None


def _model(side: Conditions) -> str | None:
    return f"{side.info.get('model_version', '')} {side.info.get('model_sha256', '')}".strip() or None


def _cpu_limit(side: Conditions) -> str:
    return "none" if side.cpu_limit_cores is None else f"{side.cpu_limit_cores:g}"


def _memory_limit(side: Conditions) -> str:
    return "none" if side.memory_limit_bytes is None else f"{side.memory_limit_bytes / (1 << 20):,.0f} MiB"


_CONDITIONS: tuple[tuple[str, Callable[[Conditions], str | None], bool], ...] = (
    ("Framework", _label("framework", "framework_version"), False),
    ("Server", _label("server"), False),
    ("Model", _model, True),
    ("Workers", _label("workers"), True),
    ("Python", _label("python"), True),
    ("CPU limit, cores", _cpu_limit, True),
    ("Memory limit", _memory_limit, True),
    ("Memory counted", lambda side: side.memory_kind, True),
)
