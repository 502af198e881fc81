"""Parity: whether a candidate service answers like a primary one, request by request."""
