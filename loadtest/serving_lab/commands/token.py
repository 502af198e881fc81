"""The command that signs in."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from serving_lab.api.endpoint import Endpoint
from serving_lab.api.profile_file import read_description
from serving_lab.commands.console import console
from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack.choice import Choice
from serving_lab.stack.environment import Settings
from serving_lab.stack.services import targets
from serving_lab.text.environment import Environment
from serving_lab.wire import signing_in

app = typer.Typer()


@app.command()
def token(
    url: Annotated[str | None, typer.Argument(help="Base URL of a service [default: the lab's own]")] = None,
    profile: Annotated[Path | None, typer.Option(help="How to sign in there [default: as in the lab]")] = None,
) -> None:
    """Sign in and print the token, or what else the profile saves first. A token of the lab is for all its services."""
    environment = Environment(os.environ)
    if url is None or profile is None:
        project = Project.find(otherwise="URL --profile FILE")
        settings = Settings.load(project)
        if url is None:
            Choice(project, settings, console).required()
            url = targets(settings)[0].url
        if profile is None:
            profile, environment = project.api_file, Environment(settings.environment)
    sign_in = read_description(profile, environment).sign_in
    if sign_in is None:
        raise LabError(f"{profile} does not say how to sign in", hint="sign_in: {request: ..., save: {token: $.token}}")
    grant = signing_in.sign_in(sign_in, Endpoint.parse(url))
    sys.stdout.write(f"{next(iter(grant.variables.values()))}\n")
