"""Header values as WSGI gives them to the other service."""

from starlette.datastructures import Headers


def combined(headers: Headers, name: str) -> str | None:
    """All values of a header, joined by commas and without white space around (RFC 9110, 5.2 and 5.5)."""
    values = headers.getlist(name)
    return ",".join(value.strip(" \t") for value in values) if values else None
