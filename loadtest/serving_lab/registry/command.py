"""`lab model`: from what is asked to what is done and shown."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console

from serving_lab.project import Project
from serving_lab.registry import difference, promoting, pushing, tables
from serving_lab.registry.calls import Calls
from serving_lab.registry.listing import Listing
from serving_lab.registry.mlflow import Registry, Version
from serving_lab.registry.promoting import Change, Followers
from serving_lab.registry.settings import RegistrySettings
from serving_lab.stack.environment import Settings
from serving_lab.stack.services import model_sync_service, registry_service, targets
from serving_lab.text import settings


@dataclass(frozen=True)
class Asked:
    """A registry, and those who follow it."""

    registry: Registry
    alias: str
    followers: Followers

    @classmethod
    def of(cls, url: str | None) -> "Asked":
        """The registry of this checkout's lab, or the one at a base URL.

        Raises:
            LabError: this is no checkout, or a setting of it is wrong.
        """
        here = Settings.load(Project.find())
        own = settings.read(here.environment, RegistrySettings)
        calls = Calls(url or registry_service(here).url, own.model_sync_timeout_seconds)
        # Services follow the lab's registry alone, and only where it runs.
        following = url is None and here.with_registry
        followers = Followers(
            {each.name: each.url for each in targets(here)} if following else {},
            model_sync_service(here).url if following else None,
        )
        return cls(Registry(calls, own.model_name), own.model_alias, followers)

    def number(self, said: str) -> str:
        """The number of a version that was asked for by number or by alias.

        Raises:
            RegistryError: the registry does not answer.
        """
        return said if said.isdecimal() else self.registry.aliases().get(said, said)

    def version(self, said: str) -> Version:
        """The version that was asked for.

        Raises:
            RegistryError: there is none.
        """
        return self.registry.version(self.number(said))


def push(asked: Asked, directory: Path, console: Console, *, as_json: bool) -> None:
    """Store a model, and say which version it is.

    Raises:
        LabError: it is refused, or the registry does not take it.
    """
    pushed = pushing.push(asked.registry, directory)
    number = pushed.version.version
    if as_json:
        _write({"version": number, "there_already": pushed.there_already, "same_graph_as": list(pushed.same_graph)})
        return
    if pushed.there_already:
        console.print(f"{directory} is there already: version {number}", soft_wrap=True, markup=False)
        return
    alike = f"; it answers like version {', '.join(pushed.same_graph)}: the same graph" if pushed.same_graph else ""
    console.print(f"{directory} is version {number}{alike}", soft_wrap=True, markup=False)
    console.print(f"Let it serve: lab model promote {number}", markup=False)


def show(asked: Asked, console: Console, *, as_json: bool) -> None:
    """Show all versions, and what each service serves.

    Raises:
        RegistryError: the registry does not answer.
    """
    listing = Listing.read(asked.registry, asked.followers)
    if as_json:
        _write(listing)
        return
    console.print(tables.versions(listing))
    for line in tables.services(listing):
        console.print(line, soft_wrap=True, markup=False)


def promote(asked: Asked, said: str, wait_seconds: float, console: Console, *, as_json: bool) -> bool:
    """Let a version serve; return whether all services do.

    Raises:
        RegistryError: there is no such version, or the registry does not do as asked.
    """
    number = asked.number(said)
    change = promoting.promote(asked.registry, asked.alias, number, asked.followers, wait_seconds)
    return _say(change, console, as_json=as_json)


def rollback(asked: Asked, wait_seconds: float, console: Console, *, as_json: bool) -> bool:
    """Let the version before serve; return whether all services do.

    Raises:
        LabError: there is none, or the registry does not do as asked.
    """
    change = promoting.rollback(asked.registry, asked.alias, asked.followers, wait_seconds)
    return _say(change, console, as_json=as_json)


def diff(asked: Asked, old: str, new: str, console: Console, *, as_json: bool) -> None:
    """Show in what two versions differ.

    Raises:
        LabError: there is no such version, or its files cannot be had.
    """
    versions = asked.version(old), asked.version(new)
    rows = difference.difference(asked.registry, *versions)
    if as_json:
        _write(rows)
        return
    numbers = versions[0].version, versions[1].version
    if not rows:
        console.print(f"Versions {numbers[0]} and {numbers[1]} are the same.")
        return
    console.print(tables.difference(rows, numbers))


def _say(change: Change, console: Console, *, as_json: bool) -> bool:
    if as_json:
        _write(change)
    else:
        for line in tables.change(change):
            console.print(line, soft_wrap=True, markup=False)
    return not change.problems


def _write(value: object | Mapping[str, object] | Sequence[object]) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value)).decode() + "\n")
