"""Two services of others: by their URLs, by the commands that start them, or by their images."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from serving_lab.api.endpoint import Endpoint
from serving_lab.errors import LabError
from serving_lab.gate.command import Pair, Work, WorkWith
from serving_lab.gate.sides import Elsewhere, Image, Program, Side, exposed_port
from serving_lab.stack.engine import Engine

HINT = "--base-url URL --head-url URL, or --base-command and --head-command, or --base-image and --head-image"


@dataclass(frozen=True)
class Given:
    """What was given for one side."""

    url: str | None
    command: str | None
    image: str | None

    @property
    def any(self) -> bool:
        """Whether there is anything."""
        return any(each is not None for each in (self.url, self.command, self.image))


def work(base: Given, head: Given, port: int | None, names: Sequence[str]) -> WorkWith:
    """Return what returns both sides: nothing has to be built for them.

    Args:
        base: One of its ways.
        head: One of its ways; it need not be that of base.
        port: Where images listen; None: what they say.
        names: Variables of this process that containers get.

    Raises:
        LabError: a side is given in no way or in several, or what is given cannot be used.
    """
    if unset := [name for name in names if name not in os.environ]:
        raise LabError(f"the variable {unset[0]} is not set", hint=f"export {unset[0]}=…")
    sides = [_side(name, given, port, names) for name, given in (("base", base), ("head", head))]
    words = [next(each for each in (given.url, given.command, given.image) if each) for given in (base, head)]
    pair = Pair("", sides[0], sides[1], (words[0], words[1]))
    return lambda _keeper, _console: Work([pair])


def _side(name: str, given: Given, port: int | None, names: Sequence[str]) -> Side:
    if sum(each is not None for each in (given.url, given.command, given.image)) != 1:
        raise LabError(f"{name} is to be given in one way", hint=HINT)
    if given.url is not None:
        return Elsewhere(Endpoint.parse(given.url))
    if given.command is not None:
        return Program.parse(given.command)
    assert given.image is not None  # noqa: S101 - one of them is given
    Engine.find()
    return Image(given.image, port or exposed_port(given.image), {name: os.environ[name] for name in names})
