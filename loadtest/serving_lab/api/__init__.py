"""One HTTP API as data: its description, its requests and the values in them, right answers, sign-in."""
