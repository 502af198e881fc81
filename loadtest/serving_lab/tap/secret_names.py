"""Names that say that what they name is secret, in headers, bodies and queries of any API."""

import re
from functools import lru_cache

_ENDINGS = (
    *("password", "passwd", "pwd", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey", "secretkey"),
    *("credential", "credentials", "sessionid", "otp", "cvv", "signature", "jwt"),
)
_WHOLE = frozenset({"authorization", "pin", "session", "sid", "auth", "csrf", "xsrf", "accesskeyid", "refresh"})
_OF_QUERIES = frozenset({"code", "key", "sig"})
_SEPARATORS = re.compile(r"[\s_.-]+|\[\]")
_PUBLIC_HEADERS = frozenset({"www-authenticate", "proxy-authenticate", "authentication-info"})
_PUBLIC_PREFIXES = ("access-control-", "sec-websocket-")
ADDRESSES = frozenset({"x-forwarded-for", "x-real-ip", "forwarded", "true-client-ip", "cf-connecting-ip"})
_HEADER = re.compile(
    r"api-?key|token|secret|passw|session|csrf|xsrf|signature|credential|^x-auth|authorization|^cookie"
)

_HINTS = (
    *("passw", "pwd", "passphrase", "secret", "token", "key", "credential", "session", "otp", "cvv", "signature"),
    *("jwt", "auth", 'pin"', 'sid"', "csrf", "xsrf", 'refresh"', "\\u"),
)


def may_have_secrets(text: str) -> bool:
    """Whether a name of this kind may be in a JSON text: in most there is none, and that is found out at once."""
    lower = text.lower()
    for hint in _HINTS:  # noqa: SIM110 - a generator takes longer than the search
        if hint in lower:
            return True
    return False


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether a field of a body or a parameter has a secret, as far as its name tells."""
    plain = _SEPARATORS.sub("", name).lower()
    return plain in _WHOLE or plain.endswith(_ENDINGS)


def is_secret_parameter(name: str) -> bool:
    """Whether a parameter of a query has one: an OAuth `code` is, and one in a body may be anything."""
    return name.lower() in _OF_QUERIES or is_secret(name)


@lru_cache(maxsize=4096)
def is_secret_header(name: str) -> bool:
    """Whether a header has one, or a person's address, by its name in lower case."""
    if name in _PUBLIC_HEADERS or name.startswith(_PUBLIC_PREFIXES):
        return False
    return name in ADDRESSES or _HEADER.search(name) is not None
