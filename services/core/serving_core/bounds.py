"""The bounds of the contract: what a request's input may be."""

FEATURES = 10
"""Numbers in a row."""
MAX_SAMPLES = 100
"""Rows in a batch."""
LOWEST, HIGHEST = -1000.0, 1000.0
"""Of a feature, both included."""
MAX_QUERY_CHARACTERS = 65_536
"""In a GraphQL query."""
MAX_DEPTH = 500
"""Of arrays and objects within each other, in a body."""
