"""Drift as a page: one file that opens anywhere, without a network and without scripts."""

from serving_lab import pages
from serving_lab.model_drift.result import ColumnDrift, DriftResult, Standing
from serving_lab.pages.drawing import Drawing
from serving_lab.predictions.plots import shares
from serving_lab.text.phrases import moment, percent, visible

_TONES = {Standing.NONE: "good", Standing.LITTLE: "good", Standing.DRIFTED: "bad", Standing.CANNOT_TELL: "unsure"}


def render(result: DriftResult) -> str:
    """The page as HTML."""
    environment = pages.environment("serving_lab.model_drift")
    environment.filters |= {"visible": visible}
    return environment.get_template("page.html.j2").render(
        result=result, tone=_TONES, drawing=_drawing, moment=moment, percent=percent
    )


def _drawing(version: int, at: int, column: ColumnDrift) -> Drawing:
    populations = [("training", column.reference_shares), ("log", column.log_shares)]
    return shares(f"column-{version}-{at}", column.name, column.name, column.edges, populations)
