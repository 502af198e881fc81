"""The model: its files, checked when they are read, and the session that runs it."""
