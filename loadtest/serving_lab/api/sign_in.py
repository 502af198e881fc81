"""How to sign in, as a description says: parity, measurements, Locust's users and `lab token` do it in this one way.

`serving_lab.wire.signing_in` sends the request; Locust sends it as it sends all others, so that it counts among them.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from serving_lab.api import json_path
from serving_lab.api.expectations import Expectation, ExpectForm
from serving_lab.api.request import Header, Request
from serving_lab.api.request_form import RequestForm


class OfHeadForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is saved of the head of an answer: the value of a cookie, or of a header."""

    cookie: str | None = None
    header: str | None = None

    def value(self, headers: Iterable[Header]) -> str | None:
        """The value in these headers; None: they do not have it."""
        if self.header is not None:
            return next((value for name, value in headers if name.lower() == self.header.lower()), None)
        for name, value in headers:
            key, _, rest = value.partition("=")
            if name.lower() == "set-cookie" and key.strip() == self.cookie:
                return rest.partition(";")[0].strip()
        return None


class SignInForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request that signs in, and what of its answer other requests need."""

    request: RequestForm
    save: dict[str, str | OfHeadForm]
    """Names, each with the JSON path of its value in the answer, or with its cookie or header."""
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
    save: Mapping[str, str | OfHeadForm]
    lifetime: str | None = None
    expectation: Expectation = field(default_factory=Expectation)

    def granted(self, body: bytes, headers: Iterable[Header] = ()) -> Grant:
        """What the body and the headers of an answer give.

        Raises:
            NotSignedInError: it does not have what is to be saved.
        """
        head = tuple(headers)
        document = self._document(body)
        variables = {
            name: self._saved(document, name, where) if isinstance(where, str) else self._of_head(head, name, where)
            for name, where in self.save.items()
        }
        lifetime = self._saved(document, "lifetime", self.lifetime) if self.lifetime else None
        try:
            return Grant(variables, float(lifetime) if lifetime is not None else None)
        except ValueError:
            raise NotSignedInError(f"{self.lifetime} is not a number of seconds") from None

    def _document(self, body: bytes) -> object:
        if self.lifetime is None and not any(isinstance(where, str) for where in self.save.values()):
            return None
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise NotSignedInError("the answer is not JSON") from None

    @staticmethod
    def _of_head(headers: Iterable[Header], name: str, where: OfHeadForm) -> str:
        value = where.value(headers)
        what = f"cookie {where.cookie}" if where.cookie is not None else f"header {where.header}"
        if value is None:
            raise NotSignedInError(f"the answer has no {what} for {name}")
        if not value:
            raise NotSignedInError(f"the {what} for {name} is empty")
        return value

    @staticmethod
    def _saved(document: object, name: str, path: str) -> str:
        try:
            value = json_path.value_at(document, path)
        except LookupError:
            raise NotSignedInError(f"the answer has no {path} for {name}") from None
        if value is None or value == "":
            raise NotSignedInError(f"{path} for {name} is empty")
        return value if isinstance(value, str) else json.dumps(value)
