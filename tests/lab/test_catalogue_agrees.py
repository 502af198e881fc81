"""What the catalogue says of a service is what compose.yaml, services/Dockerfile, .env.example and its package say."""

import re
import tomllib

import pytest
import yaml
from serving_lab.project import Project
from serving_lab.stack.environment import read
from serving_lab.targets.catalogue import Entry
from support.checkout import REPOSITORY
from support.services import CATALOGUE

PROJECT = Project(REPOSITORY)
COMPOSE = yaml.safe_load(PROJECT.compose_file.read_text())["services"]
DOCKERFILE = (REPOSITORY / "services" / "Dockerfile").read_text()
STAGES = dict(re.findall(r"^FROM runtime AS (\S+)\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL))
PROJECTS = [tomllib.loads(path.read_text())["project"] for path in sorted(REPOSITORY.glob("services/*/pyproject.toml"))]

of_each = pytest.mark.parametrize("entry", CATALOGUE.entries, ids=lambda entry: entry.name)


def test_the_services_that_compose_builds_are_those_of_the_catalogue() -> None:
    built = {name for name, it in COMPOSE.items() if it.get("build", {}).get("dockerfile") == "services/Dockerfile"}

    assert built == {entry.name for entry in CATALOGUE.entries}
    assert set(STAGES) == {entry.image_target for entry in CATALOGUE.entries}


@of_each
def test_compose_starts_it_from_its_image_on_its_port_with_its_profile(entry: Entry) -> None:
    service = COMPOSE[entry.name]

    assert service["image"] == f"serving-lab/{entry.name}"
    assert service["build"]["target"] == entry.image_target
    assert service.get("profiles", []) == ([entry.profile] if entry.profile else [])
    [published] = service["ports"]
    documented = entry.port_setting in read(PROJECT.env_example)
    setting = entry.port_setting if documented else f"{entry.port_setting}:-{entry.port}"
    assert published.endswith(f":${{{setting}}}:{entry.port}")


@of_each
def test_its_image_listens_on_its_port_and_starts_its_program(entry: Entry) -> None:
    lines = STAGES[entry.image_target].splitlines()

    assert f"ENV PORT={entry.port}" in lines
    assert f"EXPOSE {entry.port}" in lines
    assert f'ENTRYPOINT ["{entry.name}"]' in lines


@of_each
def test_its_port_is_documented_with_the_same_default_or_not_at_all(entry: Entry) -> None:
    assert read(PROJECT.env_example).get(entry.port_setting) in {None, str(entry.port)}


@of_each
def test_a_package_of_its_name_has_a_program_of_its_name(entry: Entry) -> None:
    [package] = [each for each in PROJECTS if each["name"] == entry.name]

    assert entry.name in package["scripts"]


@of_each
def test_the_files_it_names_are_there(entry: Entry) -> None:
    folder = PROJECT.catalogue.parent
    assert entry.code is not None

    assert all((folder / each).is_dir() for each in entry.code.folders)
    assert all((folder / each).is_file() for each in entry.intended)


def test_the_load_waits_for_services_that_always_run() -> None:
    always = {entry.name for entry in CATALOGUE.entries if entry.profile is None}

    assert set(COMPOSE["locust"]["depends_on"]) == always
