"""A process of the generator, `python -m serving_lab.generator`: takes commands from standard input until it closes."""

import asyncio
import gc
import os
import sys
import time

import uvloop

from serving_lab.generator import messages
from serving_lab.generator.load_run import CannotRunError, LoadRun
from serving_lab.generator.loops import load_run
from serving_lab.generator.messages import AskClock, Built, ClockReply, Failed, Go, Reply, RunCommand


def main() -> None:
    """Serve the laboratory at the other end of the standard streams, until it is gone."""
    try:
        _serve()
    except BrokenPipeError:
        # Python flushes standard output once more when it ends, and would report the same error again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _serve() -> None:
    commands, answers = sys.stdin.buffer, sys.stdout.buffer
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        load: LoadRun | None = None
        while (command := messages.read_command(commands)) is not None:
            match command:
                case RunCommand():
                    load, answer = _prepared(runner, command)
                case AskClock():
                    answer = ClockReply(time.perf_counter())
                case Go(at):
                    answer = _gone(runner, load, at)
                    load = None
            messages.write(answers, answer)


def _prepared(runner: asyncio.Runner, run: RunCommand) -> tuple[LoadRun | None, Reply]:
    try:
        load = load_run(run)
        runner.run(_connected(load))
    except (CannotRunError, ValueError) as error:
        return None, Failed(str(error))
    return load, Built()


def _gone(runner: asyncio.Runner, load: LoadRun | None, at: float) -> Reply:
    if load is None:
        return Failed("there is nothing to start")
    gc.freeze()
    gc.disable()
    done = runner.run(load.go(at))
    gc.enable()
    return done


async def _connected(load: LoadRun) -> None:
    await load.connect()


if __name__ == "__main__":
    main()
