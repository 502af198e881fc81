"""Judges a new version of a model against the one that serves: the same rows, both asked, a verdict with reasons."""
