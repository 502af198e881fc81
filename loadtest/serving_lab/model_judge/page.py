"""A judgement as a page: one file that opens anywhere, without a network and without scripts."""

from collections.abc import Iterator

from serving_lab import pages
from serving_lab.model_judge import plots
from serving_lab.model_judge.result import JudgementResult, SliceRecord, Verdict
from serving_lab.model_judge.words import VERDICTS, error_name, slice_name
from serving_lab.pages.drawing import Drawing
from serving_lab.predictions.plots import shares
from serving_lab.text.phrases import UNKNOWN, level, moment, seconds, significant, size, visible

_SHOWN_SLICES = 20
_TONES = {Verdict.PROMOTE: "good", Verdict.ASK: "unsure", Verdict.REFUSE: "bad"}


def render(result: JudgementResult) -> str:
    """The page as HTML."""
    environment = pages.environment("serving_lab.model_judge")
    environment.filters |= {"visible": visible}
    return environment.get_template("page.html.j2").render(
        result=result,
        about=VERDICTS[result.verdict],
        tone=_TONES,
        slices=result.slices[:_SHOWN_SLICES],
        drawings=list(_drawings(result)),
        error_name=error_name,
        slice_name=slice_name,
        slice_error=_slice_error,
        level=level,
        moment=moment,
        number=lambda value: UNKNOWN if value is None else significant(value),
        seconds=seconds,
        size=lambda value: UNKNOWN if value is None else size(value),
    )


def _drawings(result: JudgementResult) -> Iterator[Drawing]:
    for number, move in enumerate(result.moves, 1):
        populations = [("old version", move.old_shares), ("new version", move.new_shares)]
        heading = f"Predictions of the {move.rows:,} {move.name}"
        yield shares(f"predictions-{number}", heading, "prediction", move.edges[1:-1], populations)
    if result.slices:
        yield plots.slices("slices", result.slices, result.thresholds.moves.slice)
    if result.latency:
        yield plots.latency("latency", result.latency)


def _slice_error(piece: SliceRecord) -> str:
    if piece.error is None or piece.error_low is None or piece.error_high is None:
        return UNKNOWN
    return f"{piece.error:+.3g} ({piece.error_low:+.3g} to {piece.error_high:+.3g})"
