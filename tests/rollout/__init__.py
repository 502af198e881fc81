"""Tests of `lab rollout`."""
