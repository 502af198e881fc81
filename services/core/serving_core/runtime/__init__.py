"""What a service runs on: settings, logs, metrics, memory that its processes share, its life from start to end."""
