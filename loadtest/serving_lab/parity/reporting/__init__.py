"""A result as people read it: a table, a page, and lines for a shell."""
