"""From profiles to what differs: own times, times of packages, and the tree of all."""

import pytest
from made.explanation import HANDLER, MAIN, make_explained
from serving_lab.explain.differences import PAIRS
from serving_lab.explain.folding import Profile, explained


def test_what_was_planted_is_named_first_with_its_callers_and_its_package() -> None:
    found = make_explained(1, planted=100.0)

    assert [(each.name, each.place) for each in found.functions] == [("work", "app.py:9")]
    assert found.functions[0].difference == pytest.approx(100e-6, rel=0.1)
    assert [each.name for each in found.named("package")] == ["app"]
    assert {each.name for each in found.named("inclusive")} == {"main", "index"}


def test_equals_name_nothing_and_nothing_rare_is_looked_at() -> None:
    found = [make_explained(seed) for seed in range(20)]

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
    flames = make_explained(1, planted=100.0).flames

    assert all(parent < at for at, parent in enumerate(flames.parent))
    assert flames.names[flames.name[0]] == "main (server/main.py:1)"
    assert sum(flames.baseline) == pytest.approx(300e-6, rel=0.1)
    assert sum(flames.candidate) == pytest.approx(400e-6, rel=0.1)


def test_with_too_few_pairs_nothing_differs() -> None:
    found = explained("new", [({(MAIN,): 1e-4}, {(MAIN,): 9e-4})] * 3)

    assert found.functions == []
    assert found.changes[0].low is None
