"""`make bench-services`: how much of what its framework can do does each service keep?"""
