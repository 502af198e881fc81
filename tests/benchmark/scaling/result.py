"""What `make scaling` measures, as a file; times are in seconds."""

from typing import ClassVar

import msgspec
from serving_lab.results.envelope import Envelope, Format


class Arrangement(msgspec.Struct, frozen=True, kw_only=True):
    """How a service is set up."""

    instances: int = 1
    workers: int = 1
    """Of each instance."""
    gateway: bool = False
    caches: int = 0
    """How many Redis the instances share, each its equal part of them; 0: each instance has its cache in memory."""
    held_out: bool = False
    """Whether the model is tested on it, and so not fitted to it."""

    @property
    def name(self) -> str:
        """In words: instances, by the workers of each, and what they share."""
        workers = f"{self.instances} of {self.workers} worker{'s' * (self.workers > 1)}"
        return workers + ", gateway" * self.gateway + (f", {self.caches} Redis" if self.caches else "")


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What a stretch of load found; processor time is for each request, without what stands idle takes too."""

    per_second: float
    """Requests."""
    service: float
    gateway: float
    caches: float
    load: float
    """Of the program that sends."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """An arrangement, and what each round found."""

    arrangement: Arrangement
    standing: float
    """Processor seconds that its instances and its gateway take in each second in which nobody asks them."""
    rounds: list[Round]


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """How long requests take that come at random."""

    rate: float
    """Requests/s."""
    mean: float
    p50: float
    p99: float


class ServiceScaling(msgspec.Struct, frozen=True, kw_only=True):
    """A service in all arrangements."""

    name: str
    label: str
    measured: list[Measured]
    alone: list[float]
    """Of one worker: quantiles of the time of requests that are sent one after the other, equally far apart."""
    latencies: list[Latency]
    """Of the same worker, at the rates at which it kept up in each round."""
    request_bytes: int
    answer_bytes: int
    series: int
    """Lines of /metrics of an instance with as many workers as are planned with."""


class ScalingResult(Envelope, frozen=True, kw_only=True):
    """The whole file."""

    file_format: ClassVar[Format] = Format("serving-lab.scaling/1", "scaling")

    schema: str = file_format.schema
    connections: int
    services: list[ServiceScaling]
