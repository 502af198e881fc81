"""The two services that a checklist is about."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack.environment import Settings
from serving_lab.targets.addresses import addresses, place_of
from serving_lab.targets.catalogue import Catalogue
from serving_lab.text import phrases

_PARTS = re.compile(r"[/\\\\.:]")
_HINT = "--baseline old=http://127.0.0.1:5000 --candidate new=http://127.0.0.1:8000"


@dataclass(frozen=True)
class Service:
    """A service, by its name, its address, or both; None: not known."""

    name: str | None
    url: str | None

    def __str__(self) -> str:
        """Return what to call it."""
        return self.name or phrases.address(self.url or "")

    def is_application(self, target: str) -> bool:
        """Whether an inventory of this target, such as `path/flask_api/app.py:app` or a URL, is of this service."""
        if "://" in target:
            return self.url is not None and place_of(target) == place_of(self.url)
        return self.name is not None and self.name in {part.replace("_", "-") for part in _PARTS.split(target)}

    def is_(self, name: str | None, url: str | None = None) -> bool:
        """Whether a result that calls its target so, and reached it there, is about this service."""
        if name is not None and self.name is not None:
            return name == self.name
        return url is not None and self.url is not None and place_of(url) == place_of(self.url)


@dataclass(frozen=True)
class Subject:
    """Who is replaced, and by whom."""

    baseline: Service
    candidate: Service

    def __str__(self) -> str:
        """Return both."""
        return f"{self.candidate} against {self.baseline}"


def here(baseline: str | None, candidate: str | None) -> Subject:
    """The services that options name as NAME, URL or NAME=URL; in a checkout those of its catalogue are the default.

    Raises:
        LabError: one is missing or unknown, or a setting is wrong.
    """
    try:
        project = Project.find()
    except LabError:
        if not baseline or not candidate:
            raise LabError("which services is this checklist about?", hint=_HINT) from None
        return Subject(_parsed(baseline), _parsed(candidate))
    settings = Settings.load(project)
    urls = addresses(settings.catalogue, settings.environment)
    return of_catalogue(baseline, candidate, settings.catalogue, urls)


def of_catalogue(baseline: str | None, candidate: str | None, catalogue: Catalogue, urls: Mapping[str, str]) -> Subject:
    """The services of a catalogue: its baseline and its first candidate, unless options name others.

    Args:
        baseline: As of the option.
        candidate: Likewise.
        catalogue: All services.
        urls: Where those answer that run, by name.

    Raises:
        LabError: no service of the catalogue has that name.
    """

    def chosen(given: str) -> Service:
        found = _parsed(given)
        if found.url is None and found.name not in catalogue.labels:
            raise LabError(f"the catalogue has no service {given!r}", hint=f"choose from {', '.join(catalogue.labels)}")
        return Service(found.name, found.url or urls.get(found.name or ""))

    if candidate is None and not catalogue.candidates:
        raise LabError("the catalogue has no candidate", hint="--candidate NAME=URL")
    return Subject(chosen(baseline or catalogue.baseline.name), chosen(candidate or catalogue.candidates[0].name))


def _parsed(given: str) -> Service:
    name, equals, url = given.partition("=")
    if "://" in name:
        return Service(None, given)
    if equals and "://" not in url:
        raise LabError(f"{given!r} is not NAME, URL or NAME=URL", hint=_HINT)
    return Service(name, url or None)
