"""What a judgement is called in tables, on pages and in reasons."""

from serving_lab.model_judge.result import ErrorKind, SliceRecord, Verdict

VERDICTS = {
    Verdict.PROMOTE: "Nothing speaks against it",
    Verdict.ASK: "A person must decide",
    Verdict.REFUSE: "It is worse, or nobody can prove that it is not",
}
"""Each verdict in a sentence, without its full stop."""


def error_name(kind: ErrorKind) -> str:
    """An error as people call it."""
    return f"mean {kind} error"


def slice_name(piece: SliceRecord) -> str:
    """A slice as a condition, such as `bmi is 25.3 or more, below 28`."""
    if piece.at_least is None and piece.below is None:
        return f"{piece.feature} is anything"
    if piece.at_least is None:
        return f"{piece.feature} is below {piece.below:g}"
    if piece.below is None:
        return f"{piece.feature} is {piece.at_least:g} or more"
    return f"{piece.feature} is {piece.at_least:g} or more, below {piece.below:g}"
