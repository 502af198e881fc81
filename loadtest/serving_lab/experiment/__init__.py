"""What measurements share: profile, targets, arms, validity, conditions, statistics and records."""
