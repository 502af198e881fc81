"""What all services share: model, cache, tokens, metrics, prediction log, limits and settings."""

import os

# Read when onnxruntime is imported. Its telemetry threads would keep a forked worker from exiting.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
