"""Settings come from .env.example, .env and the shell, in this order; .env is written once and then left alone."""

import shutil
import stat
from pathlib import Path

import pytest
from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack.environment import Settings, ensure_env_file, merged, only_in_shell, read
from serving_lab.stack.secrets import SECRETS
from serving_lab.targets.catalogue import Catalogue
from support.checkout import REPOSITORY

EXAMPLE = """\
# A comment.
SECRET_KEY=
API_USERNAME=lab
API_PASSWORD=
GRAFANA_ADMIN_PASSWORD=
BIND_ADDRESS=127.0.0.1
FLASK_PORT=5000
FASTAPI_PORT=8000
LOCUST_PORT=8089
PROMETHEUS_PORT=9090
GRAFANA_PORT=3000
REDIS_PORT=6379
REGISTRY_PORT=5050
MODEL_SYNC_PORT=9105
GATEWAY_PORT=8080
GATEWAY_METRICS_PORT=8404
GATEWAY_CONTROL_PORT=8405
SECRETS_DIR=.secrets
WORKERS=4
COMPOSE_PROFILES=
LOCUST_WORKERS=0
LOCUST_MASTER_PORT=5557
RATE_LIMIT=
DRAIN_SECONDS=1
GRACEFUL_TIMEOUT_SECONDS=20
"""


GENERATED = [secret.name for secret in SECRETS if secret.random_bytes]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / ".env.example").write_text(EXAMPLE)
    project = Project(tmp_path)
    project.catalogue.parent.mkdir()
    shutil.copy(REPOSITORY / "loadtest" / "catalogue.yaml", project.catalogue)
    return project


def test_a_fresh_env_file_is_the_example_with_the_secrets_filled_in_for_the_owner_alone(project: Project) -> None:
    filled = ensure_env_file(project, {})

    assert filled == GENERATED
    assert stat.S_IMODE(project.env_file.stat().st_mode) == 0o600
    values = read(project.env_file)
    assert len(values["SECRET_KEY"].encode()) >= 32
    assert len({values[name] for name in GENERATED}) == len(GENERATED)
    unchanged = {name: value for name, value in values.items() if name not in GENERATED}
    assert unchanged == {name: value for name, value in read(project.env_example).items() if name not in GENERATED}
    assert project.env_file.read_text().startswith("# A comment.\n")


def test_two_fresh_env_files_have_different_secrets(project: Project) -> None:
    ensure_env_file(project, {})
    first = read(project.env_file)["SECRET_KEY"]
    project.env_file.unlink()
    ensure_env_file(project, {})

    assert read(project.env_file)["SECRET_KEY"] != first


def test_a_complete_env_file_is_not_touched(project: Project) -> None:
    text = "# mine\nSECRET_KEY=k\nAPI_PASSWORD='p'\nexport GRAFANA_ADMIN_PASSWORD=g"
    project.env_file.write_text(text)
    before = project.env_file.stat().st_mtime_ns

    assert ensure_env_file(project, {}) == []
    assert (project.env_file.read_text(), project.env_file.stat().st_mtime_ns) == (text, before)


def test_only_missing_and_empty_secrets_are_added_to_an_existing_env_file(project: Project) -> None:
    project.env_file.write_text("API_PASSWORD=\nFLASK_PORT=1234\nSECRET_KEY=mine # as it was")

    assert ensure_env_file(project, {}) == ["API_PASSWORD", "GRAFANA_ADMIN_PASSWORD"]
    lines = project.env_file.read_text().splitlines()
    assert lines[1:3] == ["FLASK_PORT=1234", "SECRET_KEY=mine # as it was"]
    assert lines[0].startswith("API_PASSWORD=")
    assert lines[0] != "API_PASSWORD="
    assert lines[3].startswith("GRAFANA_ADMIN_PASSWORD=")
    assert len(lines) == 4


def test_a_secret_given_by_the_shell_is_not_written_down(project: Project) -> None:
    ensure_env_file(project, {"SECRET_KEY": "from the shell"})

    assert read(project.env_file)["SECRET_KEY"] == ""


def test_an_env_file_that_cannot_be_written_is_named(project: Project) -> None:
    project.env_file.symlink_to(project.root / "nowhere" / ".env")

    with pytest.raises(LabError, match=r"\.env cannot be written: No such file or directory"):
        ensure_env_file(project, {})
    assert not (project.root / "nowhere").exists()


def test_what_only_the_shell_sets_is_known_by_name(project: Project) -> None:
    project.env_file.write_text("WORKERS=2\nRATE_LIMIT=\n")
    shell = {"WORKERS": "2", "RATE_LIMIT": "9", "LOCUST_PORT": "8089", "COMPOSE_PROFILES": "", "LITESTAR_PORT": "8001"}

    assert only_in_shell(project, shell, ["LITESTAR_PORT"]) == ["RATE_LIMIT", "LITESTAR_PORT"]


def test_the_shell_wins_over_the_env_file_and_that_over_the_example(project: Project) -> None:
    project.env_file.write_text("FLASK_PORT=1111\nFASTAPI_PORT=2222\n")

    values = merged(project, {"FLASK_PORT": "3333", "UNRELATED": "x"})

    assert (values["FLASK_PORT"], values["FASTAPI_PORT"], values["LOCUST_PORT"]) == ("3333", "2222", "8089")
    assert "UNRELATED" not in values


def test_a_port_of_the_catalogue_needs_no_line_in_a_file(project: Project) -> None:
    project.catalogue.write_text(project.catalogue.read_text().replace("FASTAPI_PORT", "OTHER_PORT"))

    assert Settings.load(project, {}).ports["fastapi-api"] == 8000
    moved = Settings.load(project, {"OTHER_PORT": "8001"})
    assert moved.ports["fastapi-api"] == 8001
    assert moved.public["OTHER_PORT"] == "8001"


def test_a_service_with_a_profile_runs_where_it_is_set(project: Project) -> None:
    assert [entry.name for entry in Settings.load(project, {}).running.entries] == ["flask-api", "fastapi-api"]
    with_it = Settings.load(project, {"COMPOSE_PROFILES": "redis,litestar"})
    assert [entry.name for entry in with_it.running.entries] == ["flask-api", "fastapi-api", "litestar-api"]
    assert with_it.with_redis
    assert not with_it.with_registry
    assert Settings.load(project, {"COMPOSE_PROFILES": "registry"}).with_registry


def test_a_profile_that_no_service_has_is_named(project: Project) -> None:
    with pytest.raises(LabError, match="COMPOSE_PROFILES has 'redi', which no service has") as error:
        Settings.load(project, {"COMPOSE_PROFILES": "redi"})
    profiles = {entry.profile for entry in Catalogue.read(project.catalogue).entries if entry.profile}
    assert error.value.hint == f"choose from {', '.join(sorted({*profiles, 'redis', 'registry'}))}"


def test_a_service_of_the_catalogue_has_not_the_name_of_one_of_the_labs(project: Project) -> None:
    project.catalogue.write_text(project.catalogue.read_text().replace("name: fastapi-api", "name: locust"))

    with pytest.raises(LabError, match=r"catalogue.yaml: a service of the lab is called 'locust'"):
        Settings.load(project, {})


def test_an_empty_value_means_the_default(project: Project) -> None:
    project.env_file.write_text("FLASK_PORT=\nRATE_LIMIT=\n")

    values = merged(project, {"FLASK_PORT": ""})

    assert values["FLASK_PORT"] == "5000"
    assert "RATE_LIMIT" not in values


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("FLASK_PORT=http", "FLASK_PORT must be a whole number from 1 to 65535, not 'http'"),
        ("GRAFANA_PORT=65536", "GRAFANA_PORT must be a whole number from 1 to 65535, not '65536'"),
        ("LOCUST_PORT=-1", "LOCUST_PORT must be a whole number from 1 to 65535, not '-1'"),
        ("LOCUST_WORKERS=-1", "LOCUST_WORKERS must be a whole number from 0 to 64, not '-1'"),
        ("LOCUST_MASTER_PORT=x", "LOCUST_MASTER_PORT must be a whole number from 1 to 65535, not 'x'"),
        ("WORKERS=0", "WORKERS must be a whole number from 1 to 256, not '0'"),
        ("DRAIN_SECONDS=soon", "DRAIN_SECONDS must be a number from 0 to 3600, not 'soon'"),
        ("GRACEFUL_TIMEOUT_SECONDS=nan", "GRACEFUL_TIMEOUT_SECONDS must be a number from 0 to 3600, not 'nan'"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_has_to_be(project: Project, line: str, complaint: str) -> None:
    project.env_file.write_text(line)

    with pytest.raises(LabError) as error:
        Settings.load(project, {})
    assert str(error.value) == complaint


@pytest.mark.parametrize("content", [b"FLASK_PORT=5000\nthis is not a setting\n", b"FLASK_PORT=5000\n'open\n"])
def test_a_line_that_is_no_setting_is_named_with_its_number(project: Project, content: bytes) -> None:
    project.env_file.write_bytes(content)

    with pytest.raises(LabError, match=r"\.env, line 2: this is not a setting"):
        Settings.load(project, {})


def test_a_file_that_is_no_text_is_named(project: Project) -> None:
    project.env_file.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(LabError, match=r"\.env cannot be read: 'utf-8' codec"):
        Settings.load(project, {})


@pytest.mark.parametrize(
    ("bound", "probed"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]")],  # noqa: S104
)
def test_a_stack_bound_everywhere_is_reached_at_the_loopback_address(project: Project, bound: str, probed: str) -> None:
    settings = Settings.load(project, {"BIND_ADDRESS": bound})

    assert settings.probe_address == probed
