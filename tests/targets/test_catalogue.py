"""The catalogue names each service under test once; what is wrong with it is said with file, line and place."""

from pathlib import Path

import pytest
from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.targets.catalogue import Catalogue

ENTRY = (
    "{{name: {0}, label: {0}, about: x, role: {1}, port: {2}, port_setting: {3}_PORT, colour: '#00000{2}', "
    "image_target: x}}"
)
GOOD = (ENTRY.format("a", "candidate", 1, "A"), ENTRY.format("b", "baseline", 2, "B"))


def catalogue(directory: Path, *entries: str) -> Catalogue:
    file = directory / "catalogue.yaml"
    file.write_text("services:\n" + "".join(f"  - {entry}\n" for entry in entries))
    return Catalogue.read(file)


def test_the_baseline_comes_first(tmp_path: Path) -> None:
    read = catalogue(tmp_path, *GOOD)
    assert read.baseline.name == "b"
    assert [entry.name for entry in read.candidates] == ["a"]


def test_a_service_with_a_profile_runs_only_with_it(tmp_path: Path) -> None:
    read = catalogue(tmp_path, *GOOD, ENTRY.format("c", "candidate", 3, "C").replace("}", ", profile: extra}"))
    assert [entry.name for entry in read.running({"COMPOSE_PROFILES": "redis"}).entries] == ["b", "a"]
    assert [entry.name for entry in read.running({"COMPOSE_PROFILES": "redis,extra"}).entries] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ((GOOD[0],), "catalogue.yaml:1: services: one of them is the baseline, not 0"),
        ((*GOOD, GOOD[1]), "services[2].name: another service has 'b' already"),
        ((*GOOD, ENTRY.format("c", "candidate", 2, "C")), "services[2].port: another service has 2 already"),
        ((*GOOD, ENTRY.format("C_C", "candidate", 3, "C")), "services[2].name: 'C_C' is not valid"),
        ((GOOD[0], GOOD[1].replace("}", ", profile: x}")), "services[1].profile: the baseline always runs"),
        ((GOOD[0], GOOD[1].replace("}", ", speed: x}")), "services[1]: unknown key speed"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, entries: tuple[str, ...], problem: str) -> None:
    with pytest.raises(LabError) as raised:
        catalogue(tmp_path, *entries)
    assert problem in str(raised.value)
    assert raised.value.hint


def test_our_own_catalogue_is_right() -> None:
    assert Catalogue.read(Project.find().catalogue).baseline.role == "baseline"
