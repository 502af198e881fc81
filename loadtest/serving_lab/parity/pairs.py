"""Which services are compared: by their URLs, or by the names that the catalogue gives to those that run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from serving_lab.errors import LabError
from serving_lab.targets.catalogue import Catalogue


@dataclass(frozen=True)
class Pair:
    """A primary and a candidate, by their URLs."""

    primary: str
    candidate: str
    name: str = "candidate"
    """Of the candidate."""
    intended: tuple[Path, ...] | None = None
    """The files of its intended differences; None: what the profile names."""
    described_by: str | None = None
    """Base URL of the service whose OpenAPI document describes the API; None: the candidate has one, or nobody."""


def of_urls(primary: str | None, candidate: str | None, intended: tuple[Path, ...] | None) -> Pair | None:
    """The pair where only URLs are given; None where the catalogue must be asked.

    Raises:
        LabError: only one URL is given.
    """
    given = [each for each in (primary, candidate) if each is not None]
    if not given or not all(map(_is_url, given)):
        return None
    if primary is None or candidate is None:
        raise LabError("two services are needed to compare", hint="--primary URL --candidate URL")
    return Pair(primary, candidate, intended=intended)


def of_catalogue(
    primary: str | None,
    candidate: str | None,
    intended: tuple[Path, ...] | None,
    catalogue: Catalogue,
    running: Mapping[str, str],
) -> list[Pair]:
    """The pairs of services that run.

    Args:
        primary: A name or a URL; None: the baseline.
        candidate: A name or a URL; None: every service that runs, except the primary.
        intended: The files of intended differences; None: those that the catalogue names for each candidate.
        catalogue: All services.
        running: The base URL of each that runs, by name.

    Raises:
        LabError: a service does not run.
    """
    baseline = catalogue.baseline.name
    primary = primary or baseline
    url = _url(primary, running)
    # Differences are declared against the baseline; a primary that is given by its URL is another instance of it.
    declared = primary == baseline or _is_url(primary)

    # All serve the same API: what one of them says of it holds for those that say nothing.
    documented = [entry.name for entry in catalogue.entries if "documentation" in entry.besides]
    described_by = next((running[name] for name in documented if name in running), None)

    def pair(name: str) -> Pair:
        if _is_url(name):
            return Pair(url, name, intended=intended)
        return Pair(
            primary=url,
            candidate=_url(name, running),
            name=name,
            intended=intended or (catalogue.intended(name) if declared else None),
            described_by=None if name in documented else described_by,
        )

    return [pair(name) for name in ([candidate] if candidate else running) if name != primary]


def _url(given: str, running: Mapping[str, str]) -> str:
    if _is_url(given):
        return given
    if given not in running:
        raise LabError(f"no service {given!r} runs", hint=f"choose from {', '.join(running)}, or give a URL")
    return running[given]


def _is_url(text: str) -> bool:
    return "://" in text
