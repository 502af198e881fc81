"""The generator's processes as the laboratory sees them: all of them run the same load, each its share."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import msgspec

from serving_lab.errors import LabError
from serving_lab.generator.link import NOT_A_GENERATOR, LinkLostError
from serving_lab.generator.messages import Built, Done, Failed, Go, Open, RunCommand
from serving_lab.generator.outcome import RunOutcome, together
from serving_lab.generator.process import Process, ProcessLink, processes

_BUILD_SECONDS = 60.0
"""From a command to the reply that all is ready; a container must start first."""
_SLACK_SECONDS = 20.0
"""Longer than a run takes with the last answer that it waits for: to pack and to send what was measured."""
_HINT = "run it again; the lines above may say more"


class Fleet:
    """Processes that send load, started by `with` and ended after it."""

    def __init__(self, generators: Sequence[Process] | None = None) -> None:
        """Prepare the fleet; unless said, of one process on this host."""
        self._generators = tuple(generators or processes())
        self._cpu_seconds = 0.0
        self._links: list[ProcessLink] = []

    def __enter__(self) -> Self:
        self._links = [each.open() for each in self._generators]
        self._cpu_seconds = 0.0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for link in self._links:
            link.hang_up()
        for link in self._links:
            link.close()
        self._links.clear()

    @property
    def pids(self) -> list[int]:
        """The processes that were started here."""
        return [link.pid for link in self._links]

    def run(self, run: RunCommand) -> RunOutcome:
        """Send a load and return its outcome; connections and rate are shared out.

        Raises:
            LabError: it cannot be sent, or a process is gone.
        """
        shares = list(_shares(run, len(self._links)))
        taking_part = self._links[: len(shares)]
        try:
            self._prepare(taking_part, shares)
            for link in taking_part:
                link.say(Go())
            within = run.lead_in_seconds + run.seconds + run.timeout_seconds + _SLACK_SECONDS
            parts = [_done(link, within) for link in taking_part]
        except LinkLostError as error:
            raise LabError(f"a process of the load generator {error}", hint=_HINT) from error
        before, self._cpu_seconds = self._cpu_seconds, sum(part.all_cpu_seconds for part in parts)
        return together(parts, max(0.0, self._cpu_seconds - before))

    def _prepare(self, taking_part: Sequence[ProcessLink], shares: Sequence[RunCommand]) -> None:
        for link, share in zip(taking_part, shares, strict=True):
            link.say(share)
        for link in taking_part:
            if isinstance(reply := link.heard(_BUILD_SECONDS), Failed):
                # Others are ready to go, and the next run must not find them so.
                self.__exit__(None, None, None)
                self.__enter__()
                raise LabError(reply.why, hint="is the target up?")
            if not isinstance(reply, Built):
                raise LinkLostError(NOT_A_GENERATOR)


def _done(link: ProcessLink, within: float) -> Done:
    reply = link.heard(within)
    if not isinstance(reply, Done):
        raise LinkLostError(NOT_A_GENERATOR)
    return reply


def _shares(run: RunCommand, processes: int) -> Iterator[RunCommand]:
    """Yield what each process does; with fewer connections than processes, some do nothing."""
    taking_part = min(processes, run.connections)
    for index in range(taking_part):
        connections = run.connections // taking_part + (index < run.connections % taking_part)
        loop = run.loop
        if isinstance(loop, Open) and loop.burstiness != 1:
            loop = msgspec.structs.replace(loop, part=index, parts=taking_part)
        elif isinstance(loop, Open):
            loop = msgspec.structs.replace(loop, rate=loop.rate * connections / run.connections)
        yield msgspec.structs.replace(run, connections=connections, loop=loop, seed=run.seed + index)
