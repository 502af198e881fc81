"""The guided tour: every step says what it does and why, runs the real command, and explains what it found."""
