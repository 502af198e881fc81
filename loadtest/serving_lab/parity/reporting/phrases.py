"""How table and report put into words what a result says in numbers."""

from serving_lab.parity.result import CauseRecord, Intended, ParityResult, Sent, differs
from serving_lab.text.phrases import counted, one_of, visible

_NOTHING = "nothing"
_LONGEST_OPERATION = 80
_FEW = 2
_RARELY_SENT = 0.05
SOURCES = {
    "corpus": "from the corpus",
    "sequence": "in sequences",
    "raw": "raw",
    "surface": "other methods and paths",
    "generated": "generated",
    "recorded": "recorded",
}
"""Where requests come from, to stand behind their number."""


def difference(cause: CauseRecord | Intended) -> str:
    """What differs and where, each word once."""
    return differs(cause.kind, cause.where)


def follows(cause: CauseRecord) -> str:
    """What else differs because of it."""
    return "; ".join(differs(*text.split(": ", 1)) if ": " in text else text for text in cause.follows)


def consequence(cause: CauseRecord) -> str | None:
    """What an earlier difference has to do with it."""
    if not cause.after:
        return None
    if cause.after_proven:
        return f"a consequence of what differs at {operation(cause.after)}: it did not show with both in the same state"
    return (
        f"may be a consequence of {operation(cause.after)}, which one side alone accepted: "
        "before, in the profile, brings both into the same state"
    )


def operation(label: str) -> str:
    """`METHOD /path` as it is shown: cut where somebody sent a very long path."""
    line = visible(label).replace("\n", "\\n")
    return line if len(line) <= _LONGEST_OPERATION else f"{line[: _LONGEST_OPERATION - 1]}…"


def side(shown: str | None) -> str:
    """What one side has at the place of a difference."""
    return _NOTHING if shown is None else visible(shown) or "an empty text"


def extent(result: ParityResult) -> str:
    """How far the verdict goes, where it does not go all the way."""
    return "as far as anybody was let in" if result.verdict == "same" and result.unsuccessful else ""


def statuses(sent: Sent) -> str:
    """How often each status came from both, or from each side where that differs."""
    sides = [" ".join(f"{status}:{count:,}" for status, count in side.items()) or "no answer" for side in _sides(sent)]
    return sides[0] if sides[0] == sides[1] else f"{sides[0]} against {sides[1]}"


def _sides(sent: Sent) -> tuple[dict[str, int], dict[str, int]]:
    return sent.primary_statuses, sent.candidate_statuses


def less_known(result: ParityResult) -> str | None:
    """How much less is known of single operations, in a sentence without its full stop."""
    if len(result.operations) < _FEW:
        return None
    best = min(result.operations, key=lambda sent: sent.detectable_rate)
    text = f"for one operation alone it is less: {one_of(best.detectable_rate)} for {operation(best.request)}"
    rare = sum(sent.detectable_rate > _RARELY_SENT for sent in result.operations)
    if not rare:
        worst = max(result.operations, key=lambda sent: sent.detectable_rate)
        return f"{text}, {one_of(worst.detectable_rate)} for {operation(worst.request)}"
    those = f"{rare:,} of {counted(len(result.operations), 'operation')}"
    return f"{text}; {those} had fewer than 60 requests, so that only what shows more often than in 1 of 20 was seen"


def showed_again(cause: CauseRecord) -> str | None:
    """How often the smallest example showed the difference when it was sent again."""
    if not cause.repeated:
        return None
    shown = "each time" if cause.reproduced == cause.repeated else f"in {cause.reproduced or 'none'} of them"
    return f"sent again {counted(cause.repeated, 'time')}, it showed {shown}"


def apart(cause: CauseRecord) -> str | None:
    """How far apart numbers are."""
    return None if cause.relative is None else f"up to {cause.relative:.2g} apart, as a share of the larger"


def sources(result: ParityResult) -> str:
    """Where the requests came from, most first."""
    ordered = sorted(result.sources.items(), key=lambda item: -item[1])
    return ", ".join(f"{count:,} {SOURCES.get(name, name)}" for name, count in ordered)
