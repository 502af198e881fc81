"""The live page of Locust's web UI: all services side by side, read from their /metrics alone."""
