"""Lengths of time as people write them: `90s`, `5m`, `1h30m`."""

import re

from serving_lab.errors import LabError

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_FORM = re.compile(r"(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m)?(?:(?P<s>\d+(?:\.\d+)?)s?)?")


def parse(text: str, option: str) -> float:
    """Return the seconds that a text means; a number without a unit is of seconds.

    Args:
        text: Such as `90`, `90s`, `5m`, or `1h30m`.
        option: What was given so, for the error.

    Raises:
        LabError: it is no length of time, or none at all.
    """
    match = _FORM.fullmatch(text.strip().lower())
    seconds = sum(float(amount) * _UNITS[unit] for unit, amount in match.groupdict().items() if amount) if match else 0
    if not seconds:
        raise LabError(f"{option} {text!r} is not a length of time", hint="such as 90s, 5m, or 1h30m")
    return seconds
