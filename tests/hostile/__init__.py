"""Generated bad requests, far more than the contract has cases for."""
