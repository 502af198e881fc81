"""The laboratory: brings the stack up, loads it, watches it, compares it."""
