"""Whether all targets answer rightly, and the same to the same requests, before anything is timed."""

import json
from collections.abc import Iterable, Mapping, Sequence

from serving_lab.api import json_path
from serving_lab.api.agreement import agree
from serving_lab.api.description import Call
from serving_lab.api.values import Value
from serving_lab.errors import LabError
from serving_lab.experiment.records import Verification
from serving_lab.experiment.targets import Target
from serving_lab.generator.drawing import drawn
from serving_lab.generator.messages import Closed, RunCommand
from serving_lab.wire import exchange
from serving_lab.wire.connection import TIMEOUT_SECONDS
from serving_lab.wire.message import Answer

REQUESTS_EACH = 25


def verify(targets: Sequence[Target], calls: Iterable[Call], values: Mapping[str, Value], seed: int) -> Verification:
    """Send each kind of request some times to every target and check the answers.

    Raises:
        LabError: a target does not answer, an answer is wrong, or two differ that must not.
    """
    sent, compared = 0, set[str]()
    for call in calls:
        answers = [_answers(target, call, values, seed) for target in targets]
        sent += len(answers[0])
        for path in dict.fromkeys(each.path for each in call.agree):
            compared.add(path)
            for target, documents in zip(targets[1:], answers[1:], strict=True):
                for own, other in zip(answers[0], documents, strict=True):
                    _compare(call, path, (targets[0].name, own), (target.name, other))
    return Verification(requests=sent, compared=sorted(compared))


def _answers(target: Target, call: Call, values: Mapping[str, Value], seed: int) -> list[object]:
    run = RunCommand(
        host=target.endpoint.hostname,
        port=target.endpoint.port,
        tls=False,
        templates=[target.template(call, 1.0, inside=False)],
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
        answer = exchange.send_encoded(target.endpoint, request.content, call.request.method)
        wrong = request.checker.wrong(answer.status, answer.body)
        if wrong := wrong or call.expectation.header_checker.wrong(answer.header):
            said = answer.body[:200].decode(errors="replace").strip()
            raise LabError(
                f"{target.name} answers {call.name} wrongly: {wrong}: {answer.status} {said}",
                hint="fix the target, or what is expected of it: wrong answers are not worth timing",
            )
        documents.append(_document(target, call, answer) if call.agree else None)
    return documents


def _document(target: Target, call: Call, answer: Answer) -> object:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        what = "is not JSON" if answer.body else "is empty"
        raise LabError(
            f"{target.name} answers {call.name} with {answer.status}, and the body {what}: "
            f"the targets must agree on {', '.join(dict.fromkeys(each.path for each in call.agree))} in it",
            hint="leave agree out for this request, or expect another status",
        ) from None


def _compare(call: Call, path: str, baseline: tuple[str, object], candidate: tuple[str, object]) -> None:
    (name, document), (other_name, other) = baseline, candidate
    try:
        values = json_path.value_at(document, path), json_path.value_at(other, path)
    except LookupError:
        raise LabError(f"{call.name}: an answer has no {path}, which the targets must agree on") from None
    if not agree(*values):
        shown = [json.dumps(value)[:80] for value in values]
        raise LabError(
            f"{name} and {other_name} do not answer {call.name} alike: {path} is {shown[0]} and {shown[1]}",
            hint="lab parity shows all that differs: what answers otherwise is not worth timing",
        )
