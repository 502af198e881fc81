"""The base images of the stack in containers: fetched, found on this machine, or built from Debian's packages.

deploy/base-images.sh builds them and writes their names to .env. Decided here: whether that is needed and possible.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from serving_lab.errors import LabError
from serving_lab.stack import engine

_QUESTION = "Build them here from Debian's packages (about two minutes, 600 MB of disk)?"


class NoBaseImagesError(LabError):
    """Base images can neither be fetched nor be built here."""


@dataclass(frozen=True)
class BaseImages:
    """The base images that a stack needs.

    Args:
        root: the checkout.
        wanted: image by the name of its setting, such as PYTHON_IMAGE.
        defaults: the same settings as .env.example has them. Only these images are replaced by ones built here: who
            names an image of their own wants that one.
    """

    root: Path
    wanted: Mapping[str, str]
    defaults: Mapping[str, str]

    def provide(self, console: Console, consent: Callable[[str], bool]) -> bool:
        """Make sure that the images are there, or can be fetched; return whether .env names others now.

        Args:
            console: where it is said what is used instead.
            consent: asks a question; whether the answer is yes.

        Raises:
            NoBaseImagesError: they cannot be had, or nobody agreed to build them.
            LabError: an image that somebody chose cannot be had.
        """
        found = engine.Engine.find()
        missing = {
            setting: image
            for setting, image in self.wanted.items()
            if not engine.has_image(image) and not (found.may_fetch(image) and engine.pull(image))
        }
        if not missing:
            return False
        for setting, image in missing.items():
            if image != self.defaults.get(setting):
                raise LabError(f"the image {image} cannot be had ({setting})", hint=f"set {setting} in .env to another")
        names = ", ".join(missing.values())
        if missing.keys() - self.local().keys():
            if reason := _cannot_build():
                raise NoBaseImagesError(f"{names} cannot be fetched, and cannot be built here: {reason}")
            if not consent(f"{names} cannot be fetched: no registry answers. {_QUESTION}"):
                raise NoBaseImagesError(
                    f"{names} cannot be fetched, and nobody agreed to build them", hint="make base-images, or YES=1"
                )
        else:
            console.print(f"{names} cannot be fetched: the images built on this machine are used", soft_wrap=True)
        # Where all are there it only writes their names to .env.
        if subprocess.run([self._script], env={**os.environ, "YES": "1"}, check=False).returncode != 0:  # noqa: S603
            raise LabError("the base images could not be built; the lines above say why", hint="make base-images")
        return True

    def local(self) -> dict[str, str]:
        """Return the images built here earlier, by setting."""
        listed = subprocess.run([self._script, "local"], capture_output=True, text=True, check=False)  # noqa: S603
        return dict(line.split("=", 1) for line in listed.stdout.splitlines())

    @property
    def _script(self) -> Path:
        return self.root / "deploy" / "base-images.sh"


def _cannot_build() -> str | None:
    """Why Debian's packages cannot become an image on this machine; None where they can."""
    if os.geteuid() != 0:
        return "that needs root (sudo make base-images)"
    if shutil.which("debootstrap") is None and shutil.which("apt-get") is None:
        return "there is neither debootstrap nor apt-get"
    return None
