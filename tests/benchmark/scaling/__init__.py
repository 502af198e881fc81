"""`make scaling`: how cost and throughput grow with workers, instances and shared caches."""
