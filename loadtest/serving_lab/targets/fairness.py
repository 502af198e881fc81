"""Whether services may be compared: what must be equal, and what is meant to differ."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from serving_lab.targets.reading import Conditions


class Verdict(StrEnum):
    """How the services compare in one condition."""

    SAME = "same"
    DIFFERS = "differs"
    MEANT = "meant to differ"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Condition:
    """What each service states of one condition, by its name, and how they compare; None: it states nothing."""

    name: str
    values: Mapping[str, str | None]
    verdict: Verdict


def compare(services: Mapping[str, Conditions | None]) -> list[Condition]:
    """Every condition of the services, by their names; a service that was never read states nothing."""
    return [
        Condition(name, dict(zip(services, values, strict=True)), judge(values, must_agree=must_agree))
        for name, values, must_agree in stated(list(services.values()))
    ]


def stated(services: Sequence[Conditions | None]) -> list[tuple[str, list[str | None], bool]]:
    """Each condition's name, what each service states, and whether they must agree."""
    return [
        (name, [state(service) if service else None for service in services], must_agree)
        for name, state, must_agree in _CONDITIONS
    ]


def judge(values: Sequence[str | None], *, must_agree: bool) -> Verdict:
    """How the services compare in a condition of which they state these values."""
    if must_agree and len(set(values) - {None}) > 1:
        return Verdict.DIFFERS
    if any(value is None for value in values):
        return Verdict.UNKNOWN
    return Verdict.SAME if must_agree else Verdict.MEANT


def _label(*names: str) -> Callable[[Conditions], str | None]:
    return lambda service: " ".join(service.info[name] for name in names if name in service.info) or None


def _model(service: Conditions) -> str | None:
    return f"{service.info.get('model_version', '')} {service.info.get('model_sha256', '')}".strip() or None


def _cpu_limit(service: Conditions) -> str:
    return "none" if service.cpu_limit_cores is None else f"{service.cpu_limit_cores:g}"


def _memory_limit(service: Conditions) -> str:
    return "none" if service.memory_limit_bytes is None else f"{service.memory_limit_bytes / (1 << 20):,.0f} MiB"


_CONDITIONS: tuple[tuple[str, Callable[[Conditions], str | None], bool], ...] = (
    ("Framework", _label("framework", "framework_version"), False),
    ("Server", _label("server"), False),
    ("Model", _model, True),
    ("Workers", _label("workers"), True),
    ("Python", _label("python"), True),
    ("CPU limit, cores", _cpu_limit, True),
    ("Memory limit", _memory_limit, True),
    ("Memory counted", lambda service: service.memory_kind, True),
)
