"""A store of models: whole versions and aliases, or nothing."""

import os
import shutil
import stat
from pathlib import Path

import pytest
from model_artifact import files
from model_artifact.errors import ArtifactError
from model_artifact.store import Store
from support.artifacts import write_model
from support.damaged_artifacts import DAMAGES


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four models."""
    directory = tmp_path_factory.mktemp("versions")
    return [write_model(directory / str(number), version=f"{number}.0.0", seed=number) for number in range(1, 5)]


def test_a_model_that_is_laid_down_is_found_by_its_alias(store: Store, versions: list[Path]) -> None:
    name = store.lay_down(versions[0])
    store.point("champion", name)

    current = store.current("champion")
    assert current == store.root / "versions" / name
    assert name == files.read(current).digest == files.read(versions[0]).digest
    assert {path.name for path in current.iterdir()} == set(files.SERVICE_FILES)


def test_an_alias_is_moved_and_moved_back(store: Store, versions: list[Path]) -> None:
    names = [store.lay_down(version) for version in versions[:2]]

    seen = []
    for name in (*names, names[0]):
        store.point("champion", name)
        current = store.current("champion")
        assert current is not None
        seen.append(files.read(current).info.version)

    assert seen == ["1.0.0", "2.0.0", "1.0.0"]


def test_other_users_may_read_it(store: Store, versions: list[Path]) -> None:
    name = store.lay_down(versions[0])

    directory = store.root / "versions" / name
    assert stat.S_IMODE(directory.stat().st_mode) == 0o755
    assert all(path.stat().st_mode & stat.S_IROTH for path in directory.iterdir())


def test_a_store_may_be_moved(store: Store, versions: list[Path], tmp_path: Path) -> None:
    """Links are relative: a service sees the volume elsewhere than what writes it."""
    store.point("champion", store.lay_down(versions[0]))
    elsewhere = Store(store.root.rename(tmp_path / "elsewhere"))

    current = elsewhere.current("champion")
    assert current is not None
    assert files.read(current).info.version == "1.0.0"


def test_the_same_model_twice_is_one(store: Store, versions: list[Path]) -> None:
    assert store.lay_down(versions[0]) == store.lay_down(versions[0])
    assert len(list((store.root / "versions").iterdir())) == 1


def test_a_model_that_is_refused_leaves_nothing(store: Store, model: Path) -> None:
    DAMAGES["external_data"].spoil(model)

    with pytest.raises(ArtifactError):
        store.lay_down(model)

    assert not (store.root / "versions").exists()


def test_a_write_that_fails_leaves_nothing(store: Store, versions: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    store.lay_down(versions[0])

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        store.lay_down(versions[1])

    assert len(list((store.root / "versions").iterdir())) == 1


def test_an_alias_of_nothing_is_none(store: Store, versions: list[Path]) -> None:
    assert store.current("champion") is None
    store.point("champion", name := store.lay_down(versions[0]))
    shutil.rmtree(store.root / "versions" / name)

    assert store.current("champion") is None


@pytest.mark.parametrize("alias", ["", "..", "a/b", "versions", ".hidden", "a" * 65])
def test_an_alias_is_a_plain_name(store: Store, versions: list[Path], alias: str) -> None:
    with pytest.raises(ValueError, match="not a name for an alias"):
        store.point(alias, store.lay_down(versions[0]))


@pytest.mark.parametrize("name", ["0" * 64, "../..", "", "/etc"])
def test_an_alias_stands_for_a_model_that_is_there(store: Store, versions: list[Path], name: str) -> None:
    store.lay_down(versions[0])

    with pytest.raises((FileNotFoundError, ValueError)):
        store.point("champion", name)
    assert store.current("champion") is None


def test_a_link_that_leads_out_of_the_store_is_not_followed(store: Store, versions: list[Path]) -> None:
    store.root.mkdir()
    (store.root / "champion").symlink_to(versions[0])

    assert store.current("champion") is None


def test_old_models_are_removed_but_not_those_in_use(store: Store, versions: list[Path]) -> None:
    names = [store.lay_down(version) for version in versions]
    for number, name in enumerate(names):
        os.utime(store.root / "versions" / name, (number, number))
    store.point("champion", names[0])
    (store.root / "versions" / ".unfinished-of-a-process-that-died").mkdir()

    store.prune(keep=1)

    assert {path.name for path in (store.root / "versions").iterdir()} == {names[0], names[3]}
    store.prune(keep=0)
    assert {path.name for path in (store.root / "versions").iterdir()} == {names[0]}
