"""Programs on the host follow from the catalogue, and from compose.yaml where they are the same as in containers."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from rich.console import Console
from serving_lab.project import Project
from serving_lab.stack import guide
from serving_lab.stack.base import Mode
from serving_lab.stack.environment import Settings
from serving_lab.stack.programs import Tools, programs_for, shared_environment
from serving_lab.stack.services import services
from serving_lab.targets.addresses import addresses
from serving_lab.targets.catalogue import Catalogue
from support.checkout import REPOSITORY, odd_ports
from support.services import CATALOGUE

PROJECT = Project(REPOSITORY)
COMPOSE = yaml.safe_load(PROJECT.compose_file.read_text())["services"]
RUN_DIR = Path("/run/of/tests")
EVERYTHING = Tools(
    Path("/sbin/haproxy"), Path("/bin/prometheus"), ("/bin/grafana", "server"), Path("/bin/redis-server"), {}
)
PROFILES = {entry.profile for entry in CATALOGUE.entries if entry.profile} | {"redis", "registry"}


@pytest.fixture
def settings() -> Settings:
    return Settings.load(PROJECT, odd_ports() | {"COMPOSE_PROFILES": ",".join(PROFILES)})


def commands(settings: Settings, tools: Tools = EVERYTHING) -> dict[str, tuple[str, ...]]:
    return {program.name: program.command for program in programs_for(PROJECT, settings, tools, RUN_DIR)}


def test_each_service_that_runs_is_a_program_of_its_name_on_its_port(settings: Settings) -> None:
    programs = {program.name: program for program in programs_for(PROJECT, settings, EVERYTHING, RUN_DIR)}

    assert list(programs) == [
        "redis",
        "registry",
        "model-sync",
        *(entry.name for entry in CATALOGUE.entries),
        "gateway",
        "locust",
        "prometheus",
        "grafana",
    ]
    for entry in CATALOGUE.entries:
        assert Path(programs[entry.name].command[0]).name == entry.name
        assert programs[entry.name].environment["PORT"] == settings.environment[entry.port_setting]


def test_a_service_whose_profile_is_not_set_is_not_started() -> None:
    without = Settings.load(PROJECT, {})

    assert {entry.name for entry in CATALOGUE.entries if entry.profile}.isdisjoint(commands(without))
    assert "redis" not in commands(without)


def test_redis_and_prometheus_run_with_the_bounds_that_compose_gives_them(settings: Settings) -> None:
    run = commands(settings)

    assert list(run["redis"][1 : 1 + len(COMPOSE["redis"]["command"])]) == COMPOSE["redis"]["command"]
    retention = [option for option in COMPOSE["prometheus"]["command"] if "retention" in option]
    assert retention
    assert set(retention) <= set(run["prometheus"])


def test_without_haproxy_the_lab_does_without_its_gateway_and_says_how_to_have_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)

    tools = Tools.find()

    assert tools.missing["gateway"].startswith("no haproxy on the PATH: install it (apt-get install haproxy")
    assert "gateway" not in commands(settings, tools)


def test_grafana_is_set_up_as_compose_sets_it_up(settings: Settings) -> None:
    environment = shared_environment(PROJECT, settings, RUN_DIR)
    in_containers = {name: value for name, value in COMPOSE["grafana"]["environment"].items() if name.startswith("GF_")}
    # What names a place in a container is another one here.
    elsewhere = {name for name, value in in_containers.items() if "/" in value}

    assert set(in_containers) <= set(environment)
    assert {name for name, value in in_containers.items() if environment[name] != value} == elsewhere


def test_programs_are_told_where_each_service_answers(settings: Settings) -> None:
    environment = shared_environment(PROJECT, settings, RUN_DIR)

    assert addresses(CATALOGUE, environment) == {
        entry.name: f"http://127.0.0.1:{settings.ports[entry.name]}" for entry in CATALOGUE.entries
    }


def test_the_guide_lists_every_service_with_what_is_said_of_it(settings: Settings) -> None:
    console = Console(width=200, record=True)
    console.print(guide.welcome(Mode.CONTAINERS, settings, services(settings)))
    shown = console.export_text()

    for entry in CATALOGUE.entries:
        url = f"http://127.0.0.1:{settings.ports[entry.name]}"
        documented = f"; try every call at {url}/docs" if "documentation" in entry.besides else ""
        assert any(
            line.split() == f"{entry.name} {url} {entry.about}{documented}".split() for line in shown.splitlines()
        )
    assert f"curl http://127.0.0.1:{settings.ports[CATALOGUE.baseline.name]}/login" in shown


def test_the_guide_names_what_only_this_shell_sets() -> None:
    def shown(environment: dict[str, str]) -> str:
        console = Console(width=300, record=True)
        settings = Settings.load(PROJECT, environment)
        console.print(guide.welcome(Mode.CONTAINERS, settings, services(settings)))
        return console.export_text()

    assert "Only this shell sets LOCUST_PORT, COMPOSE_PROFILES. Other commands need the same: write it into .env." in (
        shown({"COMPOSE_PROFILES": "redis", "LOCUST_PORT": "8999", "HOME": "/root"})
    )
    assert "Only this shell" not in shown({"HOME": "/root"})


def test_the_guide_can_do_with_the_baseline_alone(settings: Settings) -> None:
    alone = replace(settings, catalogue=Catalogue(CATALOGUE.path, CATALOGUE.entries[:1]), with_redis=False)
    console = Console(width=200, record=True)
    console.print(guide.welcome(Mode.NATIVE, alone, services(alone)))

    assert console.export_text().count(f":{settings.ports[CATALOGUE.baseline.name]}/") == 2


def test_the_registry_runs_with_the_options_that_compose_gives_it_where_only_this_machine_reaches_it(
    settings: Settings,
) -> None:
    programs = {program.name: program for program in programs_for(PROJECT, settings, EVERYTHING, RUN_DIR)}
    registry = programs["registry"]
    # What names a place in a container is another one here.
    elsewhere = ("--backend-store-uri", "--artifacts-destination", "--host", "--port")
    same = [option for option in COMPOSE["registry"]["command"] if not option.startswith(elsewhere)]

    assert len(same) > 2
    assert set(same) <= set(registry.command)
    assert {"--host=127.0.0.1", f"--port={settings.ports['registry']}"} <= set(registry.command)
    assert registry.environment == COMPOSE["registry"]["environment"]


def test_services_take_their_model_from_the_registry_only_where_it_runs(settings: Settings) -> None:
    without = shared_environment(PROJECT, Settings.load(PROJECT, {}), RUN_DIR)

    assert shared_environment(PROJECT, settings, RUN_DIR)["MODEL_UPDATES_DIR"] == str(PROJECT.models_dir)
    assert without["MODEL_UPDATES_DIR"] == ""
    assert not {"registry", "model-sync"} & set(commands(Settings.load(PROJECT, {})))
