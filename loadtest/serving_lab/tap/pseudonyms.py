"""Pseudonyms: what stands in a recording for a secret or for what is personal, the same for the same value.

They are made with a key that only lives in memory, so that nobody can find out a value by trying, and they have the
form of what they stand for: a recording can be read, compared and sent again.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
import string

TOKEN_HEAD = base64.urlsafe_b64encode(b'{"alg":"none","typ":"pseudonym"}').decode().rstrip("=")
"""What the pseudonym of every JSON web token begins with."""
JWT = re.compile(r"eyJ[A-Za-z0-9_-]+(?:(?:\.|%2[eE])[A-Za-z0-9_-]*){1,4}")
_SHORTEST, _LONGEST = 8, 4096
_FEWEST_DIGITS = 6
_KEPT = " -_.,:/@+"
"""What parts of names, addresses and numbers stand between; any other sign may be part of a password."""
_FEWEST_VARYING = 6
"""Letters and digits; with fewer, nothing is kept of a value."""
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_REMEMBERED = 20_000
_LOWER, _UPPER, _DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits


class Pseudonyms:
    """Pseudonyms of values; those of another run, with another key, are others."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)
        self._known: dict[str, str] = {}
        self._users: dict[str, str] = {}

    def of(self, value: str) -> str:
        """The pseudonym of a value: digits for digits, letters for other signs, and what separates parts as it is.

        It is never shorter than eight characters, because the few there are of fewer would be easily confused.
        """
        if not value or is_pseudonym(value):
            return value
        found = self._known.get(value)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()  # they come again the same
            found = self._known[value] = self._token(value) if JWT.fullmatch(value) else self._formed(value)
        return found

    def number(self, written: str) -> str:
        """The pseudonym of a number as JSON has it: another whole number of as many digits."""
        digits = max(_FEWEST_DIGITS, min(15, sum(map(str.isdigit, written))))
        return str(10 ** (digits - 1) + int.from_bytes(self._bytes(f"number {written}", 8)) % (9 * 10 ** (digits - 1)))

    def user(self, token: str) -> str:
        """The pseudonym of whom a token belongs to: of its `sub` where it is a JSON web token that has one."""
        found = self._users.get(token)
        if found is None:
            if len(self._users) >= _REMEMBERED:
                self._users.clear()
            subject = _subject(token)
            found = self._users[token] = self.name(token if subject is None else f"sub {subject}")
        return found

    def name(self, of: str) -> str:
        """Sixteen hexadecimal digits for whatever this is."""
        return self._bytes(f"name {of}", 8).hex()

    def _token(self, value: str) -> str:
        claims = json.dumps({"sub": self.user(value)}, separators=(",", ":")).encode()
        signature = self._bytes(f"token {value}", 32)
        parts = (base64.urlsafe_b64encode(each).decode().rstrip("=") for each in (claims, signature))
        return ".".join((TOKEN_HEAD, *parts))

    def _formed(self, value: str) -> str:
        if _ADDRESS.fullmatch(value):
            return "10." + ".".join(map(str, self._bytes(value, 3)))
        digest = hashlib.shake_256(self._bytes(value, 32)).digest(min(len(value), _LONGEST) + _SHORTEST)
        kept = _KEPT if sum(map(str.isalnum, value)) >= _FEWEST_VARYING else ""
        formed = "".join(_alike(sign, octet, kept) for sign, octet in zip(value[:_LONGEST], digest, strict=False))
        return formed + "".join(_LOWER[octet % 26] for octet in digest[len(formed) : _SHORTEST])

    def _bytes(self, value: str, length: int) -> bytes:
        return hmac.digest(self._key, value.encode("utf-8", "surrogatepass"), "sha256")[:length]


def is_pseudonym(value: str) -> bool:
    """Whether a token is a pseudonym of one."""
    return value.startswith(TOKEN_HEAD)


def _alike(sign: str, octet: int, kept: str) -> str:
    if sign in kept:
        return sign
    if sign.isdigit():
        return _DIGITS[octet % 10]
    return (_UPPER if sign.isupper() else _LOWER)[octet % 26]


def _subject(token: str) -> str | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return None if subject is None else str(subject)
