"""What Locust's users ask for: the description of the API, and which mixes of its requests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self

import msgspec

from serving_lab.api.description import Description, check_mix
from serving_lab.api.profile_file import ProfileFile
from serving_lab.api.values import Either, Pool, Value
from serving_lab.text.environment import Environment
from serving_lab.text.yaml_file import YamlFile

_SHARES = 1000


class LoadForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What Locust adds to a description."""

    mix: str
    """What users ask for."""
    websocket: str | None = None
    """The mix of messages that users of a WebSocket send."""


@dataclass(frozen=True)
class LoadProfile:
    """What is known of an API, and what its users ask for."""

    api: Description
    mix: Mapping[str, float]
    """Weights of requests, by name."""
    messages: Mapping[str, float]
    """Weights of messages on a WebSocket, by name; there may be none."""

    @classmethod
    def load(cls, path: Path, environment: Mapping[str, str]) -> Self:
        """Read a profile.

        Raises:
            LabError: a file cannot be read or is wrong, or refers to an unset environment variable.
        """
        files = ProfileFile.read(path, "load", LoadForm, Environment(environment))
        api, form = Description.of(files.api), files.own.convert(LoadForm)
        messages = _mix(files.own, "websocket", form.websocket, api) if form.websocket is not None else {}
        if len({api.requests[name].request.target for name in messages}) > 1:
            raise files.own.fault("websocket", "its messages are for several paths", hint="write a mix of one path")
        return cls(api=api, mix=_mix(files.own, "mix", form.mix, api), messages=messages)

    def repeating(self, share: float, pool_size: int) -> Self:
        """The profile with this share of draws from pools, and pools of this size, wherever a value may be either."""
        pools = {name for name, value in self.api.values.items() if isinstance(value, Pool)}
        values = {name: _repeating(value, pools, share, pool_size) for name, value in self.api.values.items()}
        return replace(self, api=replace(self.api, values=values))


class Asking(Protocol):
    """A user who can be told which request to send."""

    def ask(self, name: str) -> None:
        """Send the request of this name."""


def tasks(mix: Mapping[str, float]) -> list[Callable[[Asking], None]]:
    """Locust's tasks for a mix: it chooses one of them, each as likely as the others, so that a weight is a number."""
    total = sum(mix.values())
    return [task for name, weight in mix.items() for task in [_task(name)] * max(1, round(_SHARES * weight / total))]


def _task(name: str) -> Callable[[Asking], None]:
    def ask(user: Asking) -> None:
        user.ask(name)

    ask.__name__ = name
    return ask


def _mix(file: YamlFile, key: str, name: str, api: Description) -> Mapping[str, float]:
    if name not in api.mixes:
        raise file.fault(key, f"there is no mix {name!r} in the description")
    check_mix(file, key, api.mixes[name], api.requests, websocket=key == "websocket")
    return api.mixes[name]


def _repeating(value: Value, pools: set[str], share: float, pool_size: int) -> Value:
    match value:
        case Pool(of):
            return Pool(of, pool_size)
        case Either(weights) if pools & weights.keys() and weights.keys() - pools:
            of_pools = sum(weights[name] for name in pools & weights.keys())
            of_others = sum(weights.values()) - of_pools
            return Either(
                {
                    name: weight * (share / of_pools if name in pools else (1 - share) / of_others)
                    for name, weight in weights.items()
                }
            )
    return value
