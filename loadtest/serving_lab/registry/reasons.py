"""Why the services were not given what the registry names: with those of `model_artifact`, the values of a label."""

from enum import StrEnum

from model_artifact.errors import Reason as OfArtifact


class Reason(StrEnum):
    """What went wrong between the registry and the files."""

    UNREACHABLE = "unreachable"
    """No connection, or one that broke."""
    SLOW = "slow"
    """Not in time."""
    ANSWER = "answer"
    """An answer that makes no sense here."""
    SIZE = "size"
    """More bytes than any model has."""
    SIGNATURE = "signature"
    """It takes or gives something else than the model that serves."""
    DISK = "disk"
    """The directory of models cannot be written."""


ALL = (
    *Reason,
    *(OfArtifact.MISSING, OfArtifact.METADATA, OfArtifact.DIGEST, OfArtifact.STRUCTURE),
)
"""What model-sync counts. Whether a model answers rightly, only those who run it can tell: the services."""
