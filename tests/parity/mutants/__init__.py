"""Planted differences: what `lab parity` must find, and what it must not take for one."""
