"""The bounds of the contract: what a request's input may be; those of a row are the model's."""

from model_artifact import FEATURES as FEATURES
from model_artifact import HIGHEST as HIGHEST
from model_artifact import LOWEST as LOWEST

MAX_SAMPLES = 100
"""Rows in a batch."""
MAX_QUERY_CHARACTERS = 65_536
"""In a GraphQL query."""
MAX_DEPTH = 500
"""Of arrays and objects within each other, in a body."""
