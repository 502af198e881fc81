"""An API as people write it down in files: where it answers, its requests, and the values in its answers."""
