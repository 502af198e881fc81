"""POST /graphql."""

from fastapi import APIRouter, Request, Response

from fastapi_api.dependencies import CurrentService, TokenBearer
from fastapi_api.graphql.context import Context
from fastapi_api.graphql.engine import Engine
from fastapi_api.graphql.schemas import GraphQLRequest, GraphQLResponse
from fastapi_api.guard import GuardedRoute
from fastapi_api.responses import answers, operation_id

queries = APIRouter(tags=["predictions"], route_class=GuardedRoute, generate_unique_id_function=operation_id)


@queries.post(
    "/graphql",
    response_model=GraphQLResponse,
    responses=answers(400, 415),
    openapi_extra={"security": [{}, {TokenBearer.__name__: []}]},  # some fields need a token
)
async def graphql(request: Request, body: GraphQLRequest, service: CurrentService) -> Response:
    """Answer a GraphQL query: predict and batchPredict, which need a token, and modelInfo."""
    engine: Engine = request.app.state.graphql
    return Response(await engine.answer(body, Context(service, request)), media_type="application/json")
