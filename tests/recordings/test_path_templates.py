"""Path templates of recorded traffic, from what varies in its paths."""

import uuid

import pytest
from serving_lab.documents.operations import Operations
from serving_lab.recordings.path_templates import path_templates

NAMES = [f"/users/{name}" for name in ("ann", "ben", "cem", "dan", "eve")]


@pytest.mark.parametrize(
    ("paths", "templates"),
    [
        (["/posts/1", "/posts/2", "/posts"], ["/posts", "/posts/{id}"]),
        (["/posts/1/comments/7", "/posts/2/comments"], ["/posts/{id}/comments", "/posts/{id}/comments/{id}"]),
        ([f"/files/{uuid.UUID(int=n << 64 | n)}" for n in (1 << 60, 1 << 61)], ["/files/{id}"]),
        (["/commits/3f2a9c"], ["/commits/{id}"]),
        (["/orders/ord_8fa3b2", "/orders/ord_91bb07"], ["/orders/{id}"]),
        (["/days/2024-01-31"], ["/days/{id}"]),
        (["/articles/how-to-train", "/articles/why-not-now", "/articles/feed"], ["/articles/feed", "/articles/{id}"]),
        (["/users", *NAMES], ["/users", "/users/{id}"]),
        (NAMES, sorted(NAMES)),
        (["/users/me", "/users/1"], ["/users/me", "/users/{id}"]),
        (["/v1/login", "/v2/login"], ["/v1/login", "/v2/login"]),
        ([f"/{name}" for name in "abcdefghijklmnopqrstuvwxyz"], [f"/{name}" for name in "abcdefghijklmnopqrstuvwxyz"]),
        (["/", "//", "", "/a/"], ["", "/", "//", "/a/"]),
        (["/x" * 2000], ["/x" * 2000]),
    ],
)
def test_what_varies_is_a_parameter_and_the_rest_is_not(paths: list[str], templates: list[str]) -> None:
    assert path_templates(paths) == templates
    operations = Operations(path_templates(paths))
    assert all(operations.label("GET", path) != "GET (other)" for path in paths if path)
