"""Words for what was found, the same on the terminal and in the page."""

import json
from collections.abc import Iterable
from typing import Any

from serving_lab.inventory.result import Access, BlockingCall, ErrorForm, InventoryResult, Operation

NOTHING_SEEN = "none seen"
"""Of an operation that asks for nothing, as far as its code shows."""
_LONGEST = 100


def let_in(operation: Operation) -> str:
    """How an operation lets requests in."""
    return ", ".join(dict.fromkeys(map(access, operation.access))) or NOTHING_SEEN


def access(each: Access) -> str:
    """A way to be let in."""
    if each.kind in {"bearer", "basic"}:
        return each.kind if each.name == "Authorization" else f"{each.kind} ({each.name})"
    if each.kind == "session":
        return f"session ({each.name})"
    return f"{each.kind} {each.name}" if each.kind != "other" else each.name


def takes(operation: Operation) -> str:
    """What an operation takes, in short."""
    parts = []
    if operation.body is not None:
        properties = operation.body.schema.get("properties")
        required = operation.body.schema.get("required", ())
        names = (
            [name if name in required else f"{name}?" for name in properties] if isinstance(properties, dict) else []
        )
        parts.append(f"{operation.body.kind}: {', '.join(names)}" if names else operation.body.kind)
    query = [each.name if each.required else f"{each.name}?" for each in operation.parameters if each.where == "query"]
    if query:
        parts.append(f"query: {', '.join(query)}")
    return "; ".join(parts)


def waits(operation: Operation) -> str:
    """What it waits for, in short."""
    return ", ".join(dict.fromkeys(each.kind for each in operation.blocking))


def async_helps(each: BlockingCall) -> str:
    """Whether async code would let others in meanwhile."""
    if not each.async_helps:
        return "no: it computes"
    return f"yes: {each.instead}" if each.instead else "yes"


def statuses(operation: Operation) -> str:
    """The statuses that it answers, as far as they are seen."""
    found = {each.status for each in operation.answers} | {
        each.status for each in operation.errors if each.status is not None
    }
    return " ".join(map(str, sorted(found)))


def body(value: Any) -> str:  # noqa: ANN401 - JSON
    """A body in short."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def error_forms(operations: Iterable[Operation]) -> list[tuple[str, str, list[str]]]:
    """The forms of errors: status, form without its words, and the operations that have it."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for operation in operations:
        for each in operation.errors:
            found.setdefault((_status(each), _form(each)), {})[operation.label] = None
    return [(status, form, list(labels)) for (status, form), labels in sorted(found.items())]


def summary(result: InventoryResult) -> str:
    """The whole in a line."""
    count = len(result.operations)
    open_ones = sum(not each.access for each in result.operations)
    checked = sum(bool(each.checks) for each in result.operations)
    waiting = sum(any(call.async_helps for call in each.blocking) for each in result.operations)
    computing = sum(any(not call.async_helps for call in each.blocking) for each in result.operations)
    parts = [
        f"{count} operation{'' if count == 1 else 's'}",
        f"{open_ones} with no sign-in seen",
        f"{checked} with checks of their requests",
    ]
    if result.how in {"import", "source"}:
        parts += [
            f"{waiting} that wait for something else (async helps)",
            f"{computing} that compute for long (it does not)",
        ]
    return ", ".join(parts)


def _status(error: ErrorForm) -> str:
    return str(error.status) if error.status is not None else "?"


def _form(error: ErrorForm) -> str:
    if isinstance(error.body, dict):
        return "{" + ", ".join(f'"{name}": …' for name in error.body) + "}"
    if error.how.startswith("the framework") or error.how in {"abort", "first_or_404", "get_or_404"}:
        return "the framework's own page"
    if error.how.startswith("raise"):
        return error.how
    return "text" if isinstance(error.body, str) else "not known"
