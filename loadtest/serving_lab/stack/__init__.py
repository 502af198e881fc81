"""Bringing the stack up and down, in containers or as processes on the host."""
