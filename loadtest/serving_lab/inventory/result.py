"""What is found in a service: one file, from which table, page and drafts are made.

Schemas are JSON Schema, as OpenAPI 3.1 has them.
"""

from typing import Any, ClassVar, Literal

import msgspec

from serving_lab.results.envelope import Envelope, Format

Schema = dict[str, Any]
How = Literal["import", "source", "document", "recording"]
HOWS: dict[How, str] = {
    "import": "imported, in a process of its own, and its source read",
    "source": "its source read, because it could not be imported",
    "document": "its OpenAPI document read",
    "recording": "recorded traffic read",
}
"""How a service was looked at, in words."""


class Place(msgspec.Struct, frozen=True):
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A value in the path, the query, a header or a cookie."""

    name: str
    where: Literal["path", "query", "header", "cookie"]
    required: bool = False
    schema: Schema = {}


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What a request has for a body."""

    kind: Literal["json", "form", "multipart", "other"]
    schema: Schema = {}
    required: bool = True


AccessKind = Literal["bearer", "basic", "api key", "session", "cookie", "other"]


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Something that lets requests in."""

    kind: AccessKind
    name: str
    """Of the header, the cookie, the decorator or the scheme."""
    through: Literal["decorator", "hook", "dependency", "view", "document", "recording"]
    place: Place | None = None


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """What a request must keep."""

    field: str
    """Where: `features`, `samples[]`, or empty for the whole body."""
    rule: str
    """In words, such as `has 10 items`."""
    code: str
    """The condition, or what else says so, as it is written."""
    place: Place | None = None
    error: str | None = None
    """What is answered otherwise, as far as it is seen: `400 Features must be a list`."""


class BlockingCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that a request waits for."""

    call: str
    kind: Literal["network", "database", "disk", "process", "sleep", "CPU"]
    async_helps: bool
    """Whether it waits for something else than the processor, so that an event loop could serve others meanwhile."""
    instead: str | None = None
    """What one uses in async code."""
    place: Place


class ErrorForm(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that says what went wrong."""

    status: int | None
    """None: it is decided elsewhere."""
    body: Any = None
    """Its JSON, with `…` in the places of what varies; a string where it is no JSON; None: not known."""
    how: str
    """What makes it: `return`, `abort`, `raise`, `error handler`, `the framework`."""
    place: Place | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is right."""

    status: int
    schema: Schema = {}
    """Empty: not known."""
    place: Place | None = None


class StateWrite(msgspec.Struct, frozen=True, kw_only=True):
    """A change to what a process keeps in memory; another worker does not see it."""

    name: str
    place: Place


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A method on a path."""

    method: str
    path: str
    """Parameters in braces."""
    endpoint: str
    """What the framework calls it."""
    handler: str | None = None
    """The function that answers."""
    place: Place | None = None
    is_async: bool = False
    summary: str = ""
    group: str | None = None
    """The blueprint, router or mount it belongs to."""
    parameters: list[Parameter] = []
    body: Body | None = None
    access: list[Access] = []
    checks: list[Check] = []
    blocking: list[BlockingCall] = []
    answers: list[Answer] = []
    errors: list[ErrorForm] = []
    writes: list[StateWrite] = []

    @property
    def label(self) -> str:
        """What it is called in lists: `GET /orders/{id}`."""
        return f"{self.method} {self.path}"


FindingKind = Literal["secret", "debug", "unsafe loading", "state", "shell", "server", "error text", "not read"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something of the whole service that a person should know before moving it."""

    kind: FindingKind
    text: str
    place: Place | None = None


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """A function that runs around requests."""

    when: str
    """`before_request`, `error handler 404`, `middleware`."""
    name: str
    group: str | None = None
    place: Place | None = None


class InventoryResult(Envelope, frozen=True, kw_only=True):
    """Everything that was found."""

    file_format: ClassVar[Format] = Format("serving-lab.inventory/1", command="inventory")

    schema: str = file_format.schema
    target: str
    how: How
    framework: str | None
    """Its name and version; None: unknown."""
    interpreter: str | None = None
    """The Python that imported it, and its version."""
    operations: list[Operation]
    hooks: list[Hook]
    extensions: list[str]
    findings: list[Finding]
    unread: list[str]
    """What could not be read, and so may be missing."""
