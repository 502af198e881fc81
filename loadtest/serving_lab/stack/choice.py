"""Which of the stacks a command is about: the engine and supervisord are asked, and which cluster was agreed to."""

from collections.abc import Callable

from rich.console import Console

from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack.base import Mode, Stack
from serving_lab.stack.base_images import BaseImages, NoBaseImagesError
from serving_lab.stack.containers import ContainerStack
from serving_lab.stack.engine import Engine
from serving_lab.stack.environment import Settings
from serving_lab.stack.kubernetes import KubernetesStack
from serving_lab.stack.native import NativeStack


class Choice:
    """The stacks of one checkout."""

    def __init__(self, project: Project, settings: Settings, console: Console) -> None:
        self._console = console
        self._stacks: dict[Mode, Stack] = {
            # First those that answer at once: asking the engine takes longer.
            Mode.NATIVE: NativeStack(project, settings, console),
            Mode.KUBERNETES: KubernetesStack(project, settings, console),
            Mode.CONTAINERS: ContainerStack(project, settings, console),
        }

    @property
    def all(self) -> list[Stack]:
        """Each of them, whether it runs or not."""
        return list(self._stacks.values())

    def running(self) -> Stack | None:
        """The stack that runs; None: none does."""
        return next((stack for stack in self.all if stack.running()), None)

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
            LabError: another one runs.
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
        consent: asks whether base images are to be built, or whether the lab is to go to a cluster.

    Raises:
        LabError: another stack runs, containers were asked for and their base images cannot be had, or nobody agreed
            to the cluster.
    """
    settings = Settings.load(project)
    stack = Choice(project, settings, console).to_start(mode)
    if isinstance(stack, KubernetesStack):
        stack.agree(consent)
    if stack.mode is not Mode.CONTAINERS:
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
