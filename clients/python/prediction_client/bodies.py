"""What callers give, as bodies of requests."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, SupportsFloat

from prediction_client.generated.limits import MAX_ROWS
from prediction_client.generated.models import GraphQLRequest
from prediction_client.generated.models.graph_ql_request_variables_type_0 import GraphQLRequestVariablesType0

Row = Iterable[SupportsFloat]
"""Ten numbers: a list, a tuple, an array; unscaled, in the order of `feature_names` in `model_info()`."""


def json_row(row: Row) -> list[float]:
    """The numbers of a row as JSON has them; what is no number is left for the service to refuse.

    Raises:
        ValueError: a number is infinite or none, which JSON cannot say.
    """
    return [_json_number(value) for value in row]


def batches(rows: Iterable[Row]) -> Iterator[list[list[float]]]:
    """Rows in batches as large as a request may have; no more rows are read than that."""
    remaining = iter(rows)
    while batch := [json_row(row) for row in islice(remaining, MAX_ROWS)]:
        yield batch


def graphql_request(query: str, variables: Mapping[str, Any] | None, operation_name: str | None) -> GraphQLRequest:
    """A GraphQL query as a body.

    Raises:
        TypeError: a variable has a type that JSON does not have.
        ValueError: a number is infinite or none.
    """
    json.dumps(variables, allow_nan=False)  # here, and not where the answer is read, whose errors are of another kind
    values = None if variables is None else GraphQLRequestVariablesType0.from_dict(variables)
    return GraphQLRequest(query, values, operation_name)


def _json_number(value: SupportsFloat) -> float:
    if not isinstance(value, int | str | None):  # an array's own kinds of number, decimals, fractions
        value = float(value)
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a finite number")
    return value
