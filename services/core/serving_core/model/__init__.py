"""The model: its files, which are verified when they are read, and the session that runs it."""
