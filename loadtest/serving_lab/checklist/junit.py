"""Runs of tests, from the JUnit files that test runners write."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from serving_lab.errors import LabError

Outcome = Literal["passed", "failed", "skipped"]
_SUITES = {"testsuites", "testsuite"}
_HINT = "pytest --junitxml=FILE writes one"


@dataclass(frozen=True)
class Case:
    """One test."""

    name: str
    """`module.Class.test`, with its parameters."""
    outcome: Outcome
    properties: dict[str, str]
    suite: dict[str, str]
    """Properties of the suite it belongs to."""


@dataclass(frozen=True)
class JUnitRun:
    """A run of tests."""

    path: Path
    started: str | None
    """ISO 8601; None where the file does not say when it was."""
    revision: str | None
    """The property `revision` of a suite; None: there is none."""
    cases: tuple[Case, ...]


def read(path: Path) -> JUnitRun:
    """Read a JUnit file.

    Raises:
        LabError: it cannot be read, or is none.
    """
    try:
        # A file of one's own test run; expat itself refuses entities that grow without bounds.
        root = ElementTree.parse(path).getroot()  # noqa: S314
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}", hint=_HINT) from error
    except ElementTree.ParseError as error:
        raise LabError(f"{path} is not XML: {error}", hint=_HINT) from error
    if root.tag not in _SUITES:
        raise LabError(f"{path} is not a JUnit file: its root is <{root.tag}>", hint=_HINT)
    # Node's runner has tests without a suite, and suites within suites.
    suites = [element for element in root.iter() if element.tag in _SUITES]
    properties = [_properties(suite) for suite in suites]
    return JUnitRun(
        path=path,
        started=min(filter(None, (_moment(suite.get("timestamp")) for suite in suites)), default=None),
        revision=next((each["revision"] for each in properties if "revision" in each), None),
        cases=tuple(
            case for suite, of_suite in zip(suites, properties, strict=True) for case in _cases(suite, of_suite)
        ),
    )


def _cases(suite: ElementTree.Element, of_suite: dict[str, str]) -> Iterator[Case]:
    for case in suite.findall("testcase"):
        names = [case.get("classname") or case.get("file"), case.get("name")]
        yield Case(".".join(filter(None, names)), _outcome(case), _properties(case), of_suite)


def _outcome(case: ElementTree.Element) -> Outcome:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "passed" if case.find("skipped") is None else "skipped"


def _properties(element: ElementTree.Element) -> dict[str, str]:
    found = element.findall("properties/property")
    return {each.get("name", ""): each.get("value") or (each.text or "") for each in found}


def _moment(text: str | None) -> str | None:
    """The time with its zone: without one it is meant to be this machine's."""
    try:
        return datetime.fromisoformat(text).astimezone().isoformat() if text else None
    except (ValueError, OverflowError):
        return None
