"""The stack in containers on a real engine, as `make up` brings it up."""
