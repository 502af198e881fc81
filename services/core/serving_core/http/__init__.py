"""The HTTP rules of the contract, independent of any web framework: errors, bodies, headers, callers and tokens."""
