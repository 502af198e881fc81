"""HTTP on sockets, without a client library that mends what is sent or hides what comes back."""
