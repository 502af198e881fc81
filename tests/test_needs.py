"""What a machine lacks is said once, and CI, which lacks nothing, fails."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from serving_lab.stack import engine
from serving_lab.stack.base_images import BaseImages
from support.needs import lacking, needed, needed_base_images

BUILT = {f"{name}_IMAGE": f"built/{name.lower()}" for name in ("PYTHON", "PROMETHEUS", "REDIS", "HAPROXY")}
ENGINE = engine.Engine("28", "2.40", 8_000_000_000, data_dir=None, limits_processors=True, own_way_out=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("false", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_what_is_lacking_skips_and_fails_on_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)

    with pytest.raises(outcome, match="no moon here"):
        lacking("no moon here")


def test_a_program_is_found_or_its_package_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    assert needed("sh", package="dash").endswith("/sh")
    with pytest.raises(pytest.skip.Exception, match=r"^no such-a-program here: apt-get install such$"):
        needed("such-a-program", package="such")


@pytest.fixture
def no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(engine, "has_image", lambda _: False)
    monkeypatch.setattr(engine.Engine, "may_fetch", lambda *_: False)


@pytest.mark.usefixtures("no_registry")
def test_base_images_that_were_built_here_are_taken_where_none_can_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BaseImages, "local", lambda _: BUILT)

    assert needed_base_images(ENGINE) == BUILT


@pytest.mark.usefixtures("no_registry")
@pytest.mark.parametrize("built", [{}, {"REDIS_IMAGE": "built/redis"}])
def test_without_any_the_reason_is_the_first_image(monkeypatch: pytest.MonkeyPatch, built: Mapping[str, str]) -> None:
    monkeypatch.setattr(BaseImages, "local", lambda _: built)

    with pytest.raises(pytest.skip.Exception, match=r"cannot be had \(PYTHON_IMAGE\): make base-images$"):
        needed_base_images(ENGINE)


def test_images_that_are_here_are_taken_as_they_are_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engine, "has_image", lambda _: True)
    monkeypatch.setenv("PYTHON_IMAGE", f"mine/{tmp_path.name}")

    assert needed_base_images(ENGINE)["PYTHON_IMAGE"] == f"mine/{tmp_path.name}"
