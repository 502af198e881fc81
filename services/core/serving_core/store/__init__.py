"""Where cache and rate limits are kept: in shared memory, or in a Redis that several instances share."""
