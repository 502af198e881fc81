"""The base images of the stack in containers: fetched, found on this machine, or built from Debian's packages.

deploy/base-images.sh builds them and writes their names to .env. Decided here: whether that is needed and possible.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from rich.console import Console

from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack import engine
from serving_lab.stack.environment import Settings, read
from serving_lab.stack.preflight import Check, Outcome

GATEWAY_IMAGE = "HAPROXY_IMAGE"
_QUESTION = "Build them here from Debian's packages (about two minutes, 600 MB of disk)?"


class NoBaseImagesError(LabError):
    """Base images can neither be fetched nor be built here."""


@dataclass(frozen=True)
class BaseImages:
    """The base images of a stack.

    Args:
        root: the checkout.
        wanted: image by the name of its setting, such as PYTHON_IMAGE: those that the stack cannot do without.
        defaults: the same settings as .env.example has them. Only these images are replaced by ones built here: who
            names an image of their own wants that one.
        optional: images that it can do without.
    """

    root: Path
    wanted: Mapping[str, str]
    defaults: Mapping[str, str]
    optional: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, project: Project, settings: Settings) -> Self:
        """Return the base images of a checkout with these settings."""
        names = ("PYTHON_IMAGE", "PROMETHEUS_IMAGE", *(("REDIS_IMAGE",) if settings.with_redis else ()))
        wanted = {name: settings.environment[name] for name in names}
        return cls(
            project.root, wanted, read(project.env_example), {GATEWAY_IMAGE: settings.environment[GATEWAY_IMAGE]}
        )

    def provide(self, console: Console, consent: Callable[[str], bool]) -> bool:
        """Make sure that the images are on this machine; return whether .env names others now.

        Args:
            console: where it is said what is used instead.
            consent: asks a question and returns whether the answer is yes.

        Raises:
            NoBaseImagesError: they cannot be had, or nobody agreed to build them.
            LabError: an image that somebody chose cannot be had, or a build failed.
        """
        missing = _not_to_be_had(self.wanted)
        if not missing:
            return self._provide_optional(console, consent)
        if chosen := [setting for setting in missing if self._chosen(setting)]:
            image = missing[chosen[0]]
            raise LabError(f"the image {image} cannot be had ({chosen[0]})", hint=f"set {chosen[0]} in .env to another")
        names = ", ".join(missing.values())
        if missing.keys() <= self.local().keys():
            console.print(f"{names} cannot be fetched: the images built on this machine are used", soft_wrap=True)
        elif reason := _cannot_build():
            raise NoBaseImagesError(f"{names} cannot be fetched, and cannot be built here: {reason}")
        elif not consent(f"{names} cannot be fetched. {_QUESTION}"):
            raise NoBaseImagesError(
                f"{names} cannot be fetched, and nobody agreed to build them", hint="make base-images, or YES=1"
            )
        self._build()
        return True

    def had(self, setting: str) -> str | None:
        """Return the image of a setting as it can be had without building it: itself, or one built here earlier."""
        image = {**self.wanted, **self.optional}[setting]
        if not _not_to_be_had({setting: image}):
            return image
        return None if self._chosen(setting) else self.local().get(setting)

    def _provide_optional(self, console: Console, consent: Callable[[str], bool]) -> bool:
        """The same for what the stack can do without: nothing of it is an error."""
        missing = _not_to_be_had(self.optional)
        if not missing or any(self._chosen(setting) for setting in missing):
            return False
        names = ", ".join(missing.values())
        if missing.keys() <= self.local().keys():
            console.print(f"{names} cannot be fetched: the images built on this machine are used", soft_wrap=True)
        elif _cannot_build() or not consent(f"{names} cannot be fetched. {_QUESTION}"):
            return False
        self._build()
        return True

    def _build(self) -> None:
        """Build those that are not here, and write the names of all to .env."""
        if subprocess.run([self._script], env={**os.environ, "YES": "1"}, check=False).returncode != 0:  # noqa: S603
            raise LabError("the base images could not be built; the lines above say why", hint="make base-images")

    def checks(self, found: engine.Engine) -> list[Check]:
        """Return whether each image can be had, and how, without changing anything."""
        local = self.local()
        checks = [self._check(setting, image, local, found) for setting, image in self.wanted.items()]
        for setting, image in self.optional.items():
            check = self._check(setting, image, local, found)
            if check.outcome is Outcome.FAIL:
                check = replace(check, outcome=Outcome.WARN, hint="the lab comes up without it")
            checks.append(check)
        return checks

    def local(self) -> dict[str, str]:
        """Return the images built here earlier, by setting."""
        listed = subprocess.run([self._script, "local"], capture_output=True, text=True, check=False)  # noqa: S603
        return dict(line.split("=", 1) for line in listed.stdout.splitlines())

    def _check(self, setting: str, image: str, local: Mapping[str, str], found: engine.Engine) -> Check:
        if engine.has_image(image):
            return Check(setting, Outcome.OK, f"{image} is here")
        if found.may_fetch(image):
            return Check(setting, Outcome.OK, f"{image} will be fetched")
        detail = f"{image} is not here, and its registry cannot be reached"
        if self._chosen(setting):
            return Check(setting, Outcome.FAIL, detail, f"set {setting} in .env to another")
        if setting in local:
            return Check(setting, Outcome.OK, f"{detail}: {local[setting]} will be used")
        if reason := _cannot_build():
            return Check(setting, Outcome.FAIL, f"{detail}, and it cannot be built here: {reason}", "make base-images")
        return Check(setting, Outcome.WARN, f"{detail}: it has to be built", "make up asks, or make base-images")

    def _chosen(self, setting: str) -> bool:
        return {**self.wanted, **self.optional}[setting] != self.defaults.get(setting)

    @property
    def _script(self) -> Path:
        return self.root / "deploy" / "base-images.sh"


def _not_to_be_had(images: Mapping[str, str]) -> dict[str, str]:
    """Which of these images are neither here nor can be fetched; those that can are, by now."""
    found = engine.Engine.find()
    return {
        setting: image
        for setting, image in images.items()
        if not engine.has_image(image) and not (found.may_fetch(image) and engine.pull(image))
    }


def _cannot_build() -> str | None:
    """Why Debian's packages cannot become an image on this machine; None where they can."""
    if os.geteuid() != 0:
        return "that needs root (sudo make base-images)"
    if shutil.which("debootstrap") is None and shutil.which("apt-get") is None:
        return "there is neither debootstrap nor apt-get"
    return None
