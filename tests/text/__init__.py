"""What the laboratory reads and writes as text."""
