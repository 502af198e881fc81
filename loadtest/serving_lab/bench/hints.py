"""What would help where a scenario is refused."""

from collections.abc import Iterator, Sequence

_HINTS = {
    "other programs": "end them, or measure on a machine that does nothing else",
    "pairs do not count": "a longer --budget waits for moments in which the machine is quiet",
    "the machine's host": "measure later, or on a machine whose processors are its own",
    "the generator was": "end other programs, give the generator more processes (--generators), or lower the rate",
    "a generator was lost": "its own output says why; see that it keeps running, and can be reached all the time",
    "generators did not begin together": "run them near the laboratory, on machines that do nothing else",
    "does not keep up": "a lower rate in the scenario, or {of_peak: 0.5}, which every target can carry",
    "answered wrongly": "lab parity shows which answers differ, and how",
    "could not be warmed up": "end other programs, and look at what the target itself does meanwhile",
    "did not become steady": "look at what the target does meanwhile: caches that fill, memory, other clients",
    "was restarted": "its log says why",
}
"""By words of the reason."""


def hints(refused: Sequence[str]) -> Iterator[str]:
    """Return what would help, each once.

    Args:
        refused: why a scenario is refused.
    """
    for words, hint in _HINTS.items():
        if any(words in why for why in refused):
            yield hint
