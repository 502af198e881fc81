"""What a rollout is asked for: the services of the lab that is up, or those behind a gateway that is named."""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from serving_lab.api.endpoint import Endpoint
from serving_lab.commands.console import console
from serving_lab.documents import finding
from serving_lab.documents.references import NotFollowedError
from serving_lab.documents.site import Site
from serving_lab.errors import LabError
from serving_lab.gateway.config import CHALLENGER
from serving_lab.gateway.control import Control
from serving_lab.gateway.tap_launcher import TapBeside, TapLauncher
from serving_lab.parity.inputs.profile import Profile
from serving_lab.parity.judgement.judge import Judging
from serving_lab.project import Project
from serving_lab.rollout import plan
from serving_lab.rollout.options import RolloutOptions, Service
from serving_lab.rollout.pairs import Moves
from serving_lab.stack.base import Mode, Stack
from serving_lab.stack.choice import Choice
from serving_lab.stack.compose import Compose
from serving_lab.stack.environment import Settings
from serving_lab.stack.gateway import control_in_containers, control_on_host, own_address
from serving_lab.stack.service import LOOPBACK
from serving_lab.stack.services import running_targets, targets
from serving_lab.stack.tap_container import TapInContainer
from serving_lab.stack.updates import Challenger

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


@dataclass(frozen=True)
class Lab:
    """The lab of this checkout, which is up."""

    project: Project
    settings: Settings
    stack: Stack

    @classmethod
    def that_is_up(cls, otherwise: str | None = None) -> Self:
        """The lab; `otherwise` names the options with which a command needs none.

        Raises:
            LabError: it is not up, it has no gateway, or this is no checkout.
        """
        project = Project.find(otherwise=otherwise)
        settings = Settings.load(project)
        stack = Choice(project, settings, console).required()
        if stack.mode is Mode.KUBERNETES:
            raise LabError(
                "a rollout needs the lab's gateway, which a cluster does not have",
                hint="the weights in deploy/kubernetes/components/gateway, or MODE=containers",
            )
        return cls(project, settings, stack)

    @property
    def control(self) -> Control:
        """The runtime socket of its gateway."""
        if self.stack.mode is Mode.NATIVE:
            return control_on_host(self.project)
        return control_in_containers(self.settings)

    def launcher(self, challenger: Challenger | None = None) -> TapLauncher:
        """What runs taps beside its gateway, before its services and the challenger."""
        if self.stack.mode is Mode.NATIVE:
            return _tap(own_address(self.settings))
        urls = {service.url: service.container_url for service in targets(self.settings)}
        if challenger:
            urls[challenger.url] = challenger.inside_url
        return TapInContainer(Compose(self.project, self.settings), self.project.root, urls)

    def put_challenger_away(self) -> None:
        """Let all users be at the primary, and end the challenger; without one, nothing happens.

        Raises:
            LabError: the gateway does not answer; the challenger has ended all the same.
        """
        try:
            self.control.set_share(0)
            self.control.disable(CHALLENGER, CHALLENGER)
            self.control.wait_until_idle(CHALLENGER, CHALLENGER, self.settings.drain_seconds)
        finally:
            self.stack.instances().end_challenger()


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
    stages = plan.read(asked.file, named[0].name, named[1].name)
    candidate = _chosen(named[1:], asked.candidate or stages.candidate)
    known = Profile.load(asked.profile, dict(os.environ), intended=asked.intended)
    return _made(asked, Control(asked.gateway), named[0], candidate, known, [candidate.url], _tap(None), asked.profile)


def _of_lab(asked: Asked) -> RolloutOptions:
    lab = Lab.that_is_up("--gateway ADDRESS --service NAME=URL --service NAME=URL")
    project, settings = lab.project, lab.settings
    urls = {service.name: service.url for service in running_targets(lab.stack, settings)}
    catalogue = settings.catalogue
    first = next(name for name in urls if name != catalogue.baseline.name)
    stages = plan.read(_stages(asked, project), catalogue.baseline.name, first)
    primary, candidate = stages.primary, asked.candidate or stages.candidate
    for each in (primary, candidate):
        if each not in urls:
            raise LabError(f"no service {each!r} runs", hint=f"choose from {', '.join(urls)}")
    declared = catalogue.intended(candidate) if primary == catalogue.baseline.name else None
    return _made(
        replace(asked, file=_stages(asked, project)),
        lab.control,
        Service(primary, urls[primary]),
        Service(candidate, urls[candidate]),
        _known(asked, lab, declared),
        _documented(lab),
        lab.launcher(),
        project.api_file,
    )


def options_of_model(asked: Asked, lab: Lab, challenger: Challenger, version: str, moves: Moves) -> RolloutOptions:
    """The same for a version of the model, which a second instance of the primary serves.

    Raises:
        LabError: a file is wrong.
    """
    primary = targets(lab.settings)[0]
    made = _made(
        replace(asked, file=_stages(asked, lab.project)),
        lab.control,
        Service(primary.name, primary.url),
        Service(CHALLENGER, challenger.url),
        _known(asked, lab, [lab.project.model_intended]),
        _documented(lab),
        lab.launcher(challenger),
        lab.project.api_file,
    )
    return replace(made, model=version, moves=moves)


def _stages(asked: Asked, project: Project) -> Path | None:
    return asked.file or (project.rollout_file if project.rollout_file.is_file() else None)


def _known(asked: Asked, lab: Lab, declared: Sequence[Path] | None) -> Profile:
    environment = dict(lab.settings.environment)
    return Profile.load(asked.profile or lab.project.parity_profile, environment, intended=asked.intended or declared)


def _documented(lab: Lab) -> list[str]:
    """Where services answer that document their API."""
    entries = {entry.name: entry for entry in lab.settings.catalogue.entries}
    return [each.url for each in targets(lab.settings) if "documentation" in entries[each.name].besides]


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
    lab = Lab.that_is_up("--gateway ADDRESS")
    return lab.control, lab.launcher()


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


def _tap(source: str | None) -> TapBeside:
    """A tap that listens at free ports of this machine, and calls services from this address."""
    with socket.socket() as http, socket.socket() as websockets:
        for each in (http, websockets):
            each.bind((LOOPBACK, 0))
        return TapBeside(LOOPBACK, http.getsockname()[1], websockets.getsockname()[1], source)
