"""The recordings that a description is drafted from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from serving_lab.drafts.credentials import had_credentials, is_secret, place, variable
from serving_lab.errors import LabError
from serving_lab.recordings import har, origins, postman, recording
from serving_lab.recordings.recording import Chosen, Faults, Recorded, Wanted, read_bytes
from serving_lab.text.phrases import counted

_VARIABLE = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
_USER = re.compile(r"user_?name|e?mail|login", re.IGNORECASE)
_SECRET_HEADERS = ("x-api-key", "api-key", "apikey", "x-auth-token", "x-access-token", "x-token")
_OF_PAGES = ("text/css", "text/javascript", "application/javascript", "application/x-javascript", "image/", "font/")
_FILES = (
    *(".css", ".js", ".mjs", ".map", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp", ".woff", ".woff2"),
    ".ttf",
)


@dataclass(frozen=True)
class Traffic:
    """What was recorded."""

    chosen: tuple[Chosen, ...] = ()
    notes: tuple[str, ...] = ()
    bases: dict[str, str] = field(default_factory=dict)
    """What the URLs of the recorded requests begin with, where that is another address, by the key of a profile."""

    @property
    def had_credentials(self) -> bool:
        """Whether any request was recorded with credentials."""
        return any(had_credentials(each.recorded) for each in self.chosen)


def read(har_files: Sequence[Path], postman_files: Sequence[Path], url: str, *, given: bool) -> Traffic:
    """What is in these files.

    Args:
        har_files: HAR files.
        postman_files: Postman collections.
        url: what the URLs of wanted requests begin with; the only address of a file is taken unless it is `given`.
        given: whether the user named it.

    Raises:
        LabError: one cannot be read, or has no request of the service.
    """
    chosen: list[Chosen] = []
    notes: list[str] = []
    bases: dict[str, str] = {}
    for path in har_files:
        faults = Faults()
        _add(
            path, "har", list(har.entries(path, read_bytes(path), faults)), faults, (url, given), (chosen, notes, bases)
        )
    for path in postman_files:
        faults = Faults()
        content = read_bytes(path)
        variables = _secret_variables(content)
        _, items = postman.items(path, content, variables, _SECRET_HEADERS, faults)
        _add(path, "postman", items, faults, (url, given), (chosen, notes, bases))
    return Traffic(tuple(chosen), tuple(notes), bases)


def _add(
    path: Path,
    key: str,
    entries: list[Recorded],
    faults: Faults,
    wanted: tuple[str, bool],
    into: tuple[list[Chosen], list[str], dict[str, str]],
) -> None:
    url, given = wanted
    chosen, notes, bases = into
    files = sum(map(_is_file_of_a_page, entries))
    entries = [each for each in entries if not _is_file_of_a_page(each)]
    if files:
        notes.append(f"{path}: {counted(files, 'file')} of pages left out")
    base = url if given or any(_is_below(url, each) for each in entries) else None
    try:
        found = recording.chosen(path, entries, Wanted(key, base, "recorded", ()), faults)
    except LabError as error:
        raise LabError(str(error), hint="--base URL says what the URLs of the service begin with") from None
    chosen += found.requests
    notes += [each for each in found.warnings if "no authorization is known" not in each]
    if base is None or given:
        only = base or next(filter(None, (origins.origin(each.recorded.request.url) for each in found.requests)))
        # A variable of Postman's that has no value stands for the address itself.
        bases[key] = only.partition("//")[2] if "{{" in only else only


def _is_file_of_a_page(entry: Recorded) -> bool:
    if entry.request.method != "GET":
        return False
    media_type = entry.answer.media_type.lower() if entry.answer else ""
    path = entry.request.url.partition("#")[0].partition("?")[0].lower()
    return media_type.startswith(_OF_PAGES) or path.endswith(_FILES)


def _is_below(url: str, entry: Recorded) -> bool:
    try:
        return origins.below(url, entry.request.url) is not None
    except UnicodeEncodeError:
        return False


def _secret_variables(content: bytes) -> dict[str, str | int | float | bool]:
    """Variables of a collection that are called like secrets: none of them is read, and none needs a value."""
    found: list[str] = _VARIABLE.findall(content.decode("utf-8", "replace"))
    secrets = {name: place(variable(name)) for name in found if is_secret(name)}
    users = {name: place("API_USERNAME") for name in found if _USER.fullmatch(name)}
    return {**users, **secrets}
