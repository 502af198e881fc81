"""Results as the commands would leave them, for the tests of whatever reads results."""
