"""Runs of the generator as tests need them."""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec
from serving_lab.api.places import Draw
from serving_lab.api.values import Column, Row
from serving_lab.generator.fleet import Fleet
from serving_lab.generator.messages import Closed, Open, RunCommand, Template
from serving_lab.generator.outcome import RunOutcome
from support.subject import Behaviour, subject

RULES: Mapping[str, object] = {"$.prediction": "number", "$.cached": False}
PREDICT = Template(
    name="predict",
    weight=1,
    method="POST",
    head=[b"POST /predict HTTP/1.1\r\nHost: subject\r\nContent-Type: application/json\r\n"],
    body=[b'{"features": ', Draw("row", "value"), b"}"],
    has_length=True,
    statuses=[200],
    rules=json.dumps(RULES).encode(),
)
VALUES = {"row": Row([Column(quantiles=[0, 10], decimals=2), Column(quantiles=[1, 2, 4])])}


def run(url: str, loop: Closed | Open | None = None, **changes: object) -> RunCommand:
    """Return a run against this base URL: half a second, one connection in a closed loop, but for the changes."""
    parts = urlsplit(url)
    plain = RunCommand(
        host=parts.hostname or "",
        port=parts.port or 80,
        tls=False,
        templates=[PREDICT],
        values=dict(VALUES),
        seed=1,
        connections=1,
        loop=loop or Closed(),
        lead_in_seconds=0.1,
        seconds=0.5,
        timeout_seconds=2,
    )
    return msgspec.structs.replace(plain, **changes)


def send(
    fleet: Fleet,
    behaviour: Behaviour,
    loop: Closed | Open | None = None,
    first: Sequence[str] = (),
    **changes: object,
) -> RunOutcome:
    """Send such a run to a server that behaves like this, and whose command begins with `first`."""
    with subject(behaviour, first=first) as url:
        return fleet.run(run(url, loop, **changes))
