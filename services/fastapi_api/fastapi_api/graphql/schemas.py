"""Request and response of POST /graphql, for validation and for the documentation of the API."""

from typing import Any

from pydantic import BaseModel, Field, InstanceOf
from serving_core.bounds import MAX_QUERY_CHARACTERS

from fastapi_api.schemas import RequestBody


class GraphQLRequest(RequestBody):
    """A GraphQL query."""

    query: str = Field(
        min_length=1,
        max_length=MAX_QUERY_CHARACTERS,
        description="A document with one operation, or several of which operationName names one.",
        examples=["{ modelInfo { version featureNames } }"],
    )
    # Not `dict`, which refuses lone surrogates, which JSON may contain.
    variables: InstanceOf[dict[str, Any]] | None = Field(None, description="Values by name.", examples=[{}])
    operationName: str | None = Field(  # noqa: N815 - GraphQL's own name
        None, description="Which operation to execute, if there are several.", examples=[None]
    )


class GraphQLResponse(BaseModel):
    """The data of a query, its errors, or both."""

    data: dict[str, Any] | None = Field(
        None,
        description="Missing if nothing could be executed.",
        examples=[{"modelInfo": {"version": "1.0.0"}}],
    )
    errors: list[dict[str, Any]] | None = Field(
        None,
        description="Each with its message, and with the status that another endpoint would have in extensions.",
        examples=[[{"message": "Cannot query field 'x' on type 'Query'."}]],
    )
