"""Comparisons whose progress nobody looks at."""

from serving_lab.parity.plan import ParityPlan
from serving_lab.parity.reporting.records import result_of
from serving_lab.parity.result import ParityResult
from serving_lab.parity.run import run
from serving_lab.text.progress import Progress
from support.quiet import Quiet


def result_of_comparing(plan: ParityPlan, progress: Progress | None = None) -> ParityResult:
    """Compare as the command does, and write no file."""
    return result_of(run(plan, progress or Quiet()))
