"""Measure how a service grows, write docs/results/scaling.json, and fill docs/scaling.md and its plot from it.

FILL=1 fills the page from what has been measured before.
"""

import argparse
from collections.abc import Sequence
from typing import NoReturn

from serving_lab.results import files
from serving_lab.results.envelope import Metadata
from support.checkout import REPOSITORY
from support.services import CATALOGUE

from benchmark.scaling import page
from benchmark.scaling.measuring import CONNECTIONS, measure
from benchmark.scaling.result import ScalingResult
from benchmark.shell import command, trained_model, whole_number


def main() -> NoReturn:
    """Exit with 0 when the page is filled, with 2 if nothing can be told."""
    always = [entry.name for entry in CATALOGUE.entries if entry.profile is None]
    parser = argparse.ArgumentParser(prog="make scaling", description=__doc__)
    parser.add_argument("--seconds", type=whole_number, default=3, help="how long each arrangement is loaded each time")
    parser.add_argument("--rounds", type=whole_number, default=3)
    parser.add_argument("--service", action="append", choices=[entry.name for entry in CATALOGUE.entries])
    parser.add_argument("--fill", action="store_true", help="measure nothing")
    arguments = parser.parse_args()

    def work() -> None:
        if not arguments.fill:
            names = arguments.service or always
            files.write(page.RESULT, _measured(names, rounds=arguments.rounds, seconds=arguments.seconds))
        page.write()

    command(work)


def _measured(names: Sequence[str], *, rounds: int, seconds: int) -> ScalingResult:
    metadata = Metadata.begin(["numpy", "scipy", "uvloop"], REPOSITORY)
    with trained_model() as model_dir:
        services = [measure(CATALOGUE.entry(name), model_dir, rounds=rounds, seconds=seconds) for name in names]
    return ScalingResult(
        started=metadata.started,
        seconds=metadata.seconds,
        seed=0,
        revision=metadata.revision,
        revision_unknown=metadata.revision_unknown,
        machine=metadata.machine,
        versions=metadata.versions,
        connections=CONNECTIONS,
        services=services,
    )


if __name__ == "__main__":
    main()
