"""Tokens that no sign-in gives, signed when a profile is loaded: expired, without a claim, of another key."""

import re
import time
import warnings

import jwt
import msgspec

_NOW = re.compile(r"now([+-]\d+)?")


class TokenForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token as it stands in a profile."""

    claims: dict[str, object]
    """`now`, `now+3600` and `now-1` become seconds since 1970."""
    key: str = ""
    algorithm: str = "HS256"
    """Of PyJWT's; `none` signs nothing."""
    header: dict[str, object] = {}
    """Fields of the token's header, over `alg` and `typ`."""

    def sign(self) -> str:
        """The token.

        Raises:
            ValueError: it cannot be signed like this; the text says why.
        """
        now = int(time.time())
        claims = {name: _at(value, now) for name, value in self.claims.items()}
        key = None if self.algorithm == "none" else self.key
        try:
            with warnings.catch_warnings():
                # A key that is too short may be the very thing a service has to refuse.
                warnings.simplefilter("ignore", category=jwt.warnings.InsecureKeyLengthWarning)
                return jwt.encode(claims, key, algorithm=self.algorithm, headers=dict(self.header))
        except (jwt.PyJWTError, NotImplementedError, TypeError, ValueError) as error:
            raise ValueError(f"it cannot be signed: {str(error) or type(error).__name__}") from None


def _at(value: object, now: int) -> object:
    found = _NOW.fullmatch(value) if isinstance(value, str) else None
    return now + int(found[1] or 0) if found else value
