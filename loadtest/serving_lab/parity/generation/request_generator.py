"""Generated requests: drawn from the OpenAPI document, changed from others, and repeated."""

import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

from hypothesis.errors import Unsatisfiable

from serving_lab.api.request import Header, Parameter, Request
from serving_lab.documents.openapi import OpenApiDocument
from serving_lab.documents.operations import Operations, decoded_path
from serving_lab.parity.cases import Case, Source
from serving_lab.parity.generation.edge_values import METHODS
from serving_lab.parity.generation.left_out import LeftOutOperations, reason
from serving_lab.parity.generation.mutate import authorization_spoiled, mutated
from serving_lab.parity.generation.schema_requests import Fit, SchemaOperation, schema_operations
from serving_lab.parity.generation.wellformed import variables_of, well_formed
from serving_lab.text.phrases import some

_SHARES = {"valid": 0.2, "invalid": 0.1, "again": 0.12, "mutated": 0.58}
_SHARE_SIGNED_IN, _SHARE_SPOILED = 0.88, 0.07
# An operation without parameters and body has little that can be varied.
_WEIGHT_WITH_INPUT, _WEIGHT_WITHOUT = 5, 1
_FIRST_OF_OPERATION = 2
"""Every second request is the first one of an operation, as long as there are operations without any."""
_FEW_OPERATIONS = 50
_SMALL_BATCH, _LARGE_BATCH, _LARGEST_BATCH = 3, 10, 160
"""The first batch of an operation where there are many of them, where there are few, and its later ones at most."""
_VALID_REMEMBERED, _RECENT = 300, 30
_EXCLUDED_IN_A_ROW = 1000


class RequestGenerator(Iterator[Case]):
    """An endless iterator of cases; the same arguments yield the same cases in the same order.

    A share of them is valid, so that services do their work, and a share is repeated soon, so that caches answer.
    What `exclude` names (`POST /cache/*`) is never among them; if that is everything, the iterator ends.
    """

    def __init__(
        self,
        document: OpenApiDocument | None,
        base: Sequence[Case],
        *,
        authorization: tuple[Header, ...] = (),
        query: tuple[Parameter, ...] = (),
        exclude: tuple[str, ...] = (),
        seed: int = 0,
    ) -> None:
        self._left_out = LeftOutOperations()
        given = [case.request for case in base if isinstance(case.request, Request)]
        self._random = random.Random(seed)  # noqa: S311 - the same requests for the same seed are the point
        self._authorization = authorization
        self._query = query
        self._exclude = exclude
        self._paths = Operations(
            [*(document.templates if document else ()), *(decoded_path(request.target) for request in given)]
        )
        self._variables = variables_of([*given, self._signed_root])
        # A method that servers may not know is a case of its own; changes to the rest of such a request add nothing.
        self._base = [each for each in given if each.method in METHODS and not self._excluded(each)]
        self._drawn: dict[str, list[_Batches]] = {fit: [] for fit in Fit}
        self._untried: deque[_Batches] = deque()
        self._valid: deque[Request] = deque(maxlen=_VALID_REMEMBERED)
        self._recent: deque[Request] = deque(maxlen=_RECENT)
        self._count = 0
        if document is not None:
            self._read(document)

    def __next__(self) -> Case:
        for _ in range(_EXCLUDED_IN_A_ROW):
            request = self._candidate()
            if not self._excluded(request):
                break
        else:
            raise StopIteration
        self._recent.append(request)
        self._count += 1
        label = self._paths.label(request.method, request.target)
        return Case(Source.GENERATED, f"generated {self._count} {label}", request)

    @property
    def warnings(self) -> list[str]:
        """What was not generated for which operations, and why, until now."""
        missed = [source.label for source in self._untried]
        many = f"more requests (--generate {2 * (self._tried + len(missed))}) reach all operations"
        return [
            *self._left_out.warnings(),
            *([f"no request that fits the document was generated for {some(missed)}: {many}"] if missed else []),
        ]

    @property
    def _signed_root(self) -> Request:
        return Request("GET", "/", self._authorization).with_query(*self._query)

    @property
    def _tried(self) -> int:
        return len(self._drawn[Fit.VALID]) - len(self._untried)

    def _read(self, document: OpenApiDocument) -> None:
        operations = [
            each
            for each in schema_operations(document, self._left_out, signed_in=bool(self._authorization or self._query))
            if not self._paths.excludes(self._exclude, each.method, each.path)
        ]
        batch = _LARGE_BATCH if len(operations) <= _FEW_OPERATIONS else _SMALL_BATCH
        for operation in operations:
            for fit in Fit if operation.has_input else (Fit.VALID,):
                self._drawn[fit].append(_Batches(operation, fit, self._random.getrandbits(64), batch))
        self._untried.extend(self._drawn[Fit.VALID])

    def _excluded(self, request: Request) -> bool:
        return self._paths.excludes(self._exclude, request.method, request.target)

    def _candidate(self) -> Request:
        way = self._random.choices(tuple(_SHARES), tuple(_SHARES.values()))[0]
        if self._untried and self._count % _FIRST_OF_OPERATION == 0:
            way = Fit.VALID
        if way == "again" and self._recent:
            # The last one more often than others, as a client repeats itself.
            return self._recent[-1] if self._random.random() < 0.5 else self._random.choice(self._recent)
        drawn = self._draw(way)
        if drawn is None:
            # Every service has a root: there is something to change even if nothing is known.
            known = [bases for bases in (self._valid, self._base) if bases] or [[self._signed_root]]
            drawn = mutated(self._random.choice(self._random.choice(known)), self._random)
        return well_formed(drawn, self._variables)

    def _draw(self, way: str) -> Request | None:
        """A request from the document, signed in mostly; None if the document has none of this kind."""
        while sources := self._drawn.get(way):
            if way == Fit.VALID and self._untried:
                source = self._untried.popleft()
            else:
                source = self._random.choices(sources, [source.weight for source in sources])[0]
            try:
                drawn = source.take()
            except Exception as error:  # noqa: BLE001 - a document of others may make schemathesis raise anything
                sources.remove(source)
                # Where nothing is invalid, there is nothing to warn of.
                if not (source.fit is Fit.INVALID and isinstance(error, Unsatisfiable)):
                    self._left_out.note(f"no {source.fit} requests are generated for", source.label, reason(error))
                continue
            signed = _signed(drawn, self._authorization).with_query(*self._query)
            if source.fit is Fit.VALID:
                self._valid.append(signed)
            spoil = self._random.random()
            if spoil < _SHARE_SIGNED_IN:
                return signed
            if spoil < _SHARE_SIGNED_IN + _SHARE_SPOILED:
                spoiled = authorization_spoiled(self._query or self._authorization, self._random)
                if self._query:
                    return _signed(drawn, self._authorization).with_query(*spoiled)
                return _signed(drawn, spoiled)
            return drawn
        return None


def _signed(request: Request, authorization: tuple[Header, ...]) -> Request:
    """The request with these headers, in place of what a document has drawn for them."""
    names = {name.lower() for name, _ in authorization}
    return replace(
        request, headers=(*(each for each in request.headers if each[0].lower() not in names), *authorization)
    )


class _Batches:
    """Requests of one operation and fit, drawn in batches, because each drawing has a fixed cost."""

    def __init__(self, operation: SchemaOperation, fit: Fit, seed: int, size: int) -> None:
        self.fit = fit
        self.label = f"{operation.method} {operation.path}"
        self.weight = _WEIGHT_WITH_INPUT if operation.has_input else _WEIGHT_WITHOUT
        self._operation = operation
        self._random = random.Random(seed)  # noqa: S311 - the same requests for the same seed are the point
        self._size = size
        self._waiting: deque[Request] = deque()
        self._exhausted = False

    def take(self) -> Request:
        """The next request; if the schema allows few, they are repeated."""
        if not self._waiting:
            drawn = self._operation.draw(self.fit, self._size, self._random.getrandbits(64))
            self._exhausted = len(drawn) <= self._size // 2
            self._size = min(_LARGEST_BATCH, self._size * 2)
            self._waiting.extend(drawn)
        request = self._waiting.popleft()
        if self._exhausted:
            self._waiting.append(request)
        return request
