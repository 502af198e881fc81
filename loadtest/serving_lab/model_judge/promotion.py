"""A version in the registry is judged against the one that serves, before an alias is changed."""

import sys
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console

from serving_lab import exit_codes
from serving_lab.errors import LabError
from serving_lab.model_judge import command
from serving_lab.model_judge.command import JudgeOptions
from serving_lab.model_judge.result import JudgementResult, Verdict
from serving_lab.registry.fetching import fetched
from serving_lab.registry.mlflow import Registry


@dataclass(frozen=True)
class Promotion:
    """What is to be promoted."""

    registry: Registry
    alias: str
    number: str
    """Of the version."""
    thresholds: Path | None
    """A file; None: that of the checkout, or as by default."""
    output: Path
    yes: bool
    """Whether a person agrees beforehand to what only needs somebody to agree."""


class NotPromotedError(LabError):
    """The judgement is against it, or nobody agreed."""

    def __init__(self, message: str, *, hint: str, exit_code: int) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


def require(promotion: Promotion, console: Console) -> JudgementResult | None:
    """Judge, and return only if the version may be promoted. Without a version that serves there is nothing to judge.

    Returns:
        The judgement; None where there was nothing to judge.

    Raises:
        NotPromotedError: it is refused, or nobody agreed.
        LabError: the registry does not answer, or the version that serves cannot be read.
    """
    former = promotion.registry.aliases().get(promotion.alias)
    if former is None or former == promotion.number:
        why = "no version serves yet" if former is None else f"version {former} serves already"
        console.print(f"Nothing to judge against: {why}.", markup=False)
        return None
    result = _judged(promotion, former, console)
    page = promotion.output / command.PAGE
    match result.verdict:
        case Verdict.REFUSE:
            raise NotPromotedError(
                f"version {promotion.number} is refused, and version {former} goes on serving",
                hint=f"{page} has the reasons; without --judge nobody asks",
                exit_code=exit_codes.FOUND,
            )
        case Verdict.ASK if not (promotion.yes or _agreed(promotion.number)):
            raise NotPromotedError(
                f"version {promotion.number} is not promoted: a person must agree",
                hint=f"read {page}, then run it again with --yes",
                exit_code=exit_codes.CANNOT_TELL,
            )
    return result


def _judged(promotion: Promotion, former: str, console: Console) -> JudgementResult:
    with fetched(promotion.registry, (former, promotion.number)) as directories:
        options = JudgeOptions(
            directories[former], directories[promotion.number], promotion.thresholds, output=promotion.output
        )
        return command.judge_and_report(options, console)


def _agreed(number: str) -> bool:
    return sys.stdin.isatty() and typer.confirm(f"Promote version {number} all the same?")
