"""Both Python clients under one name: what one does, the other does, and each test asks both."""

import asyncio
import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from prediction_client import AsyncPredictionClient, PredictionClient
from support.local_http import NO_TLS

MakeClient = Callable[..., PredictionClient]
"""Makes a client that is closed after the test; the arguments are the client's."""


class Awaited:
    """The client that is awaited, as if its calls were blocking."""

    def __init__(self, client: AsyncPredictionClient, runner: asyncio.Runner) -> None:
        self._client = client
        self._runner = runner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        @functools.wraps(method)
        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - the client's own
            return self._runner.run(method(*arguments, **named))

        return call


@pytest.fixture(params=["blocking", "awaited"])
def make_client(request: pytest.FixtureRequest) -> Iterator[MakeClient]:
    with contextlib.ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner()) if request.param == "awaited" else None

        def make(base_url: str, **options: Any) -> PredictionClient:  # noqa: ANN401 - the client's own
            local: dict[str, Any] = {"username": "u", "password": "p", "verify": NO_TLS, "trust_env": False}
            options = local | options
            if runner is None:
                return stack.enter_context(PredictionClient(base_url, **options))
            awaited = Awaited(AsyncPredictionClient(base_url, **options), runner)
            stack.callback(awaited.aclose)
            return cast(PredictionClient, awaited)

        yield make
