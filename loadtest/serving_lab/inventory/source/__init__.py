"""What the source code of a service says, read and never run."""
