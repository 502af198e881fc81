"""What the contract lets a prediction's input be."""

FEATURES = 10
"""Numbers in a row."""
MAX_SAMPLES = 100
"""Rows in a batch."""
LOWEST, HIGHEST = -1000.0, 1000.0
"""Of a feature, both included."""
