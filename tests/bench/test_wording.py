"""What people read of a measurement."""

from serving_lab.experiment import wording


def test_requests_that_met_a_closed_idle_connection_are_told_by_target() -> None:
    assert wording.of_sent_again([("old", 0), ("new", 2), ("old", 0), ("new", 1), ("third", 1)]) == [
        "new closed idle connections just as requests were sent on them; sent again: 3 requests (keep-alive)",
        "third closed idle connections just as requests were sent on them; sent again: 1 request (keep-alive)",
    ]
