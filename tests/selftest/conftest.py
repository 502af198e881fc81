"""Proofs whose outcome is a count need a calm machine and their full length: `make selftest` runs them."""

from __future__ import annotations

from selftest.proof import FULL

collect_ignore = [] if FULL else ["test_false_alarms.py", "test_power.py", "test_knee.py", "test_refusals.py"]
