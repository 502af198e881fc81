"""A generator is lost in the midst of a run."""

import threading
from collections.abc import Callable
from unittest.mock import patch

import pytest
from serving_lab.generator.fleet import Fleet, GeneratorLostError
from serving_lab.generator.link import Link
from serving_lab.generator.messages import Command, Go, RunCommand

_say = Link.say


def lost_in(fleet: Fleet, command: RunCommand, loss: Callable[[], None]) -> GeneratorLostError:
    """The error of a run, soon after the beginning of which something is done."""
    midst = threading.Timer(0.4, loss)

    def said(link: Link, message: Command) -> None:
        _say(link, message)
        if isinstance(message, Go) and not midst.is_alive():
            midst.start()

    with patch.object(Link, "say", said), pytest.raises(GeneratorLostError) as caught:
        fleet.run(command)
    return caught.value
