"""A gate for pull requests: two revisions side by side in one job, and one line that says whether the new may pass."""
