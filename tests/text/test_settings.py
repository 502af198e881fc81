"""Settings are read into structs; the first one that is wrong is told by name, with what it must be."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta
from serving_lab.text.settings import Port, Secret, SettingError, Text, Url, read, read_one


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Form(msgspec.Struct, frozen=True, kw_only=True, rename="upper"):
    name: Text
    port: Port = 80
    share: Annotated[float, Meta(ge=0, le=1)] = 0.5
    count: Annotated[int, Meta(ge=1)] = 1
    rate: Annotated[float, Meta(gt=0, le=9)] = 1.0
    colour: Colour = Colour.RED
    quick: bool = False
    url: Url = "http://localhost"
    password: Secret = ""

    def __post_init__(self) -> None:
        if self.name == "nobody":
            raise ValueError("NAME must be somebody's")


def test_settings_are_read_by_name_in_capitals() -> None:
    given = {"NAME": "a", "PORT": "8000", "SHARE": "1", "COLOUR": "blue", "QUICK": "true", "URL": "https://host:1/api/"}
    assert read(given, Form) == Form(
        name="a", port=8000, share=1.0, colour=Colour.BLUE, quick=True, url="https://host:1/api"
    )


def test_an_empty_value_counts_as_not_set() -> None:
    assert read({"NAME": "a", "PORT": "", "PASSWORD": "", "PASSWORD_FILE": ""}, Form) == Form(name="a")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"NAME": ""}, "NAME is not set"),
        ({"PORT": "0"}, "PORT must be a whole number from 1 to 65535, not '0'"),
        ({"PORT": "5000.0"}, "PORT must be a whole number from 1 to 65535, not '5000.0'"),
        ({"PORT": "5e3"}, "PORT must be a whole number from 1 to 65535, not '5e3'"),
        ({"COUNT": "٣"}, "COUNT must be a whole number from 1, not '٣'"),
        ({"SHARE": "nan"}, "SHARE must be a number from 0 to 1, not 'nan'"),
        ({"RATE": "0"}, "RATE must be a number above 0 and up to 9, not '0'"),
        ({"COLOUR": "green"}, "COLOUR must be one of red, blue, not 'green'"),
        ({"QUICK": "maybe"}, "QUICK must be true or false, not 'maybe'"),
        ({"URL": "host:80"}, "URL must be an http or https URL, not 'host:80'"),
        ({"URL": "http://host:99999"}, "URL must be an http or https URL, not 'http://host:99999'"),
        ({"NAME": "nobody"}, "NAME must be somebody's"),
    ],
)
def test_what_is_wrong_is_named_with_what_it_must_be(given: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingError) as raised:
        read({"NAME": "a", **given}, Form)
    assert str(raised.value) == problem
    assert raised.value.hint


def test_one_setting_is_read_by_a_name_known_at_run_time() -> None:
    assert read_one({"X_PORT": "81"}, "X_PORT", Port) == 81
    assert read_one({}, "X_PORT", Port) is None
    with pytest.raises(SettingError, match="X_PORT must be a whole number from 1 to 65535, not 'x'"):
        read_one({"X_PORT": "x"}, "X_PORT", Port)


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from the file\n")
    assert read({"NAME": "a", "PASSWORD_FILE": str(file)}, Form).password == "from the file"
    assert read({"NAME": "a", "PASSWORD": "given"}, Form).password == "given"


def test_a_secret_that_stands_twice_or_nowhere_is_refused_without_being_shown(tmp_path: Path) -> None:
    both = {"NAME": "a", "PASSWORD": "hidden", "PASSWORD_FILE": "x"}
    with pytest.raises(SettingError, match=r"^PASSWORD is set, and PASSWORD_FILE too$"):
        read(both, Form)
    with pytest.raises(SettingError, match=r"PASSWORD_FILE names .*missing, which cannot be read: No such file"):
        read({"NAME": "a", "PASSWORD_FILE": str(tmp_path / "missing")}, Form)
