"""Answers are checked before anything is timed, and what is wrong with them is named."""

import pytest
from serving_lab.api.agreement import Agree
from serving_lab.api.description import Call
from serving_lab.api.expectations import Expectation
from serving_lab.api.request import Request
from serving_lab.errors import LabError
from serving_lab.experiment import targets
from serving_lab.experiment.verify import verify
from support.fake_server import Says, fake_server


@pytest.mark.parametrize(("status", "body", "what"), [(204, b"", "is empty"), (200, b"<p>no</p>", "is not JSON")])
def test_an_answer_without_the_json_that_must_agree_is_named(status: int, body: bytes, what: str) -> None:
    call = Call("remove", Request("DELETE", "/"), Expectation((status,)), (Agree("$.id", (), "remove"),))

    with fake_server(lambda _: Says(body, status)) as server:
        both = [targets.parse(f"{name}={server.base_url}") for name in ("old", "new")]
        with pytest.raises(LabError, match=f"old answers remove with {status}, and the body {what}") as raised:
            verify(both, [call], {}, seed=0)

    assert raised.value.hint
