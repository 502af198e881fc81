"""`lab tap` and `lab replay`: live traffic passed on, recorded and mirrored, and a recording sent again."""
