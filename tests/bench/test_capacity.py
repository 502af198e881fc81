"""Connections that do as well as the best are told apart by noise: equal targets get the same number."""

from serving_lab.experiment.capacity import Peak, alike


def found(*throughput: float) -> Peak:
    """Return a peak whose throughput was tried with 1, 2, 4, ... connections."""
    tried = {2**at: each for at, each in enumerate(throughput)}
    best = max(tried, key=lambda number: tried[number])
    return Peak(best, tried[best], tried)


def test_numbers_that_do_about_as_well_are_the_same_for_all_targets() -> None:
    one, other = found(500, 900, 1000, 1010, 990), found(500, 900, 1020, 1000, 1012)
    noisy, far = found(600, 950, 960, 940), found(600, 940, 900, 930, 960, 1000)

    assert (one.connections, other.connections) == (8, 4)
    assert alike({"one": one, "other": other}) == {"one": 4, "other": 4}
    assert (noisy.connections, far.connections) == (4, 32)
    assert alike({"one": noisy, "other": far}) == {"one": 2, "other": 2}


def test_targets_that_need_different_numbers_keep_them() -> None:
    few, many = found(1000, 900, 700, 500), found(300, 600, 1200, 2000)

    assert alike({"few": few, "many": many}) == {"few": 1, "many": 8}


def test_the_number_of_one_target_is_its_best_one() -> None:
    assert alike({"one": found(500, 900, 700)}) == {"one": 2}
