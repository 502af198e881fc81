"""Where each service answers follows from the catalogue and a few settings."""

from pathlib import Path

import pytest
from serving_lab.errors import LabError
from serving_lab.targets.addresses import addresses
from serving_lab.targets.catalogue import Catalogue

FILE = """\
services:
  - {name: new-api, label: New, about: x, role: candidate, port: 8000, port_setting: NEW_PORT, colour: '#000001',
     image_target: x}
  - {name: old-api, label: Old, about: x, role: baseline, port: 5000, port_setting: OLD_PORT, colour: '#000002',
     image_target: x}
  - {name: third, label: Third, about: x, role: candidate, port: 9000, port_setting: THIRD_PORT, colour: '#000003',
     image_target: x, profile: more}
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    file = tmp_path / "catalogue.yaml"
    file.write_text(FILE)
    return Catalogue.read(file)


def test_on_this_machine_a_service_answers_at_its_port_or_the_one_that_is_set(catalogue: Catalogue) -> None:
    found = addresses(catalogue, {"NEW_PORT": "18000", "OLD_PORT": ""})
    assert list(found.items()) == [("old-api", "http://127.0.0.1:5000"), ("new-api", "http://127.0.0.1:18000")]


def test_among_containers_a_service_answers_at_its_name_and_its_own_port(catalogue: Catalogue) -> None:
    found = addresses(catalogue, {"TARGETS_IN_CONTAINERS": "true", "NEW_PORT": "18000"})
    assert list(found.values()) == ["http://old-api:5000", "http://new-api:8000"]


def test_a_url_that_is_set_goes_first(catalogue: Catalogue) -> None:
    found = addresses(catalogue, {"TARGETS_IN_CONTAINERS": "true", "OLD_API_URL": "https://old.example/api/"})
    assert found["old-api"] == "https://old.example/api"


def test_a_service_with_a_profile_is_there_where_the_profile_is_set(catalogue: Catalogue) -> None:
    assert list(addresses(catalogue, {"COMPOSE_PROFILES": "redis,more"})) == ["old-api", "new-api", "third"]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"OLD_API_URL": "old:5000"}, "OLD_API_URL must be an http or https URL, not 'old:5000'"),
        ({"OLD_PORT": "0"}, "OLD_PORT must be a whole number from 1 to 65535, not '0'"),
        ({"TARGETS_IN_CONTAINERS": "perhaps"}, "TARGETS_IN_CONTAINERS must be true or false, not 'perhaps'"),
    ],
)
def test_what_is_wrong_is_named(catalogue: Catalogue, given: dict[str, str], problem: str) -> None:
    with pytest.raises(LabError) as raised:
        addresses(catalogue, given)
    assert str(raised.value) == problem
