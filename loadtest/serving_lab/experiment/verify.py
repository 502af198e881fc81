"""Whether all targets answer rightly, and the same to the same requests, before anything is timed."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence

from serving_lab.api import json_path
from serving_lab.errors import LabError
from serving_lab.experiment.profile import Measured
from serving_lab.experiment.records import Verification
from serving_lab.experiment.targets import Target
from serving_lab.generator.drawing import drawn
from serving_lab.generator.messages import Closed, Run, Value
from serving_lab.wire import exchange
from serving_lab.wire.connection import TIMEOUT_SECONDS

REQUESTS_EACH = 25
TOLERANCE = 1e-9
"""Relative, between numbers: the last digits of a sum depend on its order."""


def verify(
    targets: Sequence[Target], requests: Iterable[Measured], values: Mapping[str, Value], seed: int
) -> Verification:
    """Send each kind of request some times to every target and check the answers.

    Raises:
        LabError: a target does not answer, an answer is wrong, or two differ that must not.
    """
    sent, compared = 0, set[str]()
    for measured in requests:
        answers = [_answers(target, measured, values, seed) for target in targets]
        sent += len(answers[0])
        for path in measured.agree:
            compared.add(path)
            for target, documents in zip(targets[1:], answers[1:], strict=True):
                for own, other in zip(answers[0], documents, strict=True):
                    _compare(measured, path, (targets[0].name, own), (target.name, other))
    return Verification(requests=sent, compared=sorted(compared))


def _answers(target: Target, measured: Measured, values: Mapping[str, Value], seed: int) -> list[object]:
    run = Run(
        host=target.endpoint.hostname,
        port=target.endpoint.port,
        tls=False,
        templates=[target.template(measured, 1.0, inside=False)],
        values=dict(values),
        seed=seed,
        connections=1,
        loop=Closed(),
        lead_in_seconds=0,
        seconds=0,
        timeout_seconds=TIMEOUT_SECONDS,
    )
    documents: list[object] = []
    for request in drawn(run, REQUESTS_EACH):
        answer = exchange.send_encoded(target.endpoint, request.content, measured.request.method)
        if wrong := request.checker.wrong(answer.status, answer.body):
            said = answer.body[:200].decode(errors="replace").strip()
            raise LabError(
                f"{target.name} answers {measured.name} wrongly: {wrong}: {answer.status} {said}",
                hint="fix the target, or what the profile expects: wrong answers are not worth timing",
            )
        documents.append(json.loads(answer.body) if measured.agree else None)
    return documents


def _compare(measured: Measured, path: str, baseline: tuple[str, object], candidate: tuple[str, object]) -> None:
    (name, document), (other_name, other) = baseline, candidate
    try:
        values = json_path.value_at(document, path), json_path.value_at(other, path)
    except LookupError:
        raise LabError(f"{measured.name}: an answer has no {path}, which the targets must agree on") from None
    if not _agree(*values):
        shown = [json.dumps(value)[:80] for value in values]
        raise LabError(
            f"{name} and {other_name} do not answer {measured.name} alike: {path} is {shown[0]} and {shown[1]}",
            hint="lab parity shows all that differs: what answers otherwise is not worth timing",
        )


def _agree(value: object, other: object) -> bool:
    match value, other:
        case (bool(), _) | (_, bool()):
            return value is other
        case (int() | float(), int() | float()):
            return math.isclose(value, other, rel_tol=TOLERANCE)
        case list(), list():
            return len(value) == len(other) and all(map(_agree, value, other))
        case dict(), dict():
            return value.keys() == other.keys() and all(_agree(value[key], other[key]) for key in value)
    return value == other
