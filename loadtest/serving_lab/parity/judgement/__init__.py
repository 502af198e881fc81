"""The pure part of a comparison: what two exchanges differ in, given noise, rules, declarations and operations.

`judge.judge` is the one way in. Nothing here opens a connection, waits, or looks at a clock.
"""
