"""The registry of models: what is in it, and what of it services are given."""
