"""Recorded traffic as cases: HAR files of browsers and proxies, and logs that have one JSON document a line."""

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from serving_lab.api import json_path, template
from serving_lab.api.request import Header
from serving_lab.api.request_form import RequestForm
from serving_lab.errors import LabError
from serving_lab.parity.cases import Case, Source
from serving_lab.parity.inputs import har
from serving_lab.parity.inputs.har import HarForm
from serving_lab.parity.judgement import json_body

LINE = re.compile(r"\$\{line:([^}]*)\}")
"""What stands for a value of a line, by its JSON path."""

_GZIP = b"\x1f\x8b"
_SHOWN_FAULTS = 3


@dataclass(frozen=True)
class Recording:
    """The requests of a file, and what a person should know of those that were left out."""

    cases: tuple[Case, ...]
    warnings: tuple[str, ...] = ()


def read_har(path: Path, form: HarForm | None = None, authorization: tuple[Header, ...] = ()) -> Recording:
    """The requests of a HAR 1.2 file, gzip'd or not, with their recorded credentials replaced.

    Raises:
        LabError: it cannot be read, is not a HAR file, or has none of the requests that are wanted.
    """
    found, left_out = har.requests(path, _content(path), form or HarForm(), authorization)
    cases = (
        Case(
            Source.RECORDED, f"{path.name} entry {number}: {request.method} {request.target.partition('?')[0]}", request
        )
        for number, request in found
    )
    return Recording(tuple(cases), tuple(f"{path}: {warning}" for warning in left_out))


def read_log(path: Path, form: RequestForm, authorization: tuple[Header, ...] = ()) -> Recording:
    """A request for each line of a log, gzip'd or not; other lines are counted.

    Raises:
        LabError: it cannot be read, or none of its lines gives a request.
    """
    cases: list[Case] = []
    faults: list[str] = []
    for number, line in enumerate(_content(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            request = _from_line(form, line).build({}, authorization)
        except (ValueError, RecursionError) as error:
            faults.append(f"line {number}: {_told(error)}")
        else:
            cases.append(Case(Source.RECORDED, f"{path.name} line {number}", request))
    if not cases:
        why = faults[0] if faults else "it is empty"
        raise LabError(
            f"{path} has no line that gives a request: {why}",
            hint="the profile's prediction_log says how a line becomes one",
        )
    return Recording(tuple(cases), tuple(_summary(path, faults, len(cases) + len(faults))))


def _from_line(form: RequestForm, line: bytes) -> RequestForm:
    document = json_body.parse(line)

    def value(found: re.Match[str]) -> object:
        try:
            return json_path.value_at(document, found[1])
        except LookupError:
            raise ValueError(f"it has no {found[1]}") from None

    written = msgspec.to_builtins(form)
    filled = {
        key: template.replace(part, LINE, value if key == "json" else lambda found: template.as_text(value(found)))
        for key, part in written.items()
    }
    return msgspec.convert(filled, RequestForm)


def _told(error: Exception) -> str:
    match error:
        case RecursionError():
            return "it is nested too deeply"
        case msgspec.ValidationError():
            return str(error)
        case UnicodeDecodeError():
            return "it is not UTF-8"
    return f"it is not JSON: {error}" if type(error).__name__ == "JSONDecodeError" else str(error)


def _summary(path: Path, faults: list[str], lines: int) -> Iterator[str]:
    if faults:
        more = ", …" if len(faults) > _SHOWN_FAULTS else ""
        yield f"{path}: {len(faults)} of {lines} lines give no request ({'; '.join(faults[:_SHOWN_FAULTS])}{more})"


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(_GZIP) else content
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LabError(f"{path} is a damaged gzip file: {error}") from error
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}") from error
