"""gunicorn's arbiter, with generations of workers: a new one takes over as at start, then the old one ends.

A generation is the workers that serve one model; in a worker, the model never changes. The old generation answers until
all workers of the new one are ready. Then it accepts nothing more, answers what has begun, and passes its idle
connections on, so that no client notices.
"""

import gc
import logging
import random
import signal
import time
from dataclasses import dataclass
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.workers.base import Worker

from serving_core.model.predictor import Predictor
from serving_core.runtime import metrics
from serving_core.runtime.listener import run_dry
from serving_core.service import Service

_logger = logging.getLogger(__name__)

# How long workers may take to accept the waiting connections when the service stops.
_QUEUE_SECONDS = 2.0
# How long a generation may take until all its workers are ready, and how many of them may die meanwhile.
_TAKE_OVER_SECONDS = 60.0
_MOST_DEATHS = 3
# How long the arbiter waits for signals at most before it looks at its workers, a trial, the alias.
_STARTING_SECONDS, _CHECKING_SECONDS, _WATCHING_SECONDS = 0.02, 0.05, 0.1


@dataclass(eq=False)
class _Generation:
    """Workers that serve one model."""

    predictor: Predictor
    began: float
    deaths: int = 0


class ServiceArbiter(Arbiter):
    """Keeps one generation of workers alive, and replaces it by another without a dropped request.

    Before it closes the listener, it reports "not ready" and gives load balancers time to notice.
    """

    def __init__(self, app: Any) -> None:  # noqa: ANN401 - gunicorn's own signature
        self._service: Service = app.service
        self._serving = self._spawning = _Generation(self._service.predictor, time.monotonic())
        self._coming: _Generation | None = None
        self._generations: dict[Worker, _Generation] = {}
        self._slots: dict[Worker, int] = {}
        self._ends: dict[Worker, float] = {}
        """When workers that were told to end are killed."""
        super().__init__(app)

    def wait_for_signals(self, timeout: float | None = 1.0) -> list[int]:
        """Wait for signals, or until there is something to look after."""
        updates = self._service.updates
        if self._coming:
            timeout = _STARTING_SECONDS
        elif updates:
            timeout = _CHECKING_SECONDS if updates.is_checking else _WATCHING_SECONDS
        return super().wait_for_signals(timeout)

    def manage_workers(self) -> None:
        """Bring each generation to what it should be; called after each wait."""
        if self._service.updates and (predictor := self._service.updates.poll()):
            self._turn_to(predictor)
        self._let_take_over()
        for generation in (self._serving, self._coming):
            if generation:
                self._adjust(generation)
        now = time.monotonic()
        for pid, worker in list(self.WORKERS.items()):
            if self._ends.get(worker, now) < now:
                self.kill_worker(pid, signal.SIGKILL)

    def spawn_worker(self) -> int:
        """Fork with SIGTERM held back until the worker takes it: a copy of the arbiter's handler would swallow it."""
        gc.freeze()  # else the first collection of each worker would write to all objects, and so copy their pages
        gc.enable()  # what starts a service has disabled it
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            return int(super().spawn_worker())
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def admit(self, worker: Worker) -> None:
        """Gunicorn's hook pre_fork: called in the arbiter."""
        self._generations[worker] = self._spawning
        self._slots[worker] = self._service.lifecycle.assign_slot()

    def begin_worker(self, worker: Worker) -> None:
        """Gunicorn's hook post_fork: called in the worker."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # until it has begun with anything, it just ends
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        slot = self._slots[worker]
        metrics.enter_slot(slot)
        self._service.lifecycle.enter_slot(slot)

    def forget(self, worker: Worker) -> None:
        """Gunicorn's hook child_exit: called in the arbiter, when the worker is dead."""
        slot = self._slots.pop(worker)
        metrics.forget_live_gauges(slot)
        self._service.lifecycle.free_slot(slot)
        self._generations.pop(worker).deaths += self._ends.pop(worker, None) is None

    def reap_workers(self) -> None:
        """Wait for dead workers. One that could not even begin ends the service, but not if it is of a new model."""
        while True:
            before = dict(self.WORKERS)
            try:
                super().reap_workers()
            except HaltServer:
                for worker in [worker for pid, worker in before.items() if pid not in self.WORKERS]:
                    if worker not in self._slots:
                        continue  # died otherwise
                    if self._generations[worker] is self._serving:
                        raise
                    worker.tmp.close()
                    self.forget(worker)
            else:
                return

    def stop(self, graceful: bool = True) -> None:
        """End all workers; from now on, none passes its connections on."""
        if self._service.updates:
            self._service.updates.close()
        self._service.lifecycle.drain()
        super().stop(graceful)

    def handle_term(self) -> None:
        """Say that the service is not ready, wait, then stop."""
        drain_seconds = self._service.settings.drain_seconds
        self._service.lifecycle.drain()
        _logger.info("draining for %s s", drain_seconds)
        time.sleep(drain_seconds)
        run_dry([listener.sock for listener in self.LISTENERS], _QUEUE_SECONDS)
        super().handle_term()

    def handle_int(self) -> None:
        """Stop at once, but gracefully; gunicorn would send SIGQUIT, which uvicorn's worker ignores."""
        super().handle_term()

    def handle_hup(self) -> None:
        """Replace all workers; settings come from the environment, which does not change."""
        if self._service.updates:
            self._service.updates.try_again()
        self._begin((self._coming or self._serving).predictor)

    def _turn_to(self, predictor: Predictor) -> None:
        """Let a model serve; if it still does, the one that was to replace it is given up."""
        if self._coming and predictor.digest == self._serving.predictor.digest:
            self._end(self._coming)
            self._coming = None
        else:
            self._begin(predictor)

    def _begin(self, predictor: Predictor) -> None:
        """Start a generation; one that was still starting is replaced too."""
        if self._coming:
            self._end(self._coming)
        self._coming = _Generation(predictor, time.monotonic())
        self._adjust(self._coming)

    def _let_take_over(self) -> None:
        """Let the new generation take over once all its workers are ready, or give it up."""
        coming = self._coming
        if coming is None:
            return
        ready = [each for each in self._workers_of(coming) if self._service.lifecycle.is_ready(self._slots[each])]
        if len(ready) >= self.num_workers:
            former, self._serving, self._coming = self._serving, coming, None
            _logger.info("model: %s has taken over from %s", *map(_name, (coming, former)))
            self._end(former)
            if self._service.updates:
                self._service.updates.serves(coming.predictor)
        elif coming.deaths >= _MOST_DEATHS or time.monotonic() > coming.began + _TAKE_OVER_SECONDS:
            _logger.error("model: no workers start with %s; %s serves on", *map(_name, (coming, self._serving)))
            self._coming = None
            self._end(coming)
            if self._service.updates:
                self._service.updates.gave_up(coming.predictor)

    def _adjust(self, generation: _Generation) -> None:
        """Fork the workers that a generation lacks; end those that it has too many."""
        workers = self._workers_of(generation)
        for worker in workers[: max(len(workers) - self.num_workers, 0)]:
            self._retire(worker)
        for _ in range(self.num_workers - len(workers)):
            self._service.use(generation.predictor)
            self._spawning = generation
            self.spawn_worker()
            if generation is self._serving:  # the others answer meanwhile, and who waits for a new model wants it soon
                time.sleep(0.1 * random.random())  # noqa: S311 - as gunicorn does, so that they do not start in step

    def _workers_of(self, generation: _Generation) -> list[Worker]:
        """The workers of a generation that were not told to end, the oldest first."""
        living = sorted(self.WORKERS.values(), key=lambda worker: int(worker.age))
        return [each for each in living if self._generations[each] is generation and each not in self._ends]

    def _end(self, generation: _Generation) -> None:
        for worker in self._workers_of(generation):
            self._retire(worker)

    def _retire(self, worker: Worker) -> None:
        """Let a worker end whose work others have taken over; clients have as long as when the service stops."""
        self._ends[worker] = time.monotonic() + self.cfg.graceful_timeout
        self._service.lifecycle.replace(self._slots[worker])
        self.kill_worker(int(worker.pid), signal.SIGTERM)


def _name(generation: _Generation) -> str:
    predictor = generation.predictor
    return f"{predictor.info.version} ({predictor.digest[:12]})"
