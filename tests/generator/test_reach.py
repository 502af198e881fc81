"""A target on 127.0.0.1 is not asked from elsewhere: something else may answer there."""

import socket
from dataclasses import dataclass
from pathlib import Path

import pytest
from serving_lab.errors import LabError
from serving_lab.experiment import records, testbed
from serving_lab.experiment.targets import parse
from serving_lab.generator.link import Link


@dataclass(frozen=True)
class Elsewhere:
    """A generator that is reached, and has another 127.0.0.1."""

    name: str = "10.0.0.2:9000"

    def open(self) -> Link:
        ours, theirs = socket.socketpair()
        theirs.close()
        link = Link(self.name, ours, here=False)
        link.shares_loopback = False
        return link


def loaded(url: str) -> testbed.Testbed:
    facts = records.TestbedFacts(mode="elsewhere", generator="elsewhere")
    return testbed.Testbed([parse(f"old={url}")], facts, Path.cwd(), {}, [Elsewhere()])


def test_an_address_that_is_another_place_there_is_refused() -> None:
    with pytest.raises(LabError) as caught, loaded("http://127.0.0.1:5000").fleet():
        pass

    assert str(caught.value) == "old is at http://127.0.0.1:5000, which is another place for 10.0.0.2:9000"
    assert caught.value.hint == "--target NAME=URL with an address that leads there from everywhere"


@pytest.mark.parametrize("host", ["192.0.2.1", "known-there-alone.invalid"])
def test_an_address_that_is_not_of_this_machine_is_taken(host: str) -> None:
    with loaded(f"http://{host}:5000").fleet() as fleet:
        assert [link.name for link in fleet.links] == ["10.0.0.2:9000"]
