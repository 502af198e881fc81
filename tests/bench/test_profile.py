"""A profile says what is sent; what is wrong in it is told with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from serving_lab.errors import LabError
from serving_lab.experiment.profile import Profile
from serving_lab.generator.messages import Choice, Pool, Row
from serving_lab.project import Project

if TYPE_CHECKING:
    from pathlib import Path

SMALL = {"requests": {"home": {"request": {"path": "/"}}}, "scenarios": {"one": {"requests": {"home": 1}}}}
ENVIRONMENT = {"API_USERNAME": "lab", "API_PASSWORD": "secret"}


def load(directory: Path, **changes: object) -> Profile:
    path = directory / "profile.yaml"
    path.write_text(yaml.safe_dump(SMALL | changes))
    return Profile.load(path, ENVIRONMENT)


def test_the_labs_own_profile_can_be_read() -> None:
    profile = Profile.load(Project.find().bench_profile, ENVIRONMENT)

    assert {"sequential", "concurrent", "peak", "steady", "knee", "cached", "uncached", "batch"} <= set(
        profile.scenarios
    )
    assert profile.scenarios["sequential"].connections == 1
    assert profile.scenarios["concurrent"].connections == 10
    assert sorted(profile.scenarios["steady"].requests.values()) == [3, 7, 20, 70]
    assert set(profile.default) <= set(profile.scenarios)
    assert b"secret" in profile.login.request.body  # type: ignore[union-attr]


def test_a_small_profile_is_enough(tmp_path: Path) -> None:
    profile = load(tmp_path)

    assert profile.login is None
    assert profile.default == ("one",)
    assert profile.requests["home"].statuses == (200,)


def test_values_come_from_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "columns.json").write_text('[{"quantiles": [1, 2]}]')
    (tmp_path / "words.txt").write_text('word\n{"a": 1}\n')

    values = load(
        tmp_path,
        values={"row": {"row": "columns.json"}, "known": {"pool": "row", "size": 2}, "word": {"lines": "words.txt"}},
    ).values

    assert isinstance(values["row"], Row)
    assert values["known"] == Pool("row", 2)
    assert values["word"] == Choice(['"word"', '{"a": 1}'])


def scenario(**changes: object) -> dict[str, object]:
    return {"scenarios": {"one": {"requests": {"home": 1}, **changes}}}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"requests": {}}, "scenarios.one.requests.home: there is no request 'home'"),
        ({"scenario": {}}, "unknown key scenario"),
        (scenario(requests={}), "scenarios.one.requests: there are none"),
        (scenario(requests={"home": 0}), "a weight is a number above 0"),
        (scenario(connections=0), "scenarios.one.connections: from 1 to 4096, or best"),
        (scenario(connections="best", loop="open", rate=5), "best goes with a closed loop"),
        (scenario(loop="open"), "scenarios.one.rate: an open loop has one"),
        (scenario(rate=5), "scenarios.one.rate: an open loop has one"),
        (scenario(loop="open", rate=-5), "scenarios.one.rate: a number above 0"),
        (scenario(loop="knee"), "scenarios.one.objective: a knee has one"),
        (scenario(loop="knee", objective={"p99_seconds": 0}), "seconds above 0"),
        (scenario(loop="knee", objective={"p99_seconds": 1, "wrong_share": 1}), "from 0 to below 1"),
        ({"default": ["two"]}, "default[0]: there is no scenario 'two'"),
        ({"authorization": {"A": "${token}"}}, "authorization: ${token} is not saved by the login"),
        ({"login": {"request": {"path": "/login"}, "save": {}}}, "login.save: it is empty"),
        (
            {"login": {"request": {"path": "/login"}, "save": {"token": "token"}}},
            "login.save.token: 'token' is no JSON",
        ),
        ({"requests": {"home": {"request": {"path": "/${id}"}}}}, "requests.home.request: ${id} stands for nothing"),
        ({"requests": {"home": {"request": {"path": "/", "method": "HEAD"}}}}, "answers to HEAD have no body"),
        ({"requests": {"home": {"request": {"path": "/", "chunked": True}}}}, "load is sent with Content-Length"),
        ({"requests": {"home": {"request": {"path": "/"}, "expect": {"json": {"$.a": "nummer"}}}}}, "is no rule"),
        ({"requests": {"home": {"request": {"path": "/"}, "agree": ["a"]}}}, "requests.home.agree[0]: 'a' is no JSON"),
        ({"values": {"row": {}}}, "values.row: it is none of: row, number"),
        ({"values": {"row": {"row": [{"quantiles": [2, 1]}]}}}, "quantiles are two numbers at least, in rising order"),
        ({"values": {"row": {"row": "none.json"}}}, "none.json: No such file or directory"),
        ({"values": {"row": {"pool": "other", "size": 3}}}, "values: there is no value 'other'"),
        ({"values": {"row": {"several": "row", "count": 0}}}, "values.row.count: from 1"),
        ({"values": {"host": {"choice": [1]}}}, "values.host: the login saves a variable of this name"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(LabError) as raised:
        load(tmp_path, **changes)

    assert complaint in str(raised.value)
    assert str(tmp_path / "profile.yaml") in str(raised.value)
    assert raised.value.exit_code == 2
