"""Commands that bring the lab up, watch it, load it and end it."""

import os
import shutil
import sys
from typing import Annotated

import typer

from serving_lab import exit_codes
from serving_lab.commands.console import console
from serving_lab.project import Project
from serving_lab.stack import guide, preflight, secrets
from serving_lab.stack.base import Mode
from serving_lab.stack.choice import Choice, to_bring_up
from serving_lab.stack.environment import Settings, ensure_env_file
from serving_lab.stack.headless import LocustRun
from serving_lab.stack.services import known_services

app = typer.Typer()

_CODES_OF_LOAD = (exit_codes.OK, exit_codes.FOUND, exit_codes.INTERNAL_ERROR, exit_codes.INTERRUPTED)
_Mode = Annotated[Mode | None, typer.Option(help="How the lab runs; by default what this machine can.")]
_Names = Annotated[list[str] | None, typer.Argument(metavar="[SERVICE]...", help="By default all.")]


@app.command()
def up(mode: _Mode = None) -> None:
    """Bring the lab up, wait until it is ready, and say where everything is."""
    project = Project.find()
    if filled := ensure_env_file(project):
        console.print(f"Wrote {', '.join(filled)} to .env")
    stack, settings = to_bring_up(project, mode, console, _consent)
    answering = stack.up()
    console.print(guide.welcome(stack.mode, settings, answering))


@app.command()
def down() -> None:
    """End the lab and remove everything it left: processes, containers, volumes, logs."""
    ended = [stack.mode for stack in _choice().all if stack.down()]
    console.print(f"The lab is down ({ended[0]})." if ended else "Nothing was running.")


@app.command()
def restart(names: _Names = None) -> None:
    """Restart services and wait until they are ready again; those behind the gateway without downtime."""
    _choice().required().restart(names or [])
    console.print("Restarted.")


@app.command()
def logs(
    names: _Names = None,
    follow: Annotated[bool, typer.Option(help="Go on until interrupted.")] = True,
    lines: Annotated[int, typer.Option(min=0, help="How many of the last lines to begin with.")] = 50,
) -> None:
    """Show what the services write."""
    code = _choice().required().logs(names or [], follow=follow, lines=lines)
    raise typer.Exit(exit_codes.CANNOT_TELL if code else exit_codes.OK)


@app.command()
def ps() -> None:
    """Show how each service is: state, health, port, process, memory."""
    stack = _choice().running()
    if stack is None:
        console.print("The lab is not up. Bring it up: make up")
        return
    console.print(f"Mode {stack.mode}")
    console.print(guide.status_table(stack.status()))


@app.command()
def urls() -> None:
    """Say again where everything is and what to do there."""
    choice = _choice()
    stack = choice.required()
    names = {status.name for status in stack.status()}
    settings = Settings.load(Project.find())
    console.print(guide.welcome(stack.mode, settings, [s for s in known_services(settings) if s.name in names]))


@app.command()
def build(mode: _Mode = None) -> None:
    """Build what `up` needs: the images, or on the host the installed services and the model."""
    project = Project.find()
    ensure_env_file(project)
    to_bring_up(project, mode, console, _consent)[0].build()


@app.command()
def doctor(mode: _Mode = None) -> None:
    """Check what `up` needs, and say how to fix what is wrong; exit code 1 if `up` would fail."""
    project = Project.find()
    checks = Choice(project, Settings.load(project), console).to_start(mode).checks()
    guide.print_checks(console, checks)
    failing = any(check.outcome is preflight.Outcome.FAIL for check in checks)
    raise typer.Exit(exit_codes.FOUND if failing else exit_codes.OK)


@app.command()
def load(
    users: Annotated[int | None, typer.Option(min=1, help="Simulated users [default: LOCUST_USERS]")] = None,
    rate: Annotated[float | None, typer.Option(min=0.01, help="Users a second [default: LOCUST_SPAWN_RATE]")] = None,
    duration: Annotated[str | None, typer.Option(help="Such as 30s, 5m, 1h [default: LOAD_DURATION]")] = None,
) -> None:
    """Send load without a web UI. Exit code 1: a request failed or was answered wrongly, 2: none was answered."""
    project = Project.find()
    settings = Settings.load(project)
    plan = LocustRun.from_settings(settings.environment, users=users, spawn_rate=rate, duration=duration)
    code = Choice(project, settings, console).required().load(plan)
    # Whatever else the engine or a signal ended it with says nothing of the services.
    raise typer.Exit(code if code in _CODES_OF_LOAD else exit_codes.CANNOT_TELL)


@app.command()
def clean() -> None:
    """End the lab and remove what it built and wrote: images, the trained model, files of secrets and configuration."""
    project = Project.find()
    settings = Settings.load(project)
    for stack in Choice(project, settings, console).all:
        stack.down()
        stack.remove_built()
    shutil.rmtree(project.config_dir, ignore_errors=True)
    secrets.remove(settings.secrets_dir)


def _consent(question: str) -> bool:
    """Ask; YES=1 agrees beforehand, and where nobody is there to answer the answer is no."""
    if os.environ.get("YES") == "1":
        return True
    return sys.stdin.isatty() and typer.confirm(question)


def _choice() -> Choice:
    project = Project.find()
    return Choice(project, Settings.load(project), console)
