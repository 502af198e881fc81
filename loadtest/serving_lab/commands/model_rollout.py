"""`lab rollout run --model`: users move to a version of the model in stages, and it is promoted if that goes well.

A second instance of the primary follows the alias `challenger`. It is the candidate of an ordinary rollout, in which
predictions may differ; how far, the judgement of the model says. All of it is in one command, so that whatever ends it
leaves one instance and one version behind.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from serving_lab import exit_codes
from serving_lab.api.profile_file import read_description
from serving_lab.commands.console import console
from serving_lab.commands.rollout_options import Asked, Lab, options_of_model
from serving_lab.errors import LabError
from serving_lab.gateway.config import CHALLENGER
from serving_lab.model_judge import promotion
from serving_lab.model_judge.mirrored import MirroredMoves
from serving_lab.registry import command as registry_command
from serving_lab.registry import promoting
from serving_lab.registry.promoting import Followers
from serving_lab.rollout import command as rollout_command
from serving_lab.rollout.result import Ending
from serving_lab.rollout.state import StateFile
from serving_lab.stack.services import targets
from serving_lab.stack.updates import Challenger


@dataclass(frozen=True)
class AskedModel:
    """What is asked for besides the options of every rollout."""

    version: str
    """Its number, or an alias of it."""
    thresholds: Path | None
    wait_seconds: float
    """How long services may take to serve it."""


def run(asked: Asked, model: AskedModel, *, resumed: bool) -> int:
    """Judge a version, roll it out, and promote it; return the exit code.

    Raises:
        LabError: it is refused, another rollout runs, or something of the lab does not run.
    """
    lab = Lab.that_is_up()
    if not lab.settings.with_registry:
        raise LabError("the lab has no registry of models", hint="COMPOSE_PROFILES=registry in .env, then make up")
    registry = registry_command.Asked.of(None)
    number = registry.version(model.version).version
    with StateFile(asked.output).locked(), rollout_command.ended_once(), contextlib.ExitStack() as stack:
        if not resumed:
            rollout_command.require_nobody_moved(lab.control)
        moves = _judged(asked, model, registry, number, lab)
        if resumed:
            challenger = _left_over(lab)
        else:
            stack.callback(lab.put_challenger_away)
            challenger = _brought_in(lab, registry, number, model.wait_seconds)
        options = options_of_model(asked, lab, challenger, number, moves)
        result = rollout_command.conduct(options, console, resumed=resumed)
        if resumed:
            stack.callback(lab.put_challenger_away)
        if result.ending is not Ending.PROMOTED:
            return result.exit_code
        # All users are at the challenger, so nobody notices when the primary changes; then they go back to it.
        refused = ""
        if not registry_command.promote(registry, number, model.wait_seconds, console, as_json=False):
            refused = "not all services could serve it, so the champion is the one before"
            registry_command.rollback(registry, model.wait_seconds, console, as_json=False)
        lab.control.set_share(0)
        rollout_command.settle(options, result, refused)
        if refused:
            raise LabError(f"version {number}: {refused}", hint="the lines above say which, make logs says why")
        return exit_codes.OK


def _judged(asked: Asked, model: AskedModel, registry: registry_command.Asked, number: str, lab: Lab) -> MirroredMoves:
    """What judges mirrored predictions, once the version was judged by the rows that are known."""
    judgement = promotion.require(
        promotion.Promotion(
            registry=registry.registry,
            alias=registry.alias,
            number=number,
            thresholds=model.thresholds,
            output=asked.output,
            yes=asked.yes,
        ),
        console,
    )
    if judgement is None:
        raise LabError("there is nothing to roll out", hint="lab model list; the first version is promoted at once")
    places: dict[str, list[str]] = {}
    for call in read_description(lab.project.api_file, lab.settings.environment).requests.values():
        if not call.websocket:
            paths = (each.path for each in call.agree if each.per)
            places.setdefault(f"{call.request.method} {call.request.target}", []).extend(paths)
    return MirroredMoves(judgement, places)


def _left_over(lab: Lab) -> Challenger:
    found = lab.stack.instances().challenger()
    if found is None:
        raise LabError("the instance with the new version has ended", hint="lab rollout abort, then begin again")
    return found


def _brought_in(lab: Lab, registry: registry_command.Asked, number: str, wait_seconds: float) -> Challenger:
    """Start the challenger, and let the gateway know it once it serves the version."""
    instances = lab.stack.instances()
    instances.end_challenger()  # one that a command that was killed has left
    challenger = instances.start_challenger(targets(lab.settings)[0], CHALLENGER)
    followers = Followers({CHALLENGER: challenger.url}, registry.followers.model_sync)
    change = promoting.challenge(registry.registry, number, followers, wait_seconds)
    if change.problems:
        why = "; ".join(promoting.differing(change.problems))
        raise LabError(f"the second instance does not serve version {number}: {why}", hint="make ps")
    lab.control.bring_in_server(CHALLENGER, CHALLENGER, challenger.host, challenger.port)
    return challenger
