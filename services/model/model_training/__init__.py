"""Trains the model on real data and exports it to ONNX."""
