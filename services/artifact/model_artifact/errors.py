"""Why a model is refused."""

from enum import StrEnum

_LONGEST = 400


class Reason(StrEnum):
    """The kind of what is wrong, short enough for the label of a metric."""

    MISSING = "missing"
    """A file is not there or cannot be read."""
    METADATA = "metadata"
    """model.json, or another file of JSON, does not say what it must, or not what the graph says."""
    DIGEST = "digest"
    """A file is not the one that model.json names."""
    STRUCTURE = "structure"
    """The graph is not one that a service runs."""
    GOLDEN = "golden"
    """The graph does not answer as scikit-learn did."""
    LATENCY = "latency"
    """The graph takes too long for a row."""
    MEMORY = "memory"
    """The graph needs more memory than it may have."""
    TIME = "time"
    """The trial did not end in time."""
    CRASH = "crash"
    """The process of the trial died."""


class ArtifactError(Exception):
    """A model that is not used; the text is one line for an operator."""

    def __init__(self, reason: Reason, text: str) -> None:
        """Keep the text, but not what a hostile file could do with it: long texts, lines, and a terminal's commands."""
        line = "".join(character if character.isprintable() else "?" for character in text[:_LONGEST])
        super().__init__(line)
        self.reason = reason
