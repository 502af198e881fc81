"""The pure part of a comparison: what two exchanges differ in, given noise, rules, declarations and operations."""
