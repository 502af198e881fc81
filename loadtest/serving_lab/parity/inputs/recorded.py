"""Files of recorded traffic: HAR, Postman collections, what `lab tap` recorded, and logs of a JSON document a line."""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from serving_lab.api import json_path, template
from serving_lab.api.request import Header, Parameter
from serving_lab.api.request_form import RequestForm
from serving_lab.errors import LabError
from serving_lab.parity.cases import Case, Source
from serving_lab.parity.judgement import json_body
from serving_lab.recordings import har, postman, recording, tap_file, tapped
from serving_lab.recordings.har import HarForm
from serving_lab.recordings.postman import PostmanForm
from serving_lab.recordings.recording import Faults, Recorded, Wanted, read_bytes

LINE = re.compile(r"\$\{line:([^}]*)\}")
"""What stands for a value of a line, by its JSON path."""

_SHOWN_FAULTS = 3


@dataclass(frozen=True)
class Recording:
    """The requests of a file, and what a person should know of those that were left out."""

    cases: tuple[Case, ...]
    warnings: tuple[str, ...] = ()


def read_har(
    path: Path, form: HarForm | None = None, authorization: tuple[Header, ...] = (), query: tuple[Parameter, ...] = ()
) -> Recording:
    """The requests of a HAR 1.2 file, packed or not, with their recorded credentials replaced.

    Raises:
        LabError: it cannot be read, is not a HAR file, or has none of the requests that are wanted.
    """
    form = form or HarForm()
    faults = Faults()
    entries = har.entries(path, read_bytes(path), faults)
    return _cases(path, entries, Wanted("har", form.base, form.signed_in, authorization, query), faults)


def read_postman(
    path: Path,
    form: PostmanForm | None = None,
    authorization: tuple[Header, ...] = (),
    query: tuple[Parameter, ...] = (),
) -> Recording:
    """The requests of a Postman collection, with its credentials replaced.

    Raises:
        LabError: it cannot be read, is not a collection, or has none of the requests that are wanted.
    """
    form = form or PostmanForm()
    faults = Faults()
    replaced = [name for name, _ in authorization]
    known, items = postman.items(path, read_bytes(path), form.variables, replaced, faults)
    try:
        base = known.url(form.base) if form.base else None
    except ValueError as error:
        raise LabError(f"postman: {{base: …}} in the profile: {error}") from None
    return _cases(path, items, Wanted("postman", base, form.signed_in, authorization, query), faults)


def read_tapped(path: Path, authorization: tuple[Header, ...] = (), query: tuple[Parameter, ...] = ()) -> Recording:
    """The requests that `lab tap` recorded, with the pseudonyms of their credentials replaced.

    Raises:
        LabError: it cannot be read, is no such recording, or has no request that can be sent again.
    """
    base = tap_file.read_head(path).primary
    return _cases(path, tapped.entries(path), Wanted("tap", base, "recorded", authorization, query), Faults())


def _cases(path: Path, entries: Iterable[Recorded], wanted: Wanted, faults: Faults) -> Recording:
    found = recording.chosen(path, entries, wanted, faults)
    return Recording(tuple(Case(Source.RECORDED, each.name, each.request) for each in found.requests), found.warnings)


def read_log(
    path: Path, form: RequestForm, authorization: tuple[Header, ...] = (), query: tuple[Parameter, ...] = ()
) -> Recording:
    """A request for each line of a log, gzip'd or not; other lines are counted.

    Raises:
        LabError: it cannot be read, or none of its lines gives a request.
    """
    cases: list[Case] = []
    faults: list[str] = []
    for number, line in enumerate(read_bytes(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            request = _from_line(form, line).build({}, authorization, query)
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
            found_value = json_path.value_at(document, found[1])
        except LookupError:
            raise ValueError(f"it has no {found[1]}") from None
        if not _is_json(found_value):
            raise ValueError(f"{found[1]} has NaN or Infinity, which is no number of JSON")
        return found_value

    written = msgspec.to_builtins(form)
    filled = {
        key: template.replace(part, LINE, value if key == "json" else lambda found: template.as_text(value(found)))
        for key, part in written.items()
    }
    return msgspec.convert(filled, RequestForm)


def _is_json(value: object) -> bool:
    match value:
        case dict():
            return all(map(_is_json, value.values()))
        case list():
            return all(map(_is_json, value))
        case float():
            return math.isfinite(value)
    return not isinstance(value, json_body.NoNumber | json_body.Extreme)


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
