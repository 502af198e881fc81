"""Which service is better, by how much, and how sure that is: `lab bench`, and what reads its results."""
