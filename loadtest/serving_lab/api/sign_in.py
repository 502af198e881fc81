"""How to sign in, as a description says: parity, measurements, Locust's users and `lab token` do it in this one way.

`serving_lab.wire.signing_in` sends the request; Locust sends it as it sends all others, so that it counts among them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from serving_lab.api import json_path
from serving_lab.api.expectations import Expectation, ExpectForm
from serving_lab.api.request import Request
from serving_lab.api.request_form import RequestForm


class SignInForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request that signs in, and what of its answer other requests need."""

    request: RequestForm
    save: dict[str, str]
    """Names, each with the JSON path of its value in the answer."""
    lifetime: str | None = None
    """The JSON path of how many seconds that is valid."""
    expect: ExpectForm | None = None
    """What a right answer is; checked where every answer is checked."""


class NotSignedInError(ValueError):
    """The answer does not have what is to be saved."""


@dataclass(frozen=True)
class Grant:
    """What a service gave at the sign-in."""

    variables: Mapping[str, str]
    lifetime_seconds: float | None
    """How long that is valid; None: nothing says so."""


@dataclass(frozen=True)
class SignIn:
    """How to sign in."""

    request: Request
    save: Mapping[str, str]
    lifetime: str | None = None
    expectation: Expectation = field(default_factory=Expectation)

    def granted(self, body: bytes) -> Grant:
        """What the body of an answer gives.

        Raises:
            NotSignedInError: it does not have what is to be saved.
        """
        try:
            document = json.loads(body)
        except ValueError:
            raise NotSignedInError("the answer is not JSON") from None
        variables = {name: self._saved(document, name, path) for name, path in self.save.items()}
        lifetime = self._saved(document, "lifetime", self.lifetime) if self.lifetime else None
        try:
            return Grant(variables, float(lifetime) if lifetime is not None else None)
        except ValueError:
            raise NotSignedInError(f"{self.lifetime} is not a number of seconds") from None

    @staticmethod
    def _saved(document: object, name: str, path: str) -> str:
        try:
            value = json_path.value_at(document, path)
        except LookupError:
            raise NotSignedInError(f"the answer has no {path} for {name}") from None
        if value is None or value == "":
            raise NotSignedInError(f"{path} for {name} is empty")
        return value if isinstance(value, str) else json.dumps(value)
