"""From stacks to what is compared: own and inclusive times of functions, times of packages, and one tree of all."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from serving_lab.explain import differences
from serving_lab.explain.records import Change, Explained, Flames, Kind
from serving_lab.explain.stacks import Function, Stack

Profile = Mapping[Stack, float]
"""CPU seconds for a request, by stack."""

LEAST_SHARE = 0.005
"""Of the CPU time of both sides together, below which a function is not looked at: a few samples tell nothing, and each
thing more makes all intervals wider. The sum of both sides says nothing of their difference, so this is no peeking."""
_SHOWN_SHARE = 0.001
"""Of either side's CPU time, below which a node of the tree is counted to its parent."""


class Key(NamedTuple):
    """What is looked at."""

    kind: Kind
    of: Function | str


def explained(candidate: str, pairs: Sequence[tuple[Profile, Profile]]) -> Explained:
    """Compare the profiles of baseline and candidate, pair by pair."""
    sides = [[_times(profile) for profile in side] for side in zip(*pairs, strict=True)]
    keys = _looked_at(sides)
    columns = [np.array([[times.get(key, 0.0) for key in keys] for times in side]) for side in sides]
    found = differences.intervals(columns[1] - columns[0]) if keys else None
    halves: list[float | None] = [*found.halves.tolist()] if found else [None] * len(keys)
    means = [column.mean(axis=0) for column in columns]
    lines = {function: function.line for side in zip(*pairs, strict=True) for p in side for s in p for function in s}
    changes = [
        _change(key, float(old), float(new), half, lines)
        for key, old, new, half in zip(keys, *means, halves, strict=True)
    ]
    return Explained(
        candidate=candidate,
        pairs=len(pairs),
        changes=sorted(changes, key=lambda each: -abs(each.difference)),
        flames=_flames(pairs),
    )


def _times(profile: Profile) -> dict[Key, float]:
    times: dict[Key, float] = defaultdict(float)
    for stack, seconds in profile.items():
        times[Key("own", stack[-1])] += seconds
        times[Key("package", stack[-1].package)] += seconds
        for function in set(stack):
            times[Key("inclusive", function)] += seconds
    return times


def _looked_at(sides: Sequence[Sequence[Mapping[Key, float]]]) -> list[Key]:
    sums: dict[Key, float] = defaultdict(float)
    for times in (each for side in sides for each in side):
        for key, seconds in times.items():
            sums[key] += seconds
    least = LEAST_SHARE * sum(seconds for key, seconds in sums.items() if key.kind == "own")
    # What calls nothing has one time, not two.
    return [
        key
        for key, seconds in sums.items()
        if seconds > least and not (key.kind == "inclusive" and np.isclose(seconds, sums.get(Key("own", key.of), 0.0)))
    ]


def _change(key: Key, old: float, new: float, half: float | None, lines: Mapping[Function, int]) -> Change:
    function = key.of if isinstance(key.of, Function) else None
    return Change(
        kind=key.kind,
        name=function.name if function else str(key.of),
        file=function.file if function else "",
        line=lines[function] if function else None,
        baseline=old,
        candidate=new,
        low=None if half is None else new - old - half,
        high=None if half is None else new - old + half,
    )


def _flames(pairs: Sequence[tuple[Profile, Profile]]) -> Flames:
    root = _Node()
    for sides in pairs:
        for at, profile in enumerate(sides):
            for stack, seconds in profile.items():
                root.add(stack, at, seconds / len(pairs))
    flames = Flames(names=[], name=[], parent=[], baseline=[], candidate=[])
    places: dict[Function, int] = {}
    waiting = [(root, -1)]
    while waiting:
        node, parent = waiting.pop()
        shown = {each: below for each, below in node.below.items() if below.shown(root.total)}
        hidden = [below.total for each, below in node.below.items() if each not in shown]
        own = [node.own[side] + sum(total[side] for total in hidden) for side in (0, 1)]
        at = len(flames.parent) if node.function else -1
        if node.function:
            flames.name.append(places.setdefault(node.function, len(places)))
            flames.parent.append(parent)
            flames.baseline.append(own[0])
            flames.candidate.append(own[1])
        waiting += [(below, at) for below in shown.values()]
    flames.names.extend(map(str, places))
    return flames


class _Node:
    """A function as it was called, with what it called."""

    def __init__(self, function: Function | None = None) -> None:
        self.function = function
        self.own = [0.0, 0.0]
        self.total = [0.0, 0.0]
        self.below: dict[Function, _Node] = {}

    def add(self, stack: Stack, side: int, seconds: float) -> None:
        """Add the time of a stack to one of two sides."""
        node = self
        node.total[side] += seconds
        for function in stack:
            node = node.below.setdefault(function, _Node(function))
            node.total[side] += seconds
        node.own[side] += seconds

    def shown(self, of: Sequence[float]) -> bool:
        """Whether it is large enough to be seen, beside all there is."""
        return any(part >= _SHOWN_SHARE * whole for part, whole in zip(self.total, of, strict=True))
