"""Header values in the form in which WSGI passes them on."""

from starlette.datastructures import Headers


def combined(headers: Headers, name: str) -> str | None:
    """All values of a header, joined by commas, without surrounding white space (RFC 9110, 5.2 and 5.5)."""
    values = headers.getlist(name)
    return ",".join(value.strip(" \t") for value in values) if values else None
