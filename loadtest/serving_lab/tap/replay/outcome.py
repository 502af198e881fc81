"""From what was sent again to the result that people and programs read."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from serving_lab.documents.operations import Operations, decoded_path
from serving_lab.recordings.path_templates import path_templates
from serving_lab.recordings.tap_file import Tapped
from serving_lab.results.envelope import Metadata
from serving_lab.tap.replay.replaying import Replay, ReplayPlan, Sent
from serving_lab.tap.replay.result import Differing, Latency, OperationReplay, ReplayResult


def result_of(
    sending: Replay, plan: ReplayPlan, recording: str, metadata: Metadata, *, interrupted: bool = False
) -> ReplayResult:
    """What came of a replay."""
    replayed = sending.replayed
    operations = operations_of(sent.recorded for sent in replayed.sent)
    by_operation: dict[str, list[Sent]] = {}
    for sent in replayed.sent:
        request = sent.recorded.request
        by_operation.setdefault(operations.label(request.method, request.target), []).append(sent)
    warnings = []
    signed_in = (sent.recorded.request.request.header("authorization") for sent in replayed.sent)
    if not plan.description.authorization and any(signed_in):
        warnings.append("tokens that no answer of the replay gave were sent as pseudonyms: give --description")
    return ReplayResult(
        started=metadata.started,
        seconds=metadata.seconds,
        partial=replayed.partial or interrupted,
        seed=0,
        revision=metadata.revision,
        revision_unknown=metadata.revision_unknown,
        machine=metadata.machine,
        versions=metadata.versions,
        warnings=warnings,
        recording=recording,
        target=plan.endpoint.url,
        pace=plan.pace,
        sessions=replayed.sessions,
        sent=len(replayed.sent),
        unanswered=sum(sent.answer is None for sent in replayed.sent),
        left_out=dict(replayed.left_out),
        late=_latency([sent.late_seconds for sent in replayed.sent]) if plan.pace else None,
        operations=[_operation(name, sent) for name, sent in sorted(by_operation.items())],
        differing=[each for name, sent in sorted(by_operation.items()) for each in _differing(name, sent)],
    )


def operations_of(recorded: Iterable[Tapped]) -> Operations:
    """The operations of recorded requests, by what varies in their paths."""
    return Operations(path_templates(decoded_path(each.request.target) for each in recorded))


def _operation(name: str, sent: Sequence[Sent]) -> OperationReplay:
    answered = [each.seconds for each in sent if each.answer is not None]
    return OperationReplay(
        operation=name,
        sent=len(sent),
        same_status=sum(not _differs(each) for each in sent),
        recorded=_latency([each.recorded.primary.seconds for each in sent]),
        replayed=_latency(answered) if answered else None,
    )


def _differing(name: str, sent: Sequence[Sent]) -> list[Differing]:
    different = [each for each in sent if _differs(each)]
    counts = Counter((each.recorded.primary.status, _status(each)) for each in different)
    examples: dict[tuple[int, int], str] = {}
    for each in different:
        request = each.recorded.request
        examples.setdefault((each.recorded.primary.status, _status(each)), f"{request.method} {request.target}")
    return [
        Differing(operation=name, recorded=pair[0], replayed=pair[1], count=count, example=examples[pair])
        for pair, count in counts.most_common()
    ]


def _differs(sent: Sent) -> bool:
    """Whether the status is another one; nothing is said where none was recorded."""
    return sent.recorded.primary.status not in {0, _status(sent)}


def _status(sent: Sent) -> int:
    return sent.answer.status if sent.answer else 0


def _latency(seconds: Sequence[float]) -> Latency:
    p50, p99 = np.quantile(seconds, (0.5, 0.99))
    return Latency(p50=float(p50), p99=float(p99))
