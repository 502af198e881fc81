"""From profiles to what differs: own times, times of packages, and the tree of all."""

import numpy as np
import pytest
from serving_lab.explain.differences import PAIRS
from serving_lab.explain.folding import Profile, explained
from serving_lab.explain.records import Explained
from serving_lab.explain.stacks import Function, Stack

MAIN, HANDLER, WORK, ENCODE = (
    Function(name, file, package, line)
    for name, file, package, line in (
        ("main", "server/main.py", "server", 1),
        ("index", "app.py", "app", 5),
        ("work", "app.py", "app", 9),
        ("encode", "json/encoder.py", "standard library", 200),
    )
)
STACKS: tuple[Stack, ...] = ((MAIN,), (MAIN, HANDLER), (MAIN, HANDLER, WORK), (MAIN, HANDLER, ENCODE))


def drawn(seed: int, *, planted: float = 0.0, without: Function | None = None) -> Explained:
    """Ten pairs of about 300 samples an arm, each standing for a microsecond; `planted` of them more in `work`."""
    chance = np.random.default_rng(seed)

    def profile(means: tuple[float, ...]) -> Profile:
        counts = chance.poisson(means)
        return {stack: float(n) * 1e-6 for stack, n in zip(STACKS, counts, strict=True) if without not in stack}

    usual = (100.0, 20.0, 80.0, 100.0)
    new = (100.0, 20.0, 80.0 + planted, 100.0)
    return explained("new", [(profile(usual), profile(new)) for _ in range(PAIRS)])


def test_what_was_planted_is_named_first_with_its_callers_and_its_package() -> None:
    found = drawn(1, planted=100.0)

    assert [(each.name, each.place) for each in found.functions] == [("work", "app.py:9")]
    assert found.functions[0].difference == pytest.approx(100e-6, rel=0.1)
    assert [each.name for each in found.named("package")] == ["app"]
    assert {each.name for each in found.named("inclusive")} == {"main", "index"}


def test_equals_name_nothing_and_nothing_rare_is_looked_at() -> None:
    found = [drawn(seed) for seed in range(20)]

    assert sum(any(change.differs for change in each.changes) for each in found) <= 1
    assert all(each.pairs == PAIRS for each in found)


def test_a_function_of_one_side_alone_counts_as_nothing_on_the_other() -> None:
    stack = (MAIN, HANDLER)
    pairs: list[tuple[Profile, Profile]] = [
        ({(MAIN,): 1e-4 + 1e-6 * n}, {(MAIN,): 1e-4, stack: 5e-5 + 1e-6 * n}) for n in range(PAIRS)
    ]

    found = explained("new", pairs)

    (first, *_) = found.functions
    assert (first.name, first.baseline) == ("index", 0.0)
    assert first.differs


def test_the_tree_has_all_time_of_both_sides_and_parents_before_children() -> None:
    flames = drawn(1, planted=100.0).flames

    assert all(parent < at for at, parent in enumerate(flames.parent))
    assert flames.names[flames.name[0]] == "main (server/main.py:1)"
    assert sum(flames.baseline) == pytest.approx(300e-6, rel=0.1)
    assert sum(flames.candidate) == pytest.approx(400e-6, rel=0.1)


def test_with_too_few_pairs_nothing_differs() -> None:
    found = explained("new", [({(MAIN,): 1e-4}, {(MAIN,): 9e-4})] * 3)

    assert found.functions == []
    assert found.changes[0].low is None
