"""Header values in the form in which WSGI passes them on."""

from starlette.types import Scope


def combined(scope: Scope, name: bytes) -> str | None:
    """All values of a header, joined by commas, without surrounding white space (RFC 9110, 5.2 and 5.5).

    Args:
        scope: of the request; Starlette's `Headers` would decode every name and value.
        name: in lower case.
    """
    values = [value.strip(b" \t") for key, value in scope["headers"] if key == name]
    return b",".join(values).decode("latin-1") if values else None
