"""One file for all commands, or a command's own keys beside the description: both say the same."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from serving_lab.api.profile_file import ProfileFile, read_description
from serving_lab.errors import LabError
from serving_lab.text.environment import Environment
from serving_lab.text.settings import SettingError

API = "authorization: {X-Key: '${env:KEY}'}\n"
ENVIRONMENT = {"KEY": "k"}


class Own(msgspec.Struct, forbid_unknown_fields=True):
    """What a command adds."""

    scenarios: list[str] = []


def read(directory: Path, text: str, environment: Mapping[str, str] = ENVIRONMENT) -> ProfileFile:
    path = directory / "profile.yaml"
    path.write_text(text)
    return ProfileFile.read(path, "bench", Own, environment)


def test_a_description_may_hold_what_commands_add(tmp_path: Path) -> None:
    files = read(tmp_path, f"{API}bench: {{scenarios: [a]}}\nparity: {{of: '${{env:OTHERS}}'}}\n")

    assert files.api.content == {"authorization": {"X-Key": "k"}}
    assert files.own.convert(Own).scenarios == ["a"]


def test_a_command_may_add_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, API).own.convert(Own).scenarios == []
    assert read(tmp_path, f"{API}bench:\n").own.convert(Own).scenarios == []


def test_a_file_of_one_command_says_where_the_description_is(tmp_path: Path) -> None:
    (tmp_path / "of").mkdir()
    (tmp_path / "of" / "api.yaml").write_text(f"{API}bench: {{scenarios: [others]}}\n")

    files = read(tmp_path, "api: of/api.yaml\nscenarios: [a]\n")

    assert files.api.content == {"authorization": {"X-Key": "k"}}
    assert files.own.convert(Own).scenarios == ["a"]


def test_the_description_is_found_through_any_file(tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text(API)
    (tmp_path / "bench.yaml").write_text("api: api.yaml\nscenarios: ['${env:OTHERS}']\n")

    both = [read_description(tmp_path / name, ENVIRONMENT) for name in ("api.yaml", "bench.yaml")]

    assert both[0] == both[1]
    assert both[0].authorization == (("X-Key", "k"),)


@pytest.mark.parametrize(
    ("text", "complaint", "hint"),
    [
        ("login: {}", "profile.yaml:1: login: is called sign_in now", "write sign_in: instead of login:"),
        ("profile: a.yaml", "profile.yaml:1: profile: is called api now", "write api: instead of profile:"),
        ("a: 1\nscenarios: []", "profile.yaml:2: scenarios: belongs under bench", "write bench: and below it"),
        ("api: api.yaml\nsign_in: {}", "profile.yaml:2: sign_in: belongs into the description", "move it to the file"),
        ("api: 3", "profile.yaml:1: api: is the path of a file", "relative to this file"),
        ("api: none.yaml", "none.yaml: there is no such file", "relative to this file"),
        ("api: of_bench.yaml", "of_bench.yaml:1: api: is not a key of a description", "profile.yaml refers to"),
        ("api: api.yaml", "api.yaml:1: authorization.X-Key: refers to the unset environment variable 'KEY'", "set KEY"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_write(tmp_path: Path, text: str, complaint: str, hint: str) -> None:
    (tmp_path / "api.yaml").write_text(API)
    (tmp_path / "of_bench.yaml").write_text("api: api.yaml")

    with pytest.raises(LabError) as raised:
        read(tmp_path, text, {})

    assert complaint in str(raised.value)
    assert hint in str(raised.value.hint)


def test_places_in_a_section_begin_with_its_name(tmp_path: Path) -> None:
    files = read(tmp_path, "bench:\n  scenarios: [a]\n  more: 1\n")

    with pytest.raises(LabError, match=r"profile\.yaml:1: bench: unknown key more"):
        files.own.convert(Own)
    assert str(files.own.fault("scenarios[0]", "is wrong")).endswith("profile.yaml:2: bench.scenarios[0]: is wrong")


def test_a_variable_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("of a file\n")
    environment = Environment({"KEY_FILE": str(tmp_path / "key"), "OTHER": "o"})

    assert read(tmp_path, API, environment).api.content == {"authorization": {"X-Key": "of a file"}}
    assert environment.read == {"KEY": "of a file"}
    with pytest.raises(SettingError, match="KEY is set, and KEY_FILE too"):
        read(tmp_path, API, Environment({"KEY": "k", "KEY_FILE": "f"}))
