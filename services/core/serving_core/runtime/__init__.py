"""What a service runs on: settings, logs, metrics, memory shared by its processes, and its lifecycle."""
