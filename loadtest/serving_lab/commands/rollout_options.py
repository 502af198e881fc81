"""What a rollout is asked for: the services of the lab that is up, or those behind a gateway that is named."""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from serving_lab.api.endpoint import Endpoint
from serving_lab.commands.console import console
from serving_lab.documents import finding
from serving_lab.documents.references import NotFollowedError
from serving_lab.documents.site import Site
from serving_lab.errors import LabError
from serving_lab.gateway.control import Control
from serving_lab.gateway.tap_launcher import TapBeside, TapLauncher
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.judgement.judge import Judging
from serving_lab.project import Project
from serving_lab.rollout import plan
from serving_lab.rollout.options import RolloutOptions, Service
from serving_lab.stack.base import Mode, Stack
from serving_lab.stack.choice import Choice
from serving_lab.stack.compose import Compose
from serving_lab.stack.environment import Settings
from serving_lab.stack.gateway import control_in_containers, control_on_host, own_address
from serving_lab.stack.service import LOOPBACK
from serving_lab.stack.services import running_targets, targets
from serving_lab.stack.tap_container import TapInContainer

_A_PAIR = 2


@dataclass(frozen=True)
class Asked:
    """The options of a command that begins or goes on."""

    file: Path | None
    candidate: str | None
    gateway: str | None
    services: Sequence[str]
    profile: Path | None
    intended: Sequence[Path] | None
    output: Path
    approve: bool
    yes: bool


def options(asked: Asked) -> RolloutOptions:
    """All that a rollout needs, of the lab that is up or of the gateway that is named.

    Raises:
        LabError: an option or a file is wrong, the lab is not up, or a service does not run.
    """
    if asked.gateway is None:
        if asked.services:
            raise LabError("--service belongs to --gateway", hint="--gateway tcp:HOST:PORT")
        return _of_lab(asked)
    named = [_named(each) for each in asked.services]
    if len(named) < _A_PAIR:
        raise LabError("a rollout has two services", hint="--service old=http://… --service new=http://…")
    candidate = _chosen(named[1:], asked.candidate)
    known = Profile.load(asked.profile, dict(os.environ), intended=asked.intended)
    return _made(asked, Control(asked.gateway), named[0], candidate, known, [candidate.url], _tap(None), asked.profile)


def _of_lab(asked: Asked) -> RolloutOptions:
    project = Project.find(otherwise="--gateway ADDRESS --service NAME=URL --service NAME=URL")
    settings = Settings.load(project)
    stack = Choice(project, settings, console).required()
    urls = {service.name: service.url for service in running_targets(stack, settings)}
    file = asked.file or (project.rollout_file if project.rollout_file.is_file() else None)
    catalogue = settings.catalogue
    first = next(name for name in urls if name != catalogue.baseline.name)
    stages = plan.read(file, catalogue.baseline.name, first)
    primary, candidate = stages.primary, asked.candidate or stages.candidate
    for each in (primary, candidate):
        if each not in urls:
            raise LabError(f"no service {each!r} runs", hint=f"choose from {', '.join(urls)}")
    declared = catalogue.intended(candidate) if primary == catalogue.baseline.name else None
    environment = dict(settings.environment)
    known = Profile.load(asked.profile or project.parity_profile, environment, intended=asked.intended or declared)
    documented = [each.name for each in catalogue.entries if "documentation" in each.besides and each.name in urls]
    return _made(
        replace(asked, file=file),
        _control_of(stack, project, settings),
        Service(primary, urls[primary]),
        Service(candidate, urls[candidate]),
        known,
        [urls[name] for name in documented],
        _launcher(stack, project, settings),
        project.api_file,
    )


def _made(
    asked: Asked,
    gateway: Control,
    primary: Service,
    candidate: Service,
    known: Profile,
    documented: Sequence[str],
    tap: TapLauncher | None,
    description: Path | None,
) -> RolloutOptions:
    """The options, with what parity knows of the API: rules and intended differences."""
    return RolloutOptions(
        control=gateway,
        primary=primary,
        candidate=candidate,
        file=asked.file,
        output=asked.output,
        judging=Judging(rules=known.rules, declarations=known.intended),
        templates=_templates(documented),
        tap=tap,
        description=description,
        approve=asked.approve,
        yes=asked.yes,
    )


def _templates(urls: Sequence[str]) -> tuple[str, ...]:
    """The paths of the OpenAPI document that one of these has at a usual place; none where there is none."""
    for url in urls:
        try:
            return finding.at_usual_place(Site(Endpoint.parse(url)))[1].templates
        except (LabError, NotFollowedError):
            continue  # Without a document, operations are told by what varies in paths.
    return ()


def control_and_launcher(gateway: str | None) -> tuple[Control, TapLauncher]:
    """The runtime socket of the gateway that is named, else of the lab's, and what runs taps beside it.

    Raises:
        LabError: the lab is not up.
    """
    if gateway is not None:
        return Control(gateway), _tap(None)
    project = Project.find(otherwise="--gateway ADDRESS")
    settings = Settings.load(project)
    stack = Choice(project, settings, console).required()
    return _control_of(stack, project, settings), _launcher(stack, project, settings)


def _control_of(stack: Stack, project: Project, settings: Settings) -> Control:
    if stack.mode is Mode.NATIVE:
        return control_on_host(project)
    return control_in_containers(settings)


def _named(given: str) -> Service:
    name, equals, url = given.partition("=")
    if not equals or not name or "://" not in url:
        raise LabError(f"{given!r} is not NAME=URL", hint="--service old=http://127.0.0.1:5000")
    return Service(name, url)


def _chosen(candidates: Sequence[Service], name: str | None) -> Service:
    for each in candidates:
        if name in {None, each.name}:
            return each
    raise LabError(
        f"no --service is called {name!r}", hint=f"choose from {', '.join(each.name for each in candidates)}"
    )


def _launcher(stack: Stack, project: Project, settings: Settings) -> TapLauncher:
    if stack.mode is Mode.NATIVE:
        return _tap(own_address(settings))
    urls = {service.url: service.container_url for service in targets(settings)}
    return TapInContainer(Compose(project, settings), project.root, urls)


def _tap(source: str | None) -> TapBeside:
    """A tap that listens at free ports of this machine, and calls services from this address."""
    with socket.socket() as http, socket.socket() as websockets:
        for each in (http, websockets):
            each.bind((LOOPBACK, 0))
        return TapBeside(LOOPBACK, http.getsockname()[1], websockets.getsockname()[1], source)
