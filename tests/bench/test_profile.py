"""A profile says what is sent; what is wrong in it is told with its place."""

from pathlib import Path

import pytest
import yaml
from serving_lab.errors import LabError
from serving_lab.experiment.profile import Profile
from serving_lab.project import Project

SMALL = {"requests": {"home": {"request": {"path": "/"}}}, "mixes": {"all": {"home": 2}}}
ENVIRONMENT = {"API_USERNAME": "lab", "API_PASSWORD": "secret"}


def load(directory: Path, **changes: object) -> Profile:
    path = directory / "profile.yaml"
    bench = {"scenarios": {"one": {"requests": {"home": 1}}}} | changes
    path.write_text(yaml.safe_dump(SMALL | {"bench": bench}))
    return Profile.load(path, ENVIRONMENT)


def test_the_labs_own_profile_can_be_read() -> None:
    profile = Profile.load(Project.find().bench_profile, ENVIRONMENT)

    assert {"sequential", "concurrent", "peak", "steady", "knee", "cached", "uncached", "batch"} <= set(
        profile.scenarios
    )
    assert profile.scenarios["sequential"].connections == 1
    assert profile.scenarios["concurrent"].connections == 10
    assert profile.scenarios["steady"].requests == {
        "predict": 70,
        "batch_predict": 20,
        "model_info": 7,
        "health": 3,
    }
    assert set(profile.default) <= set(profile.scenarios)
    assert b"secret" in profile.api.sign_in.request.body  # type: ignore[union-attr]


def test_a_small_profile_is_enough(tmp_path: Path) -> None:
    profile = load(tmp_path)

    assert profile.default == ("one",)
    assert profile.scenarios["one"].requests == {"home": 1}


def test_a_scenario_may_have_a_mix_of_the_description(tmp_path: Path) -> None:
    assert load(tmp_path, scenarios={"one": {"mix": "all"}}).scenarios["one"].requests == {"home": 2}


def test_scenarios_may_stand_beside_the_description(tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text(yaml.safe_dump(SMALL))
    path = tmp_path / "bench.yaml"
    path.write_text("api: api.yaml\nscenarios: {one: {mix: all}}")

    assert Profile.load(path, {}).scenarios["one"].requests == {"home": 2}


def scenario(**changes: object) -> dict[str, object]:
    return {"scenarios": {"one": {"requests": {"home": 1}, **changes}}}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"scenario": {}}, "bench: unknown key scenario"),
        (scenario(requests={}), "bench.scenarios.one.requests: there are no requests in it"),
        (scenario(requests={"away": 1}), "bench.scenarios.one.requests.away: there is no request 'away'"),
        (scenario(requests={"home": 0}), "a weight is a number above 0"),
        (scenario(mix="all"), "bench.scenarios.one.mix: it is given instead of requests"),
        (scenario(requests={}, mix="none"), "bench.scenarios.one.mix: there is no mix 'none'"),
        (scenario(connections=0), "bench.scenarios.one.connections: from 1 to 4096, or best"),
        (scenario(connections="best", loop="open", rate=5), "best goes with a closed loop"),
        (scenario(loop="open"), "bench.scenarios.one.rate: an open loop has one"),
        (scenario(burstiness=2), "bench.scenarios.one.burstiness: an open loop has one"),
        (scenario(loop="open", rate=5, burstiness=2, arrivals="constant"), "it is of random arrivals"),
        (scenario(loop="open", rate=5, burstiness=0), "from 0.05 to 100"),
        (scenario(rate=5), "bench.scenarios.one.rate: an open loop has one"),
        (scenario(loop="open", rate=-5), "bench.scenarios.one.rate: a number above 0"),
        (scenario(loop="knee"), "bench.scenarios.one.objective: a knee has one"),
        (scenario(loop="knee", objective={"p99_seconds": 0}), "seconds above 0"),
        (scenario(loop="knee", objective={"p99_seconds": 1, "wrong_share": 1}), "from 0 to below 1"),
        ({"default": ["two"]}, "bench.default[0]: there is no scenario 'two'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(LabError) as raised:
        load(tmp_path, **changes)

    assert complaint in str(raised.value)
    assert str(tmp_path / "profile.yaml") in str(raised.value)
    assert raised.value.exit_code == 2
