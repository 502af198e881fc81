"""Trains the model on real data and exports it to ONNX."""

import os

# Read when onnxruntime is imported: it would report to its maker, from threads that keep a forked worker from ending.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
