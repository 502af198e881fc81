"""What all services share: model, cache, tokens, metrics, prediction log, limits and settings."""
