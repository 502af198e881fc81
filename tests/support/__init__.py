"""What the tests share: starting the services, speaking HTTP to them byte by byte, forging tokens."""
