"""Header values as WSGI gives them to the baseline."""

from litestar.types import Scope


def combined(scope: Scope, name: bytes) -> str | None:
    """All values of a header, joined by commas and without white space around them (RFC 9110, 5.2 and 5.5).

    Args:
        scope: of the request.
        name: in lower case.
    """
    values = [value.strip(b" \t") for key, value in scope["headers"] if key == name]
    return b",".join(values).decode("latin-1") if values else None


def first(scope: Scope, name: bytes) -> str | None:
    """The first value of a header; of one that must not be repeated, the others are ignored."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)
