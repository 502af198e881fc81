"""The generators as the laboratory sees them, wherever they run: all of them send the same load, each its share."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter
from types import TracebackType
from typing import Protocol, Self

import msgspec

from serving_lab.errors import LabError
from serving_lab.generator import clock
from serving_lab.generator.clock import Clock
from serving_lab.generator.link import Link, LinkLostError
from serving_lab.generator.messages import Built, Done, Failed, Go, Open, RunCommand
from serving_lab.generator.outcome import Measured, RunOutcome, together
from serving_lab.generator.process import processes

_BUILD_SECONDS = 60.0
"""From a command to the reply that all is ready; a container must start first."""
_SOON_SECONDS = 0.02
"""From the last word to the common start, beside the time that words are under way."""
_SLACK_SECONDS = 20.0
"""Longer than a run takes with the last answer that it waits for: to pack and to send what was measured."""


class GeneratorLostError(LabError):
    """Generators are gone: in a run, or before it and for good."""

    def __init__(self, message: str, hint: str | None = None, outcome: RunOutcome | None = None) -> None:
        super().__init__(message, hint=hint or "run it again; the lines above, or what it says itself, may say more")
        self._outcome = outcome

    @classmethod
    def before(cls, error: LinkLostError) -> Self:
        """One that cannot be reached, or not any more."""
        return cls(f"a generator cannot be used: {error}", error.hint)

    def measured(self) -> RunOutcome:
        """What the other generators measured. Raises itself: nothing was, and the lost ones do not come back."""
        if self._outcome is None:
            raise self
        return self._outcome


class Generator(Protocol):
    """Where a generator is, and how it is reached."""

    @property
    def name(self) -> str:
        """What people call it."""

    def open(self) -> Link:
        """Reach it.

        Raises:
            LinkLostError: it cannot be reached.
        """


class Fleet:
    """Generators that send load, reached by `with` and let go after it."""

    def __init__(self, generators: Sequence[Generator] | None = None) -> None:
        """Prepare the fleet; unless said, of one process on this host."""
        self._members = [_Member(each) for each in generators or processes()]

    def __enter__(self) -> Self:
        try:
            for member in self._members:
                member.link()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    @property
    def links(self) -> list[Link]:
        """The ways to the generators; a lost one is reached anew by the next run."""
        return [member.link() for member in self._members]

    def run(self, run: RunCommand) -> RunOutcome:
        """Send a load and return its outcome; connections and rate are shared out, and all begin together.

        Raises:
            GeneratorLostError: one was lost meanwhile, or cannot be reached any more.
            LabError: the load cannot be sent.
        """
        shares = dict(zip(self._members, _shares(run, len(self._members)), strict=False))
        clocks = self._prepared(shares)
        start = perf_counter() + _SOON_SECONDS + 2 * max(each.uncertainty for each in clocks.values())
        until = start + run.lead_in_seconds + run.seconds + run.timeout_seconds + _SLACK_SECONDS
        lost: dict[str, str] = {}
        for member, its in clocks.items():
            with member.noted(lost):
                member.link().say(Go(start + its.ahead))
        measured = []
        for member, its in clocks.items():
            if member.name not in lost:
                with member.noted(lost):
                    done = member.link().heard(Done, within=until - perf_counter())
                    measured.append(Measured(member.name, its, done, member.used_here(done)))
        outcome = together(measured, run.seconds, lost)
        if lost:
            raise GeneratorLostError(in_words(lost), outcome=outcome)
        return outcome

    def _prepared(self, shares: Mapping["_Member", RunCommand]) -> dict["_Member", Clock]:
        """Have each generator prepare its share, and compare its clock."""
        try:
            return self._prepared_once(shares)
        except LinkLostError:
            # It was lost since the last run, or in it. Nothing is measured yet, so that it may come back.
            self._close()
        try:
            return self._prepared_once(shares)
        except LinkLostError as error:
            self._close()
            raise GeneratorLostError.before(error) from error

    def _prepared_once(self, shares: Mapping["_Member", RunCommand]) -> dict["_Member", Clock]:
        for member, share in shares.items():
            member.link().say(share)
        for member in shares:
            if isinstance(reply := member.link().heard(Built, Failed, within=_BUILD_SECONDS), Failed):
                # Others are ready to go, and the next run must not find them so.
                self._close()
                whose = f"{member.name}: " if len(self._members) > 1 else ""
                raise LabError(f"{whose}{reply.why}", hint="is the target up, and can it be reached from there?")
        return {member: clock.compare(member.link().clock) for member in shares}

    def _close(self) -> None:
        for member in self._members:
            member.hang_up()
        for member in self._members:
            member.close()


class _Member:
    """A generator of the fleet, with the way to it while there is one."""

    def __init__(self, generator: Generator) -> None:
        self.name = generator.name
        self._generator = generator
        self._link: Link | None = None
        self._cpu_seconds = 0.0

    def link(self) -> Link:
        """The way to it, found anew where it was lost. Raises GeneratorLostError: there is none."""
        if self._link is None:
            try:
                self._link = self._generator.open()
            except LinkLostError as error:
                raise GeneratorLostError.before(error) from error
            self._cpu_seconds = 0.0
        return self._link

    def used_here(self, done: Done) -> float:
        """The CPU time that it has used of this machine since the run before."""
        before, self._cpu_seconds = self._cpu_seconds, done.all_cpu_seconds
        return done.all_cpu_seconds - before if self._link and self._link.here else 0.0

    @contextlib.contextmanager
    def noted(self, lost: dict[str, str]) -> Iterator[None]:
        """Note its loss there, and let go of it, so that the next run reaches it anew."""
        try:
            yield
        except LinkLostError as error:
            lost[self.name] = error.why
            self.close()

    def hang_up(self) -> None:
        if self._link:
            self._link.hang_up()

    def close(self) -> None:
        if self._link:
            self._link.close()
            self._link = None


def in_words(lost: Mapping[str, str]) -> str:
    """That generators were lost, and what became of each."""
    return f"a generator was lost: {'; '.join(f'{name} {why}' for name, why in lost.items())}"


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
