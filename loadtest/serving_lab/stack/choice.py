"""Which of the two stacks a command is about: the engine and supervisord are asked; nothing is remembered."""

from collections.abc import Callable

from rich.console import Console

from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack.base import Mode, Stack
from serving_lab.stack.base_images import BaseImages, NoBaseImagesError
from serving_lab.stack.containers import ContainerStack
from serving_lab.stack.engine import Engine
from serving_lab.stack.environment import Settings
from serving_lab.stack.native import NativeStack


class Choice:
    """Both stacks of one checkout."""

    def __init__(self, project: Project, settings: Settings, console: Console) -> None:
        self._console = console
        self._stacks: dict[Mode, Stack] = {
            # First the one whose socket answers at once: asking the engine takes longer.
            Mode.NATIVE: NativeStack(project, settings, console),
            Mode.CONTAINERS: ContainerStack(project, settings, console),
        }

    @property
    def both(self) -> list[Stack]:
        """The stack on the host and the one in containers."""
        return list(self._stacks.values())

    def running(self) -> Stack | None:
        """The stack that runs; None: neither does."""
        return next((stack for stack in self.both if stack.running()), None)

    def required(self) -> Stack:
        """The stack that runs.

        Raises:
            LabError: none does.
        """
        if (stack := self.running()) is None:
            raise LabError("the lab is not up", hint="make up")
        return stack

    def to_start(self, mode: Mode | None) -> Stack:
        """The stack to bring up: the one asked for, else the one that runs, else what this machine can run; says why.

        Raises:
            LabError: the other one runs.
        """
        running = self.running()
        if running and mode and running.mode is not mode:
            raise LabError(f"the lab is up already, as {running.mode}", hint=f"make down, then make up MODE={mode}")
        if running:
            return running
        if mode:
            return self._stacks[mode]
        try:
            found = Engine.find()
        except LabError as error:
            self._console.print(f"Mode native: {error}. To force the other: MODE=containers", soft_wrap=True)
            return self._stacks[Mode.NATIVE]
        self._console.print(f"Mode containers: engine {found.version} answers. To force the other: MODE=native")
        return self._stacks[Mode.CONTAINERS]


def to_bring_up(
    project: Project, mode: Mode | None, console: Console, consent: Callable[[str], bool]
) -> tuple[Stack, Settings]:
    """Return the stack to bring up, with its base images on this machine, and its settings.

    Where base images cannot be had, and nobody asked for containers, it is the one on the host.

    Args:
        project: the checkout.
        mode: the stack that is asked for; None: what this machine can.
        console: where the choice is explained.
        consent: asks whether base images are to be built.

    Raises:
        LabError: the other stack runs, or containers were asked for and their base images cannot be had.
    """
    settings = Settings.load(project)
    stack = Choice(project, settings, console).to_start(mode)
    if stack.mode is Mode.NATIVE:
        return stack, settings
    try:
        recorded = BaseImages.of(project, settings).provide(console, consent)
    except NoBaseImagesError as error:
        if mode is not None:
            raise
        console.print(f"Mode native: {error}. To force the other: MODE=containers", soft_wrap=True)
        return NativeStack(project, settings, console), settings
    if recorded:
        settings = Settings.load(project)
    return ContainerStack(project, settings, console), settings
