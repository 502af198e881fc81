"""The tour on this host, left half-way, and with a lab that was up before. Nothing is measured: others may run too."""

import pytest
from serving_lab import exit_codes
from support.checkout import Checkout

from tour.touring import STEPS, flowing, is_up, typed

pytestmark = pytest.mark.stack


def test_a_visitor_who_leaves_ends_the_lab_that_the_tour_brought_up(checkout: Checkout) -> None:
    result = typed(checkout, "\nq\n")

    assert result.returncode == exit_codes.OK, result.stderr
    assert "Everything is ready." in result.stdout
    assert STEPS[2] not in flowing(result.stdout)
    assert not is_up(checkout)


def test_a_lab_that_was_up_before_is_used_and_stays_up(checkout: Checkout) -> None:
    assert checkout.lab("up", "--mode", "native").returncode == 0

    result = typed(checkout, "\nq\n")

    assert result.returncode == exit_codes.OK, result.stderr
    assert "The lab is up already" in result.stdout
    assert is_up(checkout)
