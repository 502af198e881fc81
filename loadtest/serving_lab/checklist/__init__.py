"""`lab checklist`: which boxes of a migration's checklist evidence ticks, and which command ticks the others."""
