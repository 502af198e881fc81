"""The comparison page of Locust's web UI: both services side by side, read from their /metrics alone."""
