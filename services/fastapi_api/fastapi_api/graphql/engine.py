"""GraphQL itself, loaded with a worker's first query: a quarter of the start, and memory, that few clients use."""

from collections.abc import Awaitable, Callable
from functools import partial
from threading import Lock

from starlette.concurrency import run_in_threadpool

from fastapi_api.graphql.context import Context
from fastapi_api.graphql.schemas import GraphQLRequest

Answer = Callable[[GraphQLRequest, Context], Awaitable[bytes]]


class Engine:
    """Answers queries."""

    def __init__(self, *, introspection: bool) -> None:
        """Without introspection, the schema does not describe itself."""
        self._introspection = introspection
        self._answer: Answer | None = None
        self._loading = Lock()

    async def answer(self, request: GraphQLRequest, context: Context) -> bytes:
        """Execute a query; returns the result as JSON."""
        answer = self._answer
        if answer is None:
            answer = await run_in_threadpool(self._load)  # the other requests of the worker go on
        return await answer(request, context)

    def _load(self) -> Answer:
        from fastapi_api.graphql import execution, schema  # imported lazily: only users of GraphQL pay for it

        with self._loading:
            if self._answer:
                return self._answer
            answer = partial(execution.answer, schema.create_schema(introspection=self._introspection))
            self._answer = answer
            return answer
