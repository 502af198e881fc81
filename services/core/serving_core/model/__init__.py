"""The model that a service runs."""
