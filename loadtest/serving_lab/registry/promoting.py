"""Which version serves: the registry's aliases are changed, and the services that follow them are waited for."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from serving_lab.errors import LabError
from serving_lab.registry import serving
from serving_lab.registry.mlflow import MODEL_SHA256, Registry, Version
from serving_lab.registry.serving import Served, Synced
from serving_lab.registry.syncing import CHALLENGER, PREVIOUS

_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Followers:
    """Those who follow the registry: services by name, and model-sync, each with its base URL."""

    services: Mapping[str, str]
    model_sync: str | None = None

    def served(self) -> dict[str, Served]:
        """What each service that answers serves now."""
        asked = {name: serving.served(url) for name, url in self.services.items()}
        return {name: found for name, found in asked.items() if found is not None}

    def synced(self) -> Synced | None:
        """How model-sync gets on; None where it does not answer."""
        return serving.synced(self.model_sync) if self.model_sync else None


@dataclass(frozen=True)
class Change:
    """A change of an alias, and what came of it."""

    alias: str
    version: str
    former: str | None
    """The version that the alias stood for before; None: it stood for none."""
    seconds: Mapping[str, float]
    """How long after the change each service said that it serves the version."""
    problems: Mapping[str, str]
    """Why each of the other services, or model-sync, does not."""


def promote(registry: Registry, alias: str, number: str, followers: Followers, wait_seconds: float) -> Change:
    """Let a version serve, remember the one before it, and wait until all services serve it.

    Raises:
        RegistryError: there is no such version, or the registry does not do as asked.
    """
    version = registry.version(number)
    former = registry.aliases().get(alias)
    if former and former != number:
        registry.set_alias(PREVIOUS, former)
    return _change(registry, alias, version, former, followers, wait_seconds)


def challenge(registry: Registry, number: str, followers: Followers, wait_seconds: float) -> Change:
    """Let those who follow the challenger serve a version, and wait until they do; the others notice nothing.

    Raises:
        RegistryError: there is no such version, or the registry does not do as asked.
    """
    version = registry.version(number)
    former = registry.aliases().get(CHALLENGER)
    return _change(registry, CHALLENGER, version, former, followers, wait_seconds)


def rollback(registry: Registry, alias: str, followers: Followers, wait_seconds: float) -> Change:
    """Let the version serve that did so before; the one that serves now takes its place, so that twice is a way back.

    Raises:
        LabError: no version served before.
        RegistryError: the registry does not do as asked.
    """
    aliases = registry.aliases()
    former, now = aliases.get(PREVIOUS), aliases.get(alias)
    if former is None or former == now:
        raise LabError(
            f"there is nothing to go back to: no version was {alias} before this one",
            hint="lab model list, then lab model promote VERSION",
        )
    return _change(registry, alias, registry.version(former), now, followers, wait_seconds, then=now)


def _change(
    registry: Registry,
    alias: str,
    version: Version,
    former: str | None,
    followers: Followers,
    wait_seconds: float,
    then: str | None = None,
) -> Change:
    before, synced_before = followers.served(), followers.synced()
    registry.set_alias(alias, version.version)
    changed = time.monotonic()
    if then:
        registry.set_alias(PREVIOUS, then)
    seconds: dict[str, float] = {}
    waiting = _Waiting(version.tag(MODEL_SHA256), alias, followers, before, synced_before)
    while True:
        problems, is_hopeless = waiting.look(seconds, lambda: time.monotonic() - changed)
        if not problems or is_hopeless or time.monotonic() - changed > wait_seconds:
            return Change(alias, version.version, former, seconds, problems)
        time.sleep(_LOOK_SECONDS)


@dataclass(frozen=True)
class _Waiting:
    sha256: str
    alias: str
    followers: Followers
    before: Mapping[str, Served]
    synced_before: Synced | None

    def look(self, seconds: dict[str, float], elapsed: Callable[[], float]) -> tuple[dict[str, str], bool]:
        """Note who serves the version by now; return why the others do not, and whether waiting cannot help them."""
        served = self.followers.served()
        problems = {}
        waited_for = False
        for name in self.followers.services:
            now = served.get(name)
            if now and now.model_sha256 == self.sha256:
                seconds.setdefault(name, elapsed())
                continue
            seconds.pop(name, None)
            problems[name] = self._why(name, now)
            waited_for = waited_for or not self._has_refused(name, now)
        if problems and (reason := self._not_synced()):
            problems["model-sync"] = reason
            waited_for = True
        return problems, not waited_for

    def _has_refused(self, name: str, now: Served | None) -> bool:
        return now is not None and name in self.before and now.not_loaded > self.before[name].not_loaded

    def _why(self, name: str, now: Served | None) -> str:
        if now is None:
            return "does not answer"
        if self._has_refused(name, now):
            return f"refused it, and goes on with {now.model_sha256[:12]}; make logs SERVICE={name} says why"
        return f"still serves {now.model_version} ({now.model_sha256[:12]})"

    def _not_synced(self) -> str:
        """Why model-sync has not laid it down; empty where it has."""
        now = self.followers.synced()
        if now is None:
            return "does not answer" if self.followers.model_sync else ""
        earlier = self.synced_before.failures if self.synced_before else {}
        reasons = [reason for reason, count in now.failures.items() if count > earlier.get(reason, 0.0)]
        if not reasons or now.followed.get(self.alias, True):
            return ""
        return f"does not lay it down: {', '.join(sorted(reasons))}; make logs SERVICE=model-sync says more"


def differing(problems: Mapping[str, str]) -> Sequence[str]:
    """A line for each problem."""
    return [f"{name} {problem}" for name, problem in problems.items()]
