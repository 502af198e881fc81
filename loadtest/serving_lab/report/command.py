"""`lab report`: from result files to a page and a document."""

from dataclasses import dataclass
from pathlib import Path

from serving_lab.errors import LabError
from serving_lab.report import markdown, page
from serving_lab.report.document import Document
from serving_lab.report.inputs import ReportInputs
from serving_lab.report.recommendation import Recommendation


@dataclass(frozen=True)
class Written:
    """What was made."""

    page: Path
    document: Path
    recommendations: tuple[Recommendation, ...]
    """One for each candidate."""


def report(inputs: ReportInputs, output: Path) -> Written:
    """Write report.html and report.md into a folder.

    Raises:
        LabError: they cannot be written.
    """
    document = Document.of(inputs)
    written = Written(
        page=output / "report.html",
        document=output / "report.md",
        recommendations=tuple(advice.recommendation for advice in document.advice),
    )
    try:
        output.mkdir(parents=True, exist_ok=True)
        written.page.write_text(page.render(document), encoding="utf-8")
        written.document.write_text(markdown.render(document), encoding="utf-8")
    except OSError as error:
        raise LabError(f"{error.filename or output}: {error.strerror}", hint="--output DIR") from error
    return written
