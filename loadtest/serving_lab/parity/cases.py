"""The requests of a comparison: each with its name and origin, alone or as a step of a sequence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from serving_lab.api.request import Request
from serving_lab.wire.message import RawRequest


class Source(StrEnum):
    """Where a request comes from."""

    CORPUS = "corpus"
    SEQUENCE = "sequence"
    RAW = "raw"
    SURFACE = "surface"
    GENERATED = "generated"
    RECORDED = "recorded"


@dataclass(frozen=True)
class Case:
    """One request with its name, alone or as a step of a sequence."""

    source: Source
    name: str
    request: Request | RawRequest
    save: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Variables that later steps use, each with the JSON path of the answer it is read from."""
    since: Mapping[str, str] = field(default_factory=dict, hash=False)
    """JSON paths of counters, each with the variable of its earlier value: what is compared is by how much it grew."""


Steps = tuple[Case, ...]
"""Cases that make sense in this order alone; a request that needs no other is the only step."""


def is_raw(steps: Steps) -> bool:
    """Whether the steps are sent below the level of a client library."""
    return isinstance(steps[0].request, RawRequest)
