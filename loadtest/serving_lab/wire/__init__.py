"""HTTP on sockets: requests go out as they are written, and the connection's fate is part of what comes back."""
