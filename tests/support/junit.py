"""What a JUnit file of this suite says besides: the commit, whether CI ran it, and the tier of each test (tiers.py).

`lab checklist` takes such a file as evidence.
"""

import os

import pytest
from _pytest.junitxml import xml_key  # pytest has no public way to add a property from a hook
from serving_lab.results.checkout import Checkout

from support.checkout import REPOSITORY


def pytest_sessionstart(session: pytest.Session) -> None:
    """Add the properties of the run, where a JUnit file is written."""
    xml = session.config.stash.get(xml_key, None)
    if xml is None:
        return
    if revision := Checkout.at(REPOSITORY).revision:
        xml.add_global_property("revision", revision)
    xml.add_global_property("ci", "true" if os.environ.get("CI") == "true" else "false")
