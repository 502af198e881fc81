"""Where services answer, and whether two addresses are one."""

import pytest
from serving_lab.api.endpoint import Endpoint


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/", True),
        ("http://127.0.0.1:8000", "http://LOCALHOST:8000", True),
        ("http://127.0.0.1:8000", "http://[::1]:8000", True),
        ("http://127.0.0.2:8000/a", "http://api.localhost:8000/a/", True),
        ("http://Api.Example.org", "http://api.example.org.:80", True),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8001", False),
        ("http://127.0.0.1:8000/a", "http://127.0.0.1:8000/b", False),
        ("http://a.example.org", "http://b.example.org", False),
    ],
)
def test_one_address_is_known_however_it_is_written(one: str, other: str, *, same: bool) -> None:
    assert Endpoint.parse(one).is_at(Endpoint.parse(other)) is same
