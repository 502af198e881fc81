"""The command: starts all servers, loads them in turns, prints a table, and ends what it started."""

import argparse
import os
from collections.abc import Sequence
from typing import NoReturn

from serving_lab.errors import LabError
from support.services import CATALOGUE

from benchmark.load import Outcome, Wrk
from benchmark.servers import Server, running
from benchmark.shell import command, say, trained_model, whole_number
from benchmark.table import table

_WARM_UP_SECONDS = 1


def main() -> NoReturn:
    """Exit with 0 when the table is printed, with 2 if it cannot be told."""
    names = [entry.name for entry in CATALOGUE.entries]
    parser = argparse.ArgumentParser(prog="make bench-services", description=__doc__)
    parser.add_argument("--seconds", type=whole_number, default=3, help="how long each server is loaded in each round")
    parser.add_argument("--rounds", type=whole_number, default=5)
    parser.add_argument("--service", action="append", choices=names, help="only this one; may be repeated")
    arguments = parser.parse_args()
    command(lambda: _measure(arguments.service or names, rounds=arguments.rounds, seconds=arguments.seconds))


def _measure(names: Sequence[str], *, rounds: int, seconds: int) -> None:
    of_servers, of_load = _processors()
    os.sched_setaffinity(0, {of_servers})  # what is started from here on inherits it
    entries = [entry for entry in CATALOGUE.entries if entry.name in names]
    with Wrk(of_load) as wrk, trained_model() as model_dir, running(entries, model_dir) as servers:
        for server in servers:
            wrk.send(server, seed=0, seconds=_WARM_UP_SECONDS)
        found: dict[str, list[Outcome]] = {server.name: [] for server in servers}
        for number in range(1, rounds + 1):
            say(f"round {number} of {rounds}, {len(servers) * seconds} s")
            # There and back, so that what drifts does not favor the one that comes first.
            for server in servers if number % 2 else reversed(servers):
                found[server.name].append(wrk.send(server, seed=number, seconds=seconds))
        _print(servers, found)


def _processors() -> tuple[int, int]:
    """One for all servers, another one for the load."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise LabError("servers and load need a processor each, and there is only one")
    return allowed[0], allowed[-1]


def _print(servers: Sequence[Server], found: dict[str, list[Outcome]]) -> None:
    print(table(servers, found))  # noqa: T201 - a command


if __name__ == "__main__":
    main()
