"""What one way of looking at a service found."""

from collections.abc import Sequence
from dataclasses import dataclass

from serving_lab.inventory.result import Finding, Hook, Operation


@dataclass(frozen=True)
class Found:
    """Everything of it."""

    operations: Sequence[Operation]
    hooks: Sequence[Hook] = ()
    extensions: Sequence[str] = ()
    findings: Sequence[Finding] = ()
    unread: Sequence[str] = ()
    framework: str | None = None
