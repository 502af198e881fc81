"""A generator that sends samples which it has drawn instead of measured; all else is as `lab generator` does it.

With options it listens; without, it is the process behind that.
"""

import argparse
import asyncio
import os
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from serving_lab.generator import listener, messages
from serving_lab.generator.messages import AskClock, Built, ClockReply, Done, Reply, RunCommand
from serving_lab.text import host_port

SECONDS = 10.0
_SEED, _SAMPLES = "DRAWN_SEED", "DRAWN_SAMPLES"


def latencies(seed: int, samples: int) -> NDArray[np.float64]:
    """In seconds; each generator sees others, because networks differ."""
    chance = np.random.default_rng(seed)
    return chance.lognormal(-5 + seed % 4 / 2, 0.5, samples)


def done(seed: int, samples: int) -> Done:
    """What is sent of them, as of an open loop."""
    due = np.linspace(0, SECONDS, samples, endpoint=False)
    times = {"due": due, "sent": due, "answered": due + latencies(seed, samples), "lags": np.zeros(samples)}
    return Done(
        **{name: memoryview(each.tobytes()) for name, each in times.items()},
        templates=memoryview(bytes(samples)),
        wrong={},
        sent_again=0,
        planned=samples,
        all_answered=samples,
        seconds=SECONDS,
        cpu_seconds=1.0,
        all_cpu_seconds=1.0,
        waited_seconds=0.0,
        late=0.0,
    )


def _serve() -> None:
    commands, answers = sys.stdin.buffer, sys.stdout.buffer
    made = done(int(os.environ[_SEED]), int(os.environ[_SAMPLES]))
    while (command := messages.read_command(commands)) is not None:
        answer: Reply = made
        if isinstance(command, RunCommand):
            answer = Built()
        elif isinstance(command, AskClock):
            answer = ClockReply(time.perf_counter())
        messages.write(answers, answer)


def _listen() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed")
    parser.add_argument("--samples")
    parser.add_argument("--listen", type=partial(host_port.parse, "--listen"))
    for name in ("--secret-file", "--tls-cert", "--tls-key"):
        parser.add_argument(name, type=Path)
    asked = parser.parse_args()
    os.environ |= {_SEED: asked.seed, _SAMPLES: asked.samples}
    plan = listener.listening(asked.listen, asked.secret_file, asked.tls_cert, asked.tls_key)
    own = (sys.executable, "-m", "benchmark.drawn")
    asyncio.run(listener.listen(plan, partial(print, flush=True), own))


if __name__ == "__main__":
    _listen() if sys.argv[1:] else _serve()
