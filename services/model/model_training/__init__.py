"""Trains the model on real data and exports it to ONNX."""

import os

# Read when onnxruntime is imported. Its telemetry threads would keep a forked process from exiting.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
