"""The draft as the text of a file that people go on writing."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from serving_lab.drafts.draft import Draft, DraftedRequest
from serving_lab.drafts.forms import changes_something, form_of
from serving_lab.text.phrases import visible
from serving_lab.text.yaml_text import block, comment, entry

TO_DO = "to do:"
"""What every comment begins with that a person has to look at."""
MIX = "reading"
_USUAL = frozenset({"GET", "POST"})
_SIGN = re.compile(r"[^a-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def text(draft: Draft, service: str, made_of: Sequence[str], command: str) -> str:
    """The file.

    Args:
        draft: what is in it.
        service: what is described, such as a URL.
        made_of: in words, what it was drafted from.
        command: what drafts it.
    """
    parts = [
        *comment(f"The API at {visible(service)}, drafted by {command} from {visible(' and '.join(made_of))}.", 0),
        *comment(f'Look at the lines with "{TO_DO}"; docs/guide.md explains the format.', 0),
    ]
    for section in (
        _sign_in(draft),
        _authorization(draft),
        _requests(draft),
        _mixes(draft),
        _parity(draft),
        _bench(draft),
    ):
        lines = list(section)
        if lines:
            parts += ["", *lines]
    return "\n".join(parts) + "\n"


def to_do(written: str) -> Iterator[tuple[int, str]]:
    """What a person has to look at in a file, each with its line."""
    for number, line in enumerate(written.splitlines(), 1):
        if line.lstrip().startswith(f"# {TO_DO}"):
            yield number, line.partition(f"# {TO_DO}")[2].strip()


def names(requests: Sequence[DraftedRequest]) -> dict[str, DraftedRequest]:
    """The requests by names for a file: the path in words, with the method where several have one path."""
    several = {each.template for each in requests if sum(other.template == each.template for other in requests) > 1}
    named: dict[str, DraftedRequest] = {}
    for each in requests:
        name = _words(each.template)
        if each.template in several or each.call.method not in _USUAL:
            name = f"{_SIGN.sub('', each.call.method.lower())}_{name}".lstrip("_")
        unique, number = name, 2
        while unique in named:
            unique, number = f"{name}_{number}", number + 1
        named[unique] = each
    return named


def _words(template: str) -> str:
    parts = []
    for segment in template.strip("/").split("/"):
        word = _SIGN.sub("_", _HUMP.sub("_", segment).lower()).strip("_")
        parts.append(f"by_{word}" if segment.startswith("{") and word else word)
    name = "_".join(filter(None, parts)) or "root"
    return name if name[0].isalpha() else f"at_{name}"


def _marked(told: Sequence[str], indent: int) -> Iterator[str]:
    for each in told:
        yield from comment(f"{TO_DO} {visible(each)}", indent)


def _sign_in(draft: Draft) -> Iterator[str]:
    access = draft.access
    if access.sign_in is None:
        return
    members: dict[str, Any] = {"request": form_of(access.sign_in), "save": dict(access.save)}
    if access.lifetime:
        members["lifetime"] = access.lifetime
    first, *lines = block("sign_in", members)
    yield first
    yield from _marked(access.sign_in_to_do, 1)
    yield from lines


def _authorization(draft: Draft) -> Iterator[str]:
    access = draft.access
    yield from _marked(access.authorization_to_do, 0)
    if access.authorization:
        yield from block("authorization", access.authorization)
    if access.query:
        yield from block("authorization_query", access.query)


def _requests(draft: Draft) -> Iterator[str]:
    if not draft.requests:
        return
    yield "requests:"
    for name, request in names(draft.requests).items():
        yield f"  {name}:"
        yield from _marked(request.to_do, 2)
        yield from entry("request", form_of(request.call), 2)
        if expect := _expect(request):
            yield from entry("expect", expect, 2)


def _expect(request: DraftedRequest) -> dict[str, Any]:
    expect: dict[str, Any] = {}
    if request.statuses and request.statuses != (200,):
        several = len(request.statuses) > 1
        expect["status"] = list(request.statuses) if several else request.statuses[0]
    if request.rules:
        expect["json"] = dict(request.rules)
    return expect


def _chosen(draft: Draft) -> list[str]:
    named = names(draft.requests)
    return [name for name, each in named.items() if each.succeeded and not changes_something(each)]


def _mixes(draft: Draft) -> Iterator[str]:
    chosen, named = _chosen(draft), names(draft.requests)
    others = [name for name, each in named.items() if changes_something(each)]
    if chosen:
        yield from comment("How often each request is sent under load, by weight: those that change nothing.", 0)
        yield from block("mixes", {MIX: dict.fromkeys(chosen, 1)})
        if others:
            yield from comment(f"Not in it, because they may change something: {', '.join(others)}", 1)
        return
    yield from _marked(["choose what lab bench sends: no request that changes nothing answered 2xx"], 0)
    examples: Mapping[str, int] = {others[0] if others else next(iter(named), "name"): 1}
    for line in (*block("mixes", {MIX: examples}), *block("bench", {"scenarios": _SCENARIOS})):
        yield f"# {line}"


_SCENARIOS = {MIX: {"title": "Ten clients, one request after the other each", "mix": MIX, "connections": 10}}


def _bench(draft: Draft) -> Iterator[str]:
    if _chosen(draft):
        yield "bench:"
        yield from block("scenarios", _SCENARIOS, 1)


def _parity(draft: Draft) -> Iterator[str]:
    if draft.parity:
        yield from block("parity", draft.parity)
