"""From what a comparison found to its result: values, words and shell lines that table and page are made from."""

from collections.abc import Iterator, Mapping, Sequence

from serving_lab.api.endpoint import Endpoint
from serving_lab.parity.judgement.difference import shown
from serving_lab.parity.judgement.forms import in_words
from serving_lab.parity.judgement.noise import Variation
from serving_lab.parity.ledger import Cause, Fold, Ledger, Sighting, detectable_rate
from serving_lab.parity.outcome import Outcome
from serving_lab.parity.plan import ParityPlan
from serving_lab.parity.reporting import shell
from serving_lab.parity.result import CauseRecord, Example, Intended, NoiseRecord, ParityResult, Place, Sent, Side
from serving_lab.text.phrases import counted
from serving_lab.text.secrets import Secrets
from serving_lab.wire.message import Answer, Exchange

_SHOWN_BODY_CHARACTERS = 2000
_EXAMPLES = 12
"""Operations with a difference that have an example each."""


def result_of(outcome: Outcome) -> ParityResult:
    """The result of a comparison, as it is written to a file."""
    plan, ledger, metadata = outcome.plan, outcome.ledger, outcome.metadata
    return ParityResult(
        verdict=outcome.verdict,
        why=_why(outcome),
        started=metadata.started,
        seconds=round(outcome.seconds, 1),
        partial=bool(outcome.stopped),
        seed=plan.seed,
        revision=metadata.revision,
        revision_unknown=metadata.revision_unknown,
        machine=metadata.machine,
        versions=metadata.versions,
        warnings=[_writable(outcome.secrets.masked(warning)) for warning in outcome.warnings],
        repeat=plan.repeat,
        primary=_side(outcome, "primary", plan.primary),
        candidate=_side(outcome, "candidate", plan.candidate),
        second_primary=_side(outcome, "second primary", plan.second_primary) if plan.second_primary else None,
        sources=dict(ledger.sources),
        causes=[_cause(cause, outcome) for cause in ledger.causes],
        unsteady=[_cause(cause, outcome) for cause in ledger.unsteady],
        intended=_intended(ledger),
        noise=_noise(outcome),
        operations=_operations(ledger),
        detectable_rate=detectable_rate(ledger.requests),
        unsuccessful=outcome.unsuccessful,
    )


def _why(outcome: Outcome) -> str:
    causes, compared = outcome.ledger.cause_count, outcome.ledger.requests
    if causes:
        stopped = f" ({outcome.stopped})" if outcome.stopped else ""
        return f"{causes} undeclared difference{'s' * (causes > 1)} in {compared:,} requests{stopped}"
    if outcome.stopped:
        return f"it ended early: {outcome.stopped}"
    if outcome.ledger.unsteady:
        return "the primary differs from itself in more than values that vary"
    if outcome.ledger.coverage.nobody_let_in:
        return f"nobody was let in: nothing but errors came back to {compared:,} requests"
    if limited := outcome.ledger.coverage.never_compared:
        return f"{counted(len(limited), 'operation')} could not be compared: one side always answered 429"
    if outcome.verdict == "cannot tell" and outcome.unsuccessful:
        return f"{counted(len(outcome.unsuccessful), 'operation')} never answered 2xx, which --require-success asks for"
    if not compared:
        return "nothing was compared: no corpus, no OpenAPI document, no recorded requests"
    told = f"no undeclared difference in {compared:,} requests"
    without = len(outcome.unsuccessful)
    return f"{told}, but {counted(without, 'operation')} never answered 2xx" if without else told


def _side(outcome: Outcome, role: str, endpoint: Endpoint) -> Side:
    return Side(
        url=endpoint.url, server=outcome.servers[role], preparation=list(_preparation(outcome.plan, role, endpoint))
    )


def _preparation(plan: ParityPlan, role: str, here: Endpoint) -> Iterator[str]:
    profile = plan.profile
    if sign_in := profile.sign_in:
        there = plan.candidate if role == "primary" else plan.primary
        others = {f"other_{name}": where for name, where in sign_in.save.items()}
        yield from shell.assignments(sign_in.request, sign_in.save, here.url, here.host, profile.secrets)
        yield from shell.assignments(sign_in.request, others, there.url, there.host, profile.secrets)
    for request in profile.before:
        yield shell.command(request, here.url, here.host, profile.secrets)


def _cause(fold: Fold, outcome: Outcome) -> CauseRecord:
    cause, *_ = fold.causes
    ledger, difference = outcome.ledger, cause.difference
    primary, candidate = _sides(cause, outcome)
    distances = [each.relative for each in fold.causes if each.relative is not None]
    return CauseRecord(
        kind=difference.kind,
        where=difference.where,
        primary=primary,
        candidate=candidate,
        operations={each.operation: each.count for each in fold.causes},
        count=fold.count,
        compared=sum(ledger.compared[each.operation] for each in fold.causes),
        relative=max(distances, default=None),
        repeated=cause.repeated,
        reproduced=cause.reproduced,
        after=fold.consequence.operation if fold.consequence else "",
        after_proven=fold.consequence.proven if fold.consequence else False,
        varies=_varies(fold, outcome),
        follows=[outcome.secrets.masked(each) for each in difference.follows],
        example=_example(cause.smallest, outcome),
        places=[_place(each, outcome) for each in fold.causes[:_EXAMPLES]],
    )


def _place(cause: Cause, outcome: Outcome) -> Place:
    primary, candidate = _sides(cause, outcome)
    return Place(
        operation=cause.operation,
        primary=primary,
        candidate=candidate,
        count=cause.count,
        compared=outcome.ledger.compared[cause.operation],
        repeated=cause.repeated,
        reproduced=cause.reproduced,
        example=_example(cause.smallest, outcome),
    )


def _sides(cause: Cause, outcome: Outcome) -> tuple[str | None, str | None]:
    primary, candidate = cause.difference.primary, cause.difference.candidate
    return (
        None if primary is None else outcome.secrets.masked(primary),
        None if candidate is None else outcome.secrets.masked(candidate),
    )


def _varies(fold: Fold, outcome: Outcome) -> bool:
    first, *_ = (cause.difference.sides for cause in fold.causes)
    return any(
        cause.varies or cause.difference.sides != first or _sides(cause, outcome) != first for cause in fold.causes
    )


def _example(seen: Sighting, outcome: Outcome) -> Example:
    plan = outcome.plan
    commands = [
        shell.commands(seen.steps, endpoint.url, endpoint.host, plan.profile.secrets)
        for endpoint in (plan.primary, plan.candidate)
    ]
    return Example(
        case=_writable(seen.case.name),
        primary_command=commands[0],
        candidate_command=commands[1],
        primary_answer=_text(seen.primary, outcome.secrets),
        candidate_answer=_text(seen.candidate, outcome.secrets),
    )


def _intended(ledger: Ledger) -> list[Intended]:
    return [
        Intended(
            reason=_writable(declaration.reason),
            request=_writable(declaration.request),
            kind=declaration.kind,
            where=_writable(declaration.where),
            count=ledger.occurred[declaration],
            tried=ledger.tried[declaration],
        )
        for declaration in ledger.declarations
    ]


def _noise(outcome: Outcome) -> list[NoiseRecord]:
    return [
        NoiseRecord(
            request=noisy.field.request,
            where=noisy.field.where,
            forms=_forms(noisy.variation),
            example=outcome.secrets.masked(noisy.shown),
            late=noisy.late,
        )
        for noisy in sorted(outcome.noise, key=lambda each: (each.field.request, each.field.where))
    ]


def _forms(variation: Variation) -> list[str]:
    """How a field varies, in words."""
    words = [str(way) for way in sorted(variation.ways)] + sorted(variation.types)
    if variation.free:
        return [*words, "free text: compared no further"]
    for before, forms in variation.parts.items():
        behind = f" after {shown(before)}" if before else ""
        words += [f"{form}{behind}" for form in in_words(forms)]
    return words


def _operations(ledger: Ledger) -> list[Sent]:
    by_path: Sequence[tuple[str, int]] = sorted(ledger.compared.items(), key=lambda item: item[0].split(" ", 1)[::-1])
    return [
        Sent(
            request=operation,
            count=count,
            differing=ledger.differing[operation],
            detectable_rate=detectable_rate(count),
            primary_statuses=_statuses(ledger.coverage.operations[operation].primary),
            candidate_statuses=_statuses(ledger.coverage.operations[operation].candidate),
        )
        for operation, count in by_path
    ]


def _statuses(statuses: Mapping[int, int]) -> dict[str, int]:
    return {str(status): count for status, count in sorted(statuses.items())}


def _text(exchange: Exchange, secrets: Secrets) -> str:
    return "\n\n".join([*(_answer(answer, secrets) for answer in exchange.answers), f"({exchange.ending})"])


def _answer(answer: Answer, secrets: Secrets) -> str:
    # Half a secret would not be known for one, so they are masked before the body is cut.
    body = secrets.masked(answer.body.decode("utf-8", "backslashreplace"))
    cut = "…" if len(body) > _SHOWN_BODY_CHARACTERS else ""
    head = "\n".join([str(answer.status), *(f"{name}: {value}" for name, value in answer.headers)])
    return f"{secrets.masked(head)}\n\n{body[:_SHOWN_BODY_CHARACTERS]}{cut}"


def _writable(text: str) -> str:
    """The text with what UTF-8 cannot hold written out: files may have escapes of half a character."""
    return text.encode("utf-8", "backslashreplace").decode()
