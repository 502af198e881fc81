"""`lab replay`: a recording sent again, with the tokens and ids of the answers of today, or made a profile of bench."""
