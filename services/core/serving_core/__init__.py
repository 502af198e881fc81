"""What both services share: model, cache, tokens, metrics, prediction log, limits and settings."""
