"""A profile of `lab bench`: the description of an API, and the loads under which it is measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import msgspec

from serving_lab.api.description import Description, check_mix
from serving_lab.api.profile_file import ProfileFile
from serving_lab.text.environment import Environment
from serving_lab.text.yaml_file import YamlFile

BEST: Literal["best"] = "best"


class OfPeakForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rate that is found out: a share of what the slowest target can answer."""

    of_peak: float


class ObjectiveForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a service level promises."""

    p99_seconds: float
    wrong_share: float = 0.0


class ScenarioForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One load."""

    title: str = ""
    requests: dict[str, float] = {}
    """Names of requests, and their weights."""
    mix: str | None = None
    """Instead of requests: a mix of the description."""
    loop: Literal["closed", "open", "knee"] = "closed"
    connections: int | Literal["best"] = 10
    """`best`: as many as give each target its largest throughput (closed loop only)."""
    rate: float | OfPeakForm | None = None
    """Requests/s, in an open loop."""
    arrivals: Literal["poisson", "constant"] = "poisson"
    burstiness: float = 1.0
    """Of an open loop with random arrivals: the variance of the gaps by the square of their mean; 1 is Poisson."""
    objective: ObjectiveForm | None = None


class ProfileForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `lab bench` adds to a description."""

    scenarios: dict[str, ScenarioForm]
    default: list[str] = []


@dataclass(frozen=True)
class Profile:
    """What is known of an API, and its loads."""

    api: Description
    scenarios: Mapping[str, ScenarioForm]
    """By name; each has its requests."""
    default: tuple[str, ...] = ()
    """Names of the scenarios that run where none is named."""

    @classmethod
    def load(cls, path: Path, environment: Mapping[str, str]) -> Self:
        """Read a profile; paths in it are relative to it.

        Raises:
            LabError: a file cannot be read or is wrong, or refers to an unset environment variable.
        """
        files = ProfileFile.read(path, "bench", ProfileForm, Environment(environment))
        api = Description.of(files.api)
        form = files.own.convert(ProfileForm)
        return cls(
            api=api,
            scenarios={name: _scenario(files.own, name, each, api) for name, each in form.scenarios.items()},
            default=_default(files.own, form),
        )


def _scenario(file: YamlFile, name: str, form: ScenarioForm, api: Description) -> ScenarioForm:
    place = f"scenarios.{name}"

    def require(holds: bool, where: str, problem: str) -> None:
        if not holds:
            raise file.fault(f"{place}.{where}" if where else place, problem)

    require(name.isidentifier(), "", "a name has letters, digits and underscores")
    require(form.mix is None or not form.requests, "mix", "it is given instead of requests, not besides them")
    require(form.mix is None or form.mix in api.mixes, "mix", f"there is no mix {form.mix!r} in the description")
    requests = api.mixes[form.mix] if form.mix is not None else form.requests
    check_mix(file, f"{place}.{'requests' if form.mix is None else 'mix'}", requests, api.requests, websocket=False)
    require(form.connections == BEST or 1 <= form.connections <= 4096, "connections", "from 1 to 4096, or best")
    require(
        form.connections != BEST or form.loop == "closed", "connections", "best goes with a closed loop, and no other"
    )
    rate = form.rate.of_peak if isinstance(form.rate, OfPeakForm) else form.rate
    require((rate is not None) is (form.loop == "open"), "rate", "an open loop has one, and the others find their own")
    require(rate is None or 0 < rate < float("inf"), "rate", "a number above 0")
    bursts = form.burstiness != 1
    require(not bursts or form.loop == "open", "burstiness", "an open loop has one")
    require(not bursts or form.arrivals == "poisson", "burstiness", "it is of random arrivals, not of constant ones")
    require(0.05 <= form.burstiness <= 100, "burstiness", "from 0.05 to 100; 1 is Poisson")
    require((form.objective is not None) is (form.loop == "knee"), "objective", "a knee has one, and the others none")
    if form.objective:
        require(form.objective.p99_seconds > 0, "objective.p99_seconds", "seconds above 0")
        require(0 <= form.objective.wrong_share < 1, "objective.wrong_share", "from 0 to below 1")
    return msgspec.structs.replace(form, requests=dict(requests), mix=None)


def _default(file: YamlFile, form: ProfileForm) -> tuple[str, ...]:
    for at, name in enumerate(form.default):
        if name not in form.scenarios:
            raise file.fault(f"default[{at}]", f"there is no scenario {name!r}")
    return tuple(form.default or form.scenarios)
