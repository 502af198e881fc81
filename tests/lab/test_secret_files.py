"""Secrets from files, and as files: who may read them, when they change, what is said of one that cannot be had."""

import os
import stat
from pathlib import Path

import pytest
from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack import secrets
from serving_lab.stack.environment import Settings, ensure_env_file, merged, read
from serving_lab.stack.secrets import SECRETS
from support.checkout import REPOSITORY

NAMES = [secret.name for secret in SECRETS]
REQUIRED = [secret.name for secret in SECRETS if secret.random_bytes]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.catalogue.parent.mkdir()
    for path in (project.env_example, project.catalogue):
        path.write_text((REPOSITORY / path.relative_to(tmp_path)).read_text())
    return project


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "handed out"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("where", ["shell", ".env"])
def test_a_secret_may_stand_in_a_file(project: Project, name: str, where: str) -> None:
    (project.root / "file").write_text("of a file\n")
    setting = {f"{name}_FILE": "file"}
    if where == ".env":
        project.env_file.write_text("".join(f"{key}={value}\n" for key, value in setting.items()))

    values = merged(project, setting if where == "shell" else {})

    assert values[name] == "of a file"
    assert f"{name}_FILE" not in values, "it names a path that means nothing to a program elsewhere"


@pytest.mark.parametrize("name", REQUIRED)
def test_a_secret_whose_file_is_named_is_not_generated(project: Project, name: str) -> None:
    (project.root / "file").write_text("of a file")

    filled = ensure_env_file(project, {f"{name}_FILE": "file"})

    assert filled == [each for each in REQUIRED if each != name]
    assert read(project.env_file)[name] == ""


def test_a_secret_is_set_once(project: Project) -> None:
    project.env_file.write_text("API_PASSWORD=s3cr3t\nAPI_PASSWORD_FILE=file\n")

    with pytest.raises(LabError, match=r"^API_PASSWORD is set, and API_PASSWORD_FILE too$") as refused:
        Settings.load(project, {})
    assert refused.value.hint is not None
    assert "s3cr3t" not in refused.value.hint


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("no where", "names no where, which cannot be read: No such file or directory"),
        ("folder", "names folder, which cannot be read: Is a directory"),
        ("latin", "names latin, which is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(project: Project, name: str, path: str, why: str) -> None:
    (project.root / "folder").mkdir()
    (project.root / "latin").write_bytes(b"\xff" * 40)

    with pytest.raises(LabError) as refused:
        Settings.load(project, {f"{name}_FILE": path})
    assert str(refused.value) == f"{name}_FILE {why}"


def test_an_empty_file_is_refused_where_there_must_be_a_secret(project: Project) -> None:
    (project.root / "empty").write_text("\n")

    with pytest.raises(LabError, match=r"^SECRET_KEY_FILE names empty, which is empty$"):
        merged(project, {"SECRET_KEY_FILE": "empty"})
    assert "SECRET_KEY_PREVIOUS" not in merged(project, {"SECRET_KEY_PREVIOUS_FILE": "empty"})


def test_a_line_that_makes_no_sense_is_not_shown(project: Project) -> None:
    project.env_file.write_text("FLASK_PORT=5000\nAPI_PASSWORD s3cr3t\n")

    with pytest.raises(LabError, match=r"\.env, line 2: this is not a setting$") as refused:
        Settings.load(project, {})
    assert "s3cr3t" not in f"{refused.value} {refused.value.hint}"


def test_what_programs_see_holds_no_secret(project: Project) -> None:
    settings = Settings.load(project, {name: f"s3cr3t {name}" for name in NAMES})

    assert "s3cr3t" not in repr(settings.public)
    assert settings.public["FLASK_PORT"] == "5000"


def test_each_secret_is_a_file_in_a_directory_for_the_owner_alone(directory: Path) -> None:
    secrets.hand_out({"SECRET_KEY": "k\n=$x 'ü"}, directory)

    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == dict.fromkeys(NAMES, 0o444)
    contents = {path.name: path.read_bytes() for path in directory.iterdir()}
    assert contents == dict.fromkeys(NAMES, b"") | {"SECRET_KEY": "k\n=$x 'ü".encode()}


def test_only_who_reads_a_changed_secret_is_outdated(directory: Path) -> None:
    values = dict.fromkeys(NAMES, "before")
    secrets.hand_out(values, directory)
    for path in directory.iterdir():
        os.utime(path, (1000, 1000))

    secrets.hand_out(values, directory)
    assert not [name for name in ("flask-api", "locust", "grafana") if secrets.outdated(name, 1000, directory)]

    secrets.hand_out(values | {"SECRET_KEY": "after"}, directory)
    outdated = {name: secrets.outdated(name, 1000, directory) for name in ("flask-api", "fastapi-api", "locust")}
    assert outdated == {"flask-api": True, "fastapi-api": True, "locust": False}


def test_a_directory_that_others_may_enter_is_refused(directory: Path) -> None:
    directory.mkdir(mode=0o755)

    with pytest.raises(LabError, match=r"^other users can enter .*handed out, where secrets are kept$") as refused:
        secrets.hand_out({"SECRET_KEY": "k"}, directory)
    assert refused.value.hint == f"chmod 700 {directory}"
    assert list(directory.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_named(directory: Path) -> None:
    directory.write_text("a file")

    with pytest.raises(LabError, match=r"handed out, where secrets are kept, cannot be used: "):
        secrets.hand_out({}, directory)


def test_a_run_of_its_own_has_files_of_its_own(directory: Path) -> None:
    secrets.hand_out({"API_PASSWORD": "of the stack"}, directory)

    with secrets.handed_out_once({"API_PASSWORD": "of the run"}, directory) as own:
        assert (own / "API_PASSWORD").read_text() == "of the run"
        assert (directory / "API_PASSWORD").read_text() == "of the stack"

    assert not own.exists()


def test_what_was_handed_out_is_removed_and_nothing_else(directory: Path) -> None:
    secrets.hand_out({}, directory)
    (directory / "mine").touch()

    secrets.remove(directory)
    assert [path.name for path in directory.iterdir()] == ["mine"]

    (directory / "mine").unlink()
    secrets.remove(directory)
    assert not directory.exists()
