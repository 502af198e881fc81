"""Header values in the form in which WSGI passes them on."""

from starlette.types import Scope

_COMBINED = "fastapi_api.headers"


def combined(scope: Scope, name: bytes) -> str | None:
    """All values of a header, joined by commas, without surrounding white space (RFC 9110, 5.2 and 5.5).

    Args:
        scope: of the request; Starlette's `Headers` would decode every name and value.
        name: in lower case.
    """
    value = _all(scope).get(name)
    return None if value is None else value.strip(b" \t").decode("latin-1")


def _all(scope: Scope) -> dict[bytes, bytes]:
    """All headers by their names: put together once a request, and asked four times at least."""
    known: dict[bytes, bytes] | None = scope.get(_COMBINED)
    if known is None:
        known = scope[_COMBINED] = {}
        for name, value in scope["headers"]:
            known[name] = known[name].strip(b" \t") + b"," + value.strip(b" \t") if name in known else value
    return known
