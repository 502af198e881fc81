"""The gateway before the services: HAProxy's configuration, its runtime socket, and what it says of each request."""
