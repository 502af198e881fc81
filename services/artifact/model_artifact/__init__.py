"""The files of a model: read, checked before they are run, tried out in a process of their own, laid down."""

FEATURES = 10
"""Numbers in a row that a model takes."""
LOWEST, HIGHEST = -1000.0, 1000.0
"""Of a feature, both included: what callers may send."""
