"""Compares what a model is asked with what it was trained on: from the prediction log, by version and feature."""
