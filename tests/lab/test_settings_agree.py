"""One list of settings: .env.example, the services, the load, compose.yaml and the lab know the same ones."""

import re
from pathlib import PurePath

import msgspec
import pytest
import yaml
from serving_core.runtime.settings import SECRETS as SECRETS_OF_SERVICES
from serving_core.runtime.settings import Settings as ServiceSettings
from serving_lab.load.settings import LoadSettings
from serving_lab.load.shape_settings import ShapeSettings
from serving_lab.project import Project
from serving_lab.registry.settings import RegistrySettings, SyncSettings
from serving_lab.stack.environment import OWN_PORTS, Settings, read
from serving_lab.stack.headless import LocustRun
from serving_lab.stack.secrets import SECRETS
from serving_lab.text import settings
from support.checkout import REPOSITORY
from support.services import CATALOGUE

PROJECT = Project(REPOSITORY)
EXAMPLE = read(PROJECT.env_example)
COMPOSE = PROJECT.compose_file.read_text()

# Where a service listens and what it reads and writes is the stack's business, not a person's.
OF_THE_STACK = {"HOST", "PORT", "MODEL_DIR", "MODEL_UPDATES_DIR", "RUN_DIR"}
SERVICE_FIELDS = [field for field in msgspec.structs.fields(ServiceSettings) if field.encode_name not in OF_THE_STACK]
SERVICE_SETTINGS = {field.encode_name for field in SERVICE_FIELDS}
WITH_DEFAULT = [field for field in SERVICE_FIELDS if field.default is not msgspec.NODEFAULT]
SECRET_NAMES = {secret.name for secret in SECRETS}
# Where the lab is not like real operation: it signs in very often, from one address, and shows what it has.
OF_THE_LAB = {"LOGIN_RATE_LIMIT", "DOCUMENTATION"}
# compose.yaml asks for these too: who built, the system's certificate authorities, and where `lab up` has written.
OF_THE_SHELL = {"REVISION", "SSL_CERT_FILE", "CONFIG_DIR"}


def test_every_setting_of_the_services_is_documented() -> None:
    assert set(EXAMPLE) >= SERVICE_SETTINGS


def test_the_lab_and_the_services_take_the_same_for_secrets() -> None:
    of_services = {secret.name for secret in SECRETS if secret.of_targets}

    assert of_services == set(SECRETS_OF_SERVICES)


@pytest.mark.parametrize("field", WITH_DEFAULT, ids=lambda field: field.encode_name)
def test_a_documented_default_is_the_services_default(field: msgspec.structs.FieldInfo) -> None:
    documented = ServiceSettings.from_environment(filled_from_example(), default_port=1)

    assert (getattr(documented, field.name) == field.default) is (field.encode_name not in OF_THE_LAB)


def test_compose_hands_each_setting_of_the_services_to_every_one_of_them() -> None:
    services = yaml.safe_load(COMPOSE)["services"]
    of_files = {f"{name}_FILE": f"/run/secrets/{name}" for name in SECRET_NAMES & SERVICE_SETTINGS}
    everything = dict.fromkeys(SERVICE_SETTINGS - SECRET_NAMES) | of_files
    everything["TRUSTED_PROXIES"] = "gateway,tap,${TRUSTED_PROXIES:-}"  # the lab's own, and those of .env

    # Only `lab up` knows whether a registry runs.
    everything |= dict.fromkeys(("MODEL_UPDATES_DIR", "MODEL_ALIAS"))

    for entry in CATALOGUE.entries:
        assert services[entry.name]["environment"] == everything, "a value belongs in .env.example"


def test_compose_hands_each_secret_to_those_who_read_it_and_to_nobody_else() -> None:
    compose = yaml.safe_load(COMPOSE)

    handed = {name: set(service.get("secrets", ())) for name, service in compose["services"].items()}
    assert handed == {name: {each.name for each in SECRETS if each.is_read_by(name)} for name in handed}
    assert not [
        name for name in SECRET_NAMES if re.search(rf"^\s+{name}:(?! {{ file:)|\$\{{{name}\W", COMPOSE, re.MULTILINE)
    ]
    files = {name: PurePath(secret["file"]).name for name, secret in compose["secrets"].items() if name != "ca"}
    assert files == {name: name for name in SECRET_NAMES}


def test_compose_asks_for_no_undocumented_setting() -> None:
    asked = set(re.findall(r"\$\{(\w+)", COMPOSE))

    of_the_catalogue = {entry.port_setting for entry in CATALOGUE.entries}
    assert asked - OF_THE_SHELL - of_the_catalogue <= set(EXAMPLE)


def test_the_documented_ports_are_the_ones_the_containers_publish() -> None:
    published = dict(re.findall(r"BIND_ADDRESS[^}]*\}:\$\{(\w+)(?::-\d+)?\}:(\d+)", COMPOSE))
    documented = {name: EXAMPLE[name] for name in published if name in EXAMPLE}

    assert documented.items() <= published.items()
    for_this_machine = {"REDIS_PORT", "REGISTRY_PORT", "MODEL_SYNC_PORT"}
    assert set(OWN_PORTS.values()) - for_this_machine <= set(documented)


def test_ports_that_only_this_machine_may_reach_are_the_documented_ones() -> None:
    published = dict(re.findall(r'"127\.0\.0\.1:\$\{(\w+):-\d+\}:(\d+)"', COMPOSE))

    assert published == {name: EXAMPLE[name] for name in ("GATEWAY_CONTROL_PORT", "REGISTRY_PORT", "MODEL_SYNC_PORT")}


def test_a_documented_default_of_the_registry_is_its_clients_default() -> None:
    own = RegistrySettings()
    sync = SyncSettings(registry_url="http://x", model_updates_dir="x")

    assert settings.read(EXAMPLE, RegistrySettings) == own
    assert settings.read({**EXAMPLE, "REGISTRY_URL": "http://x", "MODEL_UPDATES_DIR": "x"}, SyncSettings) == sync


def test_a_documented_default_of_the_load_is_its_own_default() -> None:
    access = {name: filled_from_example()[name] for name in ("API_USERNAME", "API_PASSWORD")}

    assert LoadSettings.from_environment(filled_from_example()) == LoadSettings.from_environment(access)
    assert ShapeSettings.from_environment(EXAMPLE) == ShapeSettings()


def test_the_documented_load_can_be_run() -> None:
    load = LocustRun.from_settings(EXAMPLE, users=None, spawn_rate=None, duration=None)

    assert (load.users, load.spawn_rate, load.duration) == (20, 5, "1m")


def test_the_lab_reads_the_example_as_it_is() -> None:
    assert Settings.load(PROJECT, {}).stop_seconds > 0


@pytest.mark.parametrize("name", EXAMPLE)
def test_every_documented_setting_is_used(name: str) -> None:
    lab = "\n".join(path.read_text() for path in (REPOSITORY / "loadtest" / "serving_lab").rglob("*.py"))
    used_by_compose = re.search(rf"^\s+{name}:|\$\{{{name}\W", COMPOSE, re.MULTILINE)

    in_a_struct = re.search(rf"^    {name.lower()}: ", lab, re.MULTILINE)

    assert name in SERVICE_SETTINGS or used_by_compose or in_a_struct or f'"{name}"' in lab


@pytest.mark.parametrize("name", EXAMPLE)
def test_every_setting_is_explained_on_the_line_above_it(name: str) -> None:
    lines = PROJECT.env_example.read_text().splitlines()
    above = lines[next(number for number, line in enumerate(lines) if line.startswith(f"{name}=")) - 1]

    assert re.fullmatch(r"# \S.{10,}\.", above)
    assert not above.startswith("# ---")


def filled_from_example() -> dict[str, str]:
    """Return the example's settings with something in place of the secrets it leaves empty."""
    return EXAMPLE | {secret.name: "x" * 32 for secret in SECRETS if secret.random_bytes}
