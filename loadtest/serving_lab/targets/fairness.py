"""Whether the two services may be compared: what must be equal, and what is meant to differ."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from serving_lab.targets.reading import Conditions


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
    return [
        Condition(name, values[0], values[1], judge(values, must_agree=must_agree))
        for name, values, must_agree in stated([flask, fastapi])
    ]


def stated(sides: Sequence[Conditions | None]) -> list[tuple[str, list[str | None], bool]]:
    """Return each condition's name, what each side states of it, and whether the sides must agree."""
    return [
        (name, [state(side) if side else None for side in sides], must_agree) for name, state, must_agree in _CONDITIONS
    ]


def judge(values: Sequence[str | None], *, must_agree: bool) -> Verdict:
    """Return how what the sides state of a condition compares."""
    if any(value is None for value in values):
        return Verdict.UNKNOWN
    if not must_agree:
        return Verdict.MEANT
    return Verdict.SAME if len(set(values)) == 1 else Verdict.DIFFERS


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
