"""`lab footprint`: from options to a measurement, from its result to what a person and a program read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from serving_lab import exit_codes
from serving_lab.errors import InterruptedBeforeResultError, LabError
from serving_lab.experiment.interruption import sigterm_interrupts
from serving_lab.footprint import subjects, table
from serving_lab.footprint.inputs import Inputs
from serving_lab.footprint.measurement import FootprintMeasurement, FootprintPlan
from serving_lab.footprint.subjects import Lab
from serving_lab.results import files
from serving_lab.stack.base import Mode
from serving_lab.text.progress import TerminalProgress

FILE = "footprint.json"


@dataclass(frozen=True)
class FootprintOptions:
    """What can be asked for."""

    profile: Path | None
    images: Sequence[str]
    """NAME=IMAGE each."""
    base: str | None
    port: int | None
    ready_path: str
    plan: FootprintPlan
    output: Path


def footprint(options: FootprintOptions, lab: Lab | None, environment: Mapping[str, str], console: Console) -> int:
    """Measure, show and write the result; return the exit code. An interruption keeps what was measured.

    Args:
        options: What is asked for.
        lab: The lab as it runs, where its services are measured; None: the targets of the file or the images are.
        environment: What `${env:NAME}` in files stands for.
        console: Where progress and table go.

    Raises:
        LabError: an option or a file is wrong, or something cannot be measured.
    """
    inputs = Inputs.load_file(options.profile, environment) if options.profile else None
    targets = []
    if inputs and lab:
        targets = subjects.of_lab(lab, inputs)
    elif inputs:
        targets = subjects.of_file(inputs)
    targets += subjects.of_images(_named(options.images), options.base, options.port, options.ready_path)
    if len({target.name for target in targets}) < len(targets):
        raise LabError("two targets have the same name", hint="give each --image another")
    native = not any(target.image for target in targets)
    measurement = FootprintMeasurement(targets, inputs, options.plan, Mode.NATIVE if native else Mode.CONTAINERS)
    interrupted = False
    try:
        with sigterm_interrupts(), TerminalProgress(console, measurement.expected_seconds) as progress:
            measurement.run(progress)
    except KeyboardInterrupt:
        interrupted = True
    if interrupted and not measurement.has_begun:
        raise InterruptedBeforeResultError("interrupted before anything was measured")
    result = measurement.result()
    path = options.output / FILE
    files.write(path, result, "--output DIR")
    table.print_result(console, result, [path])
    return exit_codes.INTERRUPTED if interrupted else exit_codes.OK


def _named(images: Sequence[str]) -> dict[str, str]:
    named: dict[str, str] = {}
    for given in images:
        name, equals, image = given.partition("=")
        if not equals or not name or not image or name in named:
            raise LabError(
                f"{given!r} is not NAME=IMAGE, or repeats a name",
                hint="--image old=registry/api:1 --image new=registry/api:2",
            )
        named[name] = image
    return named
