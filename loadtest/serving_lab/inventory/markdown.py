"""The inventory as a Markdown page."""

from collections.abc import Iterator, Sequence

from serving_lab.inventory import words
from serving_lab.inventory.result import HOWS, InventoryResult, Operation, Place
from serving_lab.text.phrases import moment, visible


def page(result: InventoryResult) -> str:
    """The page."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: InventoryResult) -> Iterator[str]:
    yield f"# Inventory of {_cell(result.target)}"
    yield ""
    yield f"Draft by `lab inventory`, {moment(result.started)}: {HOWS[result.how]}. What"
    yield "stands here was read, not tried: look at what matters, and let `lab parity` show what the service does."
    yield ""
    framework = f"Framework: {_cell(result.framework)}. " if result.framework else ""
    yield f"{framework}{words.summary(result).capitalize()}."
    yield ""
    yield "## Operations"
    yield ""
    yield from _table(
        ("operation", "function", "let in", "takes", "waits for", "answers"),
        [
            (
                f"`{each.label}`",
                _function(each),
                words.let_in(each),
                words.takes(each),
                words.waits(each),
                words.statuses(each),
            )
            for each in result.operations
        ],
    )
    yield from _findings(result)
    yield from _blocking(result)
    yield from _errors(result)
    yield from _details(result)
    if result.hooks or result.extensions:
        yield "## Around every request"
        yield ""
        rows = [(each.when, each.name, each.group or "all", _place(each.place)) for each in result.hooks]
        if rows:
            yield from _table(("when", "what", "for", "where"), rows)
        if result.extensions:
            yield f"Extensions: {', '.join(map(_cell, result.extensions))}."
            yield ""
    if result.unread:
        yield "## What was not read"
        yield ""
        yield from (f"- {_cell(each)}" for each in result.unread)
        yield ""


def _findings(result: InventoryResult) -> Iterator[str]:
    if result.findings:
        yield "## Before it moves"
        yield ""
        yield from _table(
            ("what", "finding", "where"), [(each.kind, each.text, _place(each.place)) for each in result.findings]
        )


def _blocking(result: InventoryResult) -> Iterator[str]:
    rows: dict[tuple[str, ...], list[str]] = {}
    for operation in result.operations:
        for each in operation.blocking:
            key = (f"`{each.call}`", each.kind, words.async_helps(each), _place(each.place))
            rows.setdefault(key, []).append(f"`{operation.label}`")
    if rows:
        yield "## What requests wait for"
        yield ""
        yield "In `async def` each of these would stop its worker: keep the function `def`, or change the call."
        yield ""
        yield from _table(
            ("call", "kind", "async helps", "where", "operations"),
            [(*key, ", ".join(dict.fromkeys(labels))) for key, labels in rows.items()],
        )


def _errors(result: InventoryResult) -> Iterator[str]:
    forms = words.error_forms(result.operations)
    if forms:
        yield "## Forms of errors"
        yield ""
        yield from _table(
            ("status", "form", "operations"),
            [
                (status, f"`{form}`" if form.startswith("{") else form, ", ".join(f"`{label}`" for label in labels))
                for status, form, labels in forms
            ],
        )


def _details(result: InventoryResult) -> Iterator[str]:
    for each in result.operations:
        if not (each.checks or each.errors or each.parameters or each.writes or each.access):
            continue
        yield f"## `{each.label}`"
        yield ""
        if each.summary:
            yield _cell(each.summary)
            yield ""
        for way in each.access:
            yield f"- let in by {words.access(way)} ({way.through}{f', {way.place}' if way.place else ''})"
        for parameter in each.parameters:
            kind = parameter.schema.get("x-converter") or parameter.schema.get("type") or "any"
            yield f"- {parameter.where} `{parameter.name}`: {kind}{', required' if parameter.required else ''}"
        for write in each.writes:
            yield f"- changes `{write.name}` in memory ({write.place})"
        if each.access or each.parameters or each.writes:
            yield ""
        if each.checks:
            yield from _table(
                ("field", "rule", "otherwise", "where"),
                [
                    (
                        f"`{check.field}`" if check.field else "the body",
                        check.rule,
                        check.error or "",
                        _place(check.place),
                    )
                    for check in each.checks
                ],
            )
        if each.errors:
            yield from _table(
                ("status", "body", "by", "where"),
                [
                    (
                        str(error.status or "?"),
                        f"`{words.body(error.body)}`" if error.body is not None else "",
                        error.how,
                        _place(error.place),
                    )
                    for error in each.errors
                ],
            )


def _function(operation: Operation) -> str:
    name = f"`{operation.handler}`" if operation.handler else ""
    kind = " async" if operation.is_async else ""
    return f"{name}{kind} {_place(operation.place)}".strip()


def _place(place: Place | None) -> str:
    return str(place) if place else ""


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(map(_cell, row))} |"
    yield ""


def _cell(text: str | None) -> str:
    return visible(text or "").replace("\n", " ").replace("|", "\\|").replace("<", "&lt;")
