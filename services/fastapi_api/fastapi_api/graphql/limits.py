"""Limits of a query: reading and validating it blocks the other requests of a worker, so it must be short."""

from collections.abc import Callable, Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    SelectionSetNode,
    Visitor,
    visit,
)
from strawberry.extensions import MaxAliasesLimiter, MaxTokensLimiter, QueryDepthLimiter, SchemaExtension

MAX_TOKENS = 4000
"""A hundred predictions with literal rows need 2400."""
MAX_DEPTH = 4
"""Levels of fields; the schema has two."""
MAX_ALIASES = 100
"""Equal to the number of rows that a batch may have."""
MAX_FIELDS = 500
"""A hundred predictions with all their fields need 400."""
MAX_FRAGMENT_SPREADS = 20
"""The introspection queries of tools use eight."""


class SelectionsLimiter(SchemaExtension):
    """Limits fields and fragment spreads before the validation rules that are slow on many of them.

    Fields of one name are compared in pairs. The limiters of depth and aliases follow every spread each time, so each
    fragment that spreads the next one twice doubles their work. They also expect that every spread fragment exists and
    that no selection is empty, which the parser does not check.
    """

    def on_validate(self) -> Iterator[None]:
        """Refuse the document instead of validating it."""
        document = self.execution_context.graphql_document
        if document is not None and (complaint := _complaint(document)):
            self.execution_context.pre_execution_errors = [GraphQLError(complaint)]
        yield


LIMITERS: tuple[Callable[[], SchemaExtension], ...] = (
    lambda: MaxTokensLimiter(MAX_TOKENS),
    SelectionsLimiter,
    lambda: QueryDepthLimiter(MAX_DEPTH),
    lambda: MaxAliasesLimiter(MAX_ALIASES),
)
"""Create the extensions of each request."""


class _Selections(Visitor):
    """Counts the selections of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.fields = 0
        self.spread: list[str] = []
        self.defined: set[str] = set()
        self.empty = False

    def enter_field(self, node: FieldNode, *_: Any) -> None:  # noqa: ARG002, ANN401 - the visitor's signature
        self.fields += 1

    def enter_selection_set(self, node: SelectionSetNode, *_: Any) -> None:  # noqa: ANN401
        self.empty |= not node.selections

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:  # noqa: ANN401
        self.spread.append(node.name.value)

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: Any) -> None:  # noqa: ANN401
        self.defined.add(node.name.value)


def _complaint(document: DocumentNode) -> str | None:
    found = _Selections()
    visit(document, found)
    if found.empty:
        return "A selection must not be empty."
    if found.fields > MAX_FIELDS:
        return f"{found.fields} fields found. Allowed: {MAX_FIELDS}"
    if len(found.spread) > MAX_FRAGMENT_SPREADS:
        return f"{len(found.spread)} fragment spreads found. Allowed: {MAX_FRAGMENT_SPREADS}"
    return next((f"Unknown fragment '{name}'." for name in found.spread if name not in found.defined), None)
