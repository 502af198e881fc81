"""The services under test: which there are, and what their /metrics say."""
