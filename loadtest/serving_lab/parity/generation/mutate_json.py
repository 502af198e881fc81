"""Changes to a JSON value: to its numbers, texts, types, keys, and lengths."""

import random

from serving_lab.parity.generation import edge_values
from serving_lab.parity.generation.jsontext import Literal, Members, Value, at, paths, replaced

_MAXIMUM_ITEMS = 1001


def mutated(value: Value, rng: random.Random) -> Value:
    """The value with one change somewhere in it."""
    everywhere = list(paths(value))
    containers = [path for path in everywhere if isinstance(at(value, path), tuple | Members)]
    # Most paths are items of the longest array: so the few others come up nearly as often.
    path = rng.choice(containers if containers and rng.random() < 0.4 else everywhere)
    old, elsewhere = at(value, path), at(value, rng.choice(everywhere))
    return replaced(value, path, _changed(old, elsewhere, rng))


def text(rng: random.Random) -> str:
    """A text that programs seldom expect."""
    return rng.choice(edge_values.TEXTS)


def _changed(old: Value, elsewhere: Value, rng: random.Random) -> Value:
    keeps_type = rng.random()
    if isinstance(old, Members) and keeps_type < 0.85:
        return _object(old, elsewhere, rng)
    if isinstance(old, tuple) and keeps_type < 0.85:
        return _array(old, elsewhere, rng)
    if isinstance(old, Literal) and keeps_type < 0.75:
        return _number(old, rng)
    if isinstance(old, str) and keeps_type < 0.6:
        return _text(old, rng)
    return _other(old, elsewhere, rng)


def _number(old: Literal, rng: random.Random) -> Literal:
    """Another number, or this one in another spelling: mostly one that stays acceptable."""
    try:
        amount = float(old)
        whole = round(amount)
    except (ValueError, OverflowError):
        return Literal(rng.choice(edge_values.NUMBERS))
    kind = rng.randrange(10)
    if kind < 3:
        near = amount + rng.gauss(0, abs(amount) or 1)
        return Literal(repr(rng.choice((rng.uniform(-1000, 1000), near, round(near, 2)))))
    if kind == 3:
        return Literal(rng.choice((rng.randint(-1000, 1000), whole, whole + 1)))
    if kind == 4:
        return Literal(rng.choice((f"{amount:.17e}", f"{amount!r}", f"{amount:.30f}", f"{amount:E}")))
    if kind == 5:
        return Literal(repr(rng.choice((-amount, amount * (1 + 1e-6), amount * (1 + 1e-15), amount / 3, amount * 10))))
    return Literal(rng.choice(edge_values.NUMBERS if rng.random() < 0.97 else edge_values.HUGE_NUMBERS))


def _text(old: str, rng: random.Random) -> str:
    if rng.random() < 0.15:
        return Literal('"' + "".join(f"\\u{ord(letter):04x}" for letter in old if ord(letter) < 0x10000) + '"')
    changed = (f"{old} ", f" {old}", old.upper(), old.lower(), old[:-1], old * 2, f"{old}\0", old + text(rng))
    return rng.choice((*changed, text(rng), text(rng)))


def _array(old: tuple[Value, ...], elsewhere: Value, rng: random.Random) -> Value:
    items = list(old)
    here = rng.randrange(len(items) + 1)
    kind = rng.randrange(9)
    if kind == 0:
        del items[here : here + 1]
    elif kind == 1:
        items[here:here] = items[here - 1 : here] or items[:1]
    elif kind == 2:
        items.insert(here, _other(None, elsewhere, rng))
    elif kind == 3:
        rng.shuffle(items)
    elif kind == 4:
        items = items[:here]
    elif kind == 5:
        items = (items * rng.choice((2, 3, 10, 11, 100, 101)))[:_MAXIMUM_ITEMS]
    elif kind == 6:
        items = items[:1] * rng.choice((1, len(items), 99, 100, 101))
    elif kind == 7:
        return rng.choice(((old,), (), Members.of(("", old)), *old[:1]))
    else:
        items.insert(here, elsewhere)
    return tuple(items)


def _object(old: Members, elsewhere: Value, rng: random.Random) -> Value:
    pairs = old.pairs
    here = rng.randrange(len(pairs) + 1)
    chosen = pairs[here : here + 1]
    kind = rng.randrange(8)
    if kind == 0:
        del pairs[here : here + 1]
    elif kind == 1:
        pairs.insert(here, (text(rng), _other(None, elsewhere, rng)))
    elif kind == 2:
        rng.shuffle(pairs)
    elif kind == 3:
        return rng.choice(((old,), (), Members(), Members.of(("", old)), *old.values[:1]))
    else:
        for key, child in chosen:
            again = (key, _other(child, elsewhere, rng))
            renamed = rng.choice(
                (key.upper(), key.title(), f"{key} ", f"{key}s", key[:-1], f"\ufeff{key}", f"{key}\0", "")
            )
            pairs[here : here + 1] = rng.choice(
                ([again], [(key, child), again], [again, (key, child)], [(renamed, child)])
            )
    return Members.of(*pairs)


def _other(old: Value, elsewhere: Value, rng: random.Random) -> Value:
    """A value that is mostly of another type."""
    kind = rng.randrange(11)
    if kind == 0:
        return None
    if kind == 1:
        return rng.random() < 0.5
    if kind == 2:
        return text(rng)
    if kind == 3:
        return str(old) if isinstance(old, Literal) else "1"
    if kind == 4:
        return rng.choice(((), Members(), ((),), (None,), (Members(),), Members.of(("a", Literal("1")))))
    if kind == 5:
        return rng.choice(((old,), (old, old), Members.of(("value", old))))
    if kind in {6, 7}:
        return Literal(rng.choice(edge_values.NOT_JSON))
    if kind == 8:
        return elsewhere
    if kind == 9 and rng.random() < 0.3:
        return rng.choice(edge_values.NESTED)
    return Literal(rng.choice(edge_values.NUMBERS))
