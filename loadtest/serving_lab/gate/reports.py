"""The files that CI systems read: Markdown, JUnit XML, SARIF."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from serving_lab.errors import LabError
from serving_lab.gate import junit, sarif, summary
from serving_lab.gate.result import GateResult
from serving_lab.inventory.result import Place


@dataclass(frozen=True)
class Reports:
    """Which are written; None: it is not."""

    summary: Path | None = None
    junit: Path | None = None
    sarif: Path | None = None
    source: str | None = None
    """The code in which SARIF finds the line of each route; None: what each service says of its own."""

    def check_writable(self) -> None:
        """Find out before minutes of measuring whether they can be written.

        Raises:
            LabError: one cannot.
        """
        for path in filter(None, (self.summary, self.junit, self.sarif)):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
            except OSError as error:
                raise LabError(f"{path}: {error.strerror}", hint="choose another place for it") from error

    def write(self, result: GateResult, places: Mapping[str, Mapping[str, Place]], otherwise: Path) -> None:
        """Write those that are wanted.

        Args:
            result: What they are made from.
            places: By service, where each operation is answered.
            otherwise: The file that stands for operations whose place is not known.

        Raises:
            LabError: one cannot be written.
        """
        if self.summary:
            _write(self.summary, summary.markdown(result).encode())
        if self.junit:
            _write(self.junit, junit.xml(result))
        if self.sarif:
            _write(self.sarif, sarif.document(result, places, Place(_relative(otherwise), 1)))


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}", hint="choose another place for it") from error


def _relative(path: Path) -> str:
    here = Path.cwd()
    whole = path.resolve()
    return (whole.relative_to(here) if whole.is_relative_to(here) else path).as_posix()
