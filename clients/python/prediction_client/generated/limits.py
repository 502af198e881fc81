"""Generated from clients/openapi.json by `make clients`. Do not edit."""

MAX_ROWS = 100
"""In one batch."""
