"""What a tap knows of an API: which requests may be sent twice, where they sign in, and what is personal."""

from pathlib import Path

import pytest
from serving_lab.api.profile_file import read_description
from serving_lab.errors import LabError
from serving_lab.tap.surface import Surface, WithoutSecrets
from support.checkout import REPOSITORY


def surface(directory: Path, text: str) -> Surface:
    path = directory / "api.yaml"
    path.write_text(text)
    return Surface.of(read_description(path, WithoutSecrets()))


def test_without_a_description_safe_methods_alone_are_repeatable() -> None:
    known = Surface()

    assert [known.may_repeat(method, "/a") for method in ("GET", "HEAD", "OPTIONS", "POST", "DELETE", "get")] == [
        *(True, True, True),
        *(False, False, False),
    ]


def test_what_a_description_calls_repeatable_is_known_by_its_operation(tmp_path: Path) -> None:
    known = surface(
        tmp_path,
        """
values: {id: {unique: 4}}
requests:
  search: {request: {method: POST, path: "/shops/${id}/search?page=1"}, repeatable: true}
  order: {request: {method: POST, path: /orders}}
""",
    )

    assert known.may_repeat("POST", "/shops/17/search?page=2")
    assert known.may_repeat("POST", "/shops/a%20b/search")
    assert not known.may_repeat("PUT", "/shops/17/search")
    assert not known.may_repeat("POST", "/shops/17/4/search")
    assert not known.may_repeat("POST", "/orders")


def test_ours_repeats_predictions_and_nothing_else() -> None:
    known = Surface.of(read_description(REPOSITORY / "loadtest" / "api.yaml", WithoutSecrets()))
    posts = [
        path for path in ("/predict", "/batch-predict", "/login", "/cache/clear") if known.may_repeat("POST", path)
    ]

    assert posts == ["/predict", "/batch-predict"]
    assert known.signs_in("POST", "/login?x")
    assert not known.signs_in("GET", "/login")


@pytest.mark.parametrize("written", ["email", "header", "cookie sid", "path /users", "$.a b"])
def test_what_is_no_place_is_told(tmp_path: Path, written: str) -> None:
    with pytest.raises(LabError, match=r"personal\[0\]: "):
        surface(tmp_path, f"personal: ['{written}']\n")
