"""`lab rollout`: traffic moves to a candidate in stages, each held until a judge can tell."""
