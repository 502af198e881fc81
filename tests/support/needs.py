"""What a test needs and a machine may not have: without it the test is skipped, with one reason.

CI has all of it, so that there (CI=true) the test fails: nobody takes a gap for a pass. What CI need not have either,
such as an image that only a registry offers, is skipped by `pytest.skip`.
"""

import os
import shutil
from collections.abc import Mapping
from typing import NoReturn

import pytest
from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack import engine
from serving_lab.stack.base_images import BaseImages
from serving_lab.stack.environment import merged, read

from support.checkout import REPOSITORY

_BASE_IMAGES = ("PYTHON_IMAGE", "PROMETHEUS_IMAGE", "REDIS_IMAGE", "HAPROXY_IMAGE")


def lacking(reason: str) -> NoReturn:
    """Skip the test, or fail it where everything is checked."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def needed(program: str, *, package: str) -> str:
    """The path of a program, which a package of Debian brings."""
    found = shutil.which(program) or shutil.which(program, path="/usr/bin:/usr/sbin")
    return found or lacking(f"no {program} here: apt-get install {package}")


def needed_engine() -> engine.Engine:
    """The container engine."""
    try:
        return engine.Engine.find()
    except LabError as error:
        lacking(f"{error}: make engine")


def needed_base_images(found: engine.Engine) -> Mapping[str, str]:
    """The base images by their settings: those that are set, else those built here, as `make up` takes them."""
    project = Project(REPOSITORY)
    here = merged(project, os.environ)
    built = BaseImages(project.root, {}, read(project.env_example)).local()
    chosen = {}
    for setting in _BASE_IMAGES:
        image = here[setting]
        if engine.has_image(image) or (found.may_fetch(image) and engine.pull(image)):
            chosen[setting] = image
        elif setting in built:
            chosen[setting] = built[setting]
        else:
            lacking(f"the image {image} cannot be had ({setting}): make base-images")
    return chosen
