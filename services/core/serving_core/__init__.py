"""What both services share: model, cache, tokens, metrics, prediction log, limits and settings."""

import os

# Read when onnxruntime is imported: it would report to its maker, from threads that keep a forked worker from ending.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
