"""Times in a text: the ways to write one, and the moment that one tells."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_DATE = rf"(?P<day>\d\d) (?P<month>{'|'.join(_MONTHS)}) (?P<year>\d{{4}})"
_ZONE = r"(?P<zone>GMT|UTC|UT|[+-]\d{4})"
_WAYS = {
    "ISO 8601 time": r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?P<between>[Tt ])(?P<hour>\d\d):(?P<minute>\d\d)"
    r"(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?(?P<zone>[Zz]|[+-]\d\d:?\d\d| UTC)?",
    "ISO 8601 time in short": r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)T(?P<hour>\d\d)(?P<minute>\d\d)"
    r"(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?(?P<zone>Z|[+-]\d\d:?\d\d)?",
    "HTTP date": rf"{_DAY}, {_DATE} {_CLOCK} {_ZONE}",
    "date of a cookie": rf"{_DAY}[a-z]*, {_DATE.replace(' ', '-').replace('{4}', '{2,4}')} {_CLOCK} {_ZONE}",
    "date of a log": rf"{_DATE.replace(' ', '/')}:{_CLOCK}(?: (?P<zone>[+-]\d{{4}}))?",
    "date of C": rf"{_DAY} (?P<month>{'|'.join(_MONTHS)}) (?P<day>[ \d]\d) {_CLOCK}(?: {_ZONE})? (?P<year>\d{{4}})",
    "date of JavaScript": rf"{_DAY} (?P<month>{'|'.join(_MONTHS)}) (?P<day>\d\d) (?P<year>\d{{4}}) {_CLOCK} "
    r"GMT(?P<zone>[+-]\d{4})(?: \([\w ]+\))?",
    "date": r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)",
    "time of day": r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?",
}
"""The ways to write a time, by name; longer ones first, because a date may go on with a clock."""
TIME = "|".join(re.sub(r"\(\?P<\w+>", "(?:", pattern) for pattern in _WAYS.values())
"""A pattern of any of them, without groups."""
_PATTERNS = {name: re.compile(pattern) for name, pattern in _WAYS.items()}
_BEGINNING = re.compile(rf"\d\d|{_DAY}")
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


@dataclass(frozen=True)
class Time:
    """A time as a text has it."""

    way: str
    """How it is written, with its zone, in words."""
    digits: int
    """Of the fraction of a second."""
    moment: datetime | None
    """None where it tells none: a time of day, a mere date, or one that does not exist."""


def time_of(text: str) -> Time | None:
    """The time that the whole text is; None where it is none."""
    if not _BEGINNING.match(text):
        return None
    for name, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(text):
            groups = found.groupdict()
            moment = _moment(groups)
            there = "" if moment or "hour" not in groups or "day" not in groups else " that does not exist"
            return Time(_way(name, groups) + there, len(groups.get("fraction") or ""), moment)
    return None


def _way(name: str, groups: dict[str, str | None]) -> str:
    if "zone" not in groups:
        return name
    zone = f"zone {groups['zone'].strip()}" if groups["zone"] else "no zone"
    minutes = ", no seconds" if groups["second"] is None else ""
    between = groups.get("between") or "T"
    return f"{name}, {zone}{minutes}{'' if between == 'T' else f', {between!r} before the hour'}"


def _moment(groups: dict[str, str | None]) -> datetime | None:
    day, hour = groups.get("day"), groups.get("hour")
    if day is None or hour is None:
        return None
    month, year = groups["month"] or "", groups["year"] or ""
    try:
        return datetime(
            int(year) if len(year) == 4 else 2000 + int(year),
            int(month) if month.isdigit() else _MONTHS.index(month) + 1,
            int(day),
            int(hour),
            int(groups["minute"] or 0),
            min(int(groups["second"] or 0), 59),
            int((groups.get("fraction") or "0")[:6].ljust(6, "0")),
            tzinfo=_zone(groups.get("zone") or ""),
        )
    except ValueError:
        return None


def _zone(written: str) -> timezone:
    found = _OFFSET.fullmatch(written)
    if not found:
        return UTC
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-ahead if found[1] == "-" else ahead)
