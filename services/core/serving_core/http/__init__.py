"""HTTP as the contract has it, without a web framework: errors, bodies, headers, callers and tokens."""
