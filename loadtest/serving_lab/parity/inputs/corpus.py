"""The corpus: files of requests, sequences of them, and raw requests, that people read and extend."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from serving_lab.api import json_path, template
from serving_lab.api.request import Header, Parameter, Request
from serving_lab.api.request_form import RequestForm, latin1, with_defaults
from serving_lab.parity.cases import Case, Source, Steps
from serving_lab.text.yaml_file import YamlFile
from serving_lab.wire.message import RawRequest

Matrix = dict[str, list[Any] | dict[str | int | float | bool | None, Any]]
"""Names, each with its values; a mapping also gives each value a label."""

_LABEL_CHARACTERS = 60


class CaseForm(RequestForm, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request under `requests`."""

    name: str
    matrix: Matrix = msgspec.field(default_factory=dict)
    """The request is sent with every combination of these values."""


class StepForm(RequestForm, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request of a sequence."""

    name: str = ""
    save: dict[str, str] = msgspec.field(default_factory=dict)
    """Variables for later steps, each with the JSON path of the answer that it is read from."""
    since: dict[str, str] = msgspec.field(default_factory=dict)
    """JSON paths of counters, each with the variable of its earlier value: by how much it grew is compared."""


class SequenceForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests that make sense in this order alone."""

    name: str
    steps: list[StepForm]
    matrix: Matrix = {}


class RawForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bytes that no client library would send, one character a byte."""

    name: str
    send: str | msgspec.UnsetType = msgspec.UNSET
    """All that is sent."""
    head: str | msgspec.UnsetType = msgspec.UNSET
    """Or a request's head: its lines are sent with a carriage return each, and an empty line after them."""
    body: str = ""
    """What follows the head."""
    half_close: bool = False
    """Whether the client says that it sends no more, once it has sent all."""
    matrix: Matrix = {}


class CorpusForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A corpus file."""

    defaults: RequestForm = RequestForm()
    """What requests and steps of this file say where they say nothing else."""
    variables: dict[str, Any] = {}
    """Values that this file refers to as `${name}`."""
    requests: list[CaseForm] = []
    sequences: list[SequenceForm] = []
    raw: list[RawForm] = []


@dataclass(frozen=True)
class Known:
    """What requests may refer to, and what signs them in."""

    environment: Mapping[str, str] = field(default_factory=dict)
    variables: frozenset[str] = frozenset({"host"})
    """Names that are filled in when a request is sent."""
    authorization: tuple[Header, ...] = ()
    query: tuple[Parameter, ...] = ()


@dataclass(frozen=True)
class Corpus:
    """The cases of corpus files, in their order."""

    cases: tuple[Case, ...] = ()
    sequences: tuple[Steps, ...] = ()

    @classmethod
    def read(cls, paths: list[Path], known: Known) -> "Corpus":
        """Read corpus files.

        Raises:
            LabError: one cannot be read, is wrong, or two cases have one name.
        """
        cases: list[Case] = []
        sequences: list[Steps] = []
        seen: dict[str, str] = {}
        for path in paths:
            reader = _Reader.open(path, known)
            for place, name, found in itertools.chain(reader.cases(), reader.sequences()):
                if name in seen:
                    raise reader.file.fault(
                        place, f"the name {name!r} is taken: {seen[name]}", hint="a report tells cases by their names"
                    )
                seen[name] = f"{path}: {place}"
                if isinstance(found, Case):
                    cases.append(found)
                else:
                    sequences.append(found)
        return cls(tuple(cases), tuple(sequences))


_Found = tuple[str, str, Case | Steps]
"""Place in the file, name, and what stands there."""


@dataclass(frozen=True)
class _Reader:
    file: YamlFile
    form: CorpusForm
    known: Known
    variables: Mapping[str, object]
    """The file's own, which may refer to those above them."""

    @classmethod
    def open(cls, path: Path, known: Known) -> "_Reader":
        file = YamlFile.read(path, known.environment)
        file = replace(file, content=_apply_defaults(file.content))
        form = file.convert(CorpusForm)
        variables: dict[str, object] = {}
        for name, value in form.variables.items():
            variables[name] = template.fill(value, variables)
        return cls(file, form, known, variables)

    def cases(self) -> Iterator[_Found]:
        for index, request in enumerate(self.form.requests):
            place = f"requests[{index}]"
            for name, values in self._combinations(place, request.name, request.matrix):
                built = self._request(place, request, values, self.known.variables | request.matrix.keys())
                yield place, name, Case(Source.CORPUS, name, built)
        for index, raw in enumerate(self.form.raw):
            place = f"raw[{index}]"
            for name, values in self._combinations(place, raw.name, raw.matrix):
                yield place, name, Case(Source.RAW, name, self._raw(place, raw, values))

    def sequences(self) -> Iterator[_Found]:
        for index, sequence in enumerate(self.form.sequences):
            place = f"sequences[{index}]"
            if not sequence.steps:
                raise self.file.fault(f"{place}.steps", "a sequence has at least one step")
            for name, values in self._combinations(place, sequence.name, sequence.matrix):
                yield place, name, tuple(self._steps(place, name, sequence, values))

    def _steps(self, place: str, name: str, sequence: SequenceForm, values: Mapping[str, object]) -> Iterator[Case]:
        variables = self.known.variables | sequence.matrix.keys()
        for index, step in enumerate(sequence.steps):
            at = f"{place}.steps[{index}]"
            request = self._request(at, step, values, variables)
            for path in (*step.save.values(), *step.since):
                try:
                    json_path.steps(path)
                except ValueError as error:
                    raise self.file.fault(at, str(error)) from None
            variables |= step.save.keys()
            if unknown := set(step.since.values()) - variables:
                raise self.file.fault(f"{at}.since", f"no step so far saves {min(unknown)!r}")
            title = step.name or f"{request.method} {request.target}"
            yield Case(Source.SEQUENCE, f"{name}: {index + 1}. {title}", request, step.save, step.since)

    def _request(self, place: str, form: RequestForm, values: Mapping[str, object], known: frozenset[str]) -> Request:
        self._check_names(place, form, known)
        try:
            return form.build(values, self.known.authorization, self.known.query)
        except ValueError as error:
            raise self.file.fault(place, str(error)) from None

    def _raw(self, place: str, form: RawForm, values: Mapping[str, object]) -> RawRequest:
        self._check_names(place, form, self.known.variables | form.matrix.keys())
        if isinstance(form.send, str) == isinstance(form.head, str) or (isinstance(form.send, str) and form.body):
            raise self.file.fault(place, "give all that is sent as send, or a head, with or without a body")
        if isinstance(form.head, str):
            # Lines end in what a file has; a trailing one, where a block has it, is the end of the last header.
            text = "\r\n".join([*form.head.removesuffix("\n").split("\n"), "", form.body])
        else:
            text = str(form.send)
        try:
            filled = template.repeat(template.as_text(template.fill(text, values)))
            return RawRequest(latin1(filled, "send", "its bytes, such as \\xc3\\xa9"), form.half_close)
        except ValueError as error:
            raise self.file.fault(place, str(error)) from None

    def _combinations(self, place: str, name: str, matrix: Matrix) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Every combination of a matrix's values: the case's name with their labels, and all that can be filled in."""
        if not name.strip():
            raise self.file.fault(place, "the name is empty", hint="a report tells cases by their names")
        for key, choices in matrix.items():
            if not choices:
                raise self.file.fault(f"{place}.matrix.{key}", "it has no values")
            if len(choices) > 1 and f"${{{key}}}" not in name:
                raise self.file.fault(place, f"the name does not say ${{{key}}}, so that all would have the same name")
        for chosen in itertools.product(*(_labelled(choices) for choices in matrix.values())):
            pairs = dict(zip(matrix, chosen, strict=True))
            labels = {**self.variables, **{key: label for key, (label, _) in pairs.items()}}
            values = {key: template.fill(value, self.variables) for key, (_, value) in pairs.items()}
            yield template.as_text(template.fill(name, labels)), {**self.variables, **values}

    def _check_names(self, place: str, form: msgspec.Struct, known: frozenset[str]) -> None:
        known |= self.variables.keys()
        for name in template.names(msgspec.to_builtins(form)):
            if name not in known:
                raise self.file.fault(
                    place, f"${{{name}}} is not defined", hint=f"known are: {', '.join(sorted(known))}"
                )


def _labelled(values: list[Any] | dict[str | int | float | bool | None, Any]) -> list[tuple[str, Any]]:
    if isinstance(values, dict):
        return [(template.as_text(label), value) for label, value in values.items()]
    return [(template.as_text(value)[:_LABEL_CHARACTERS], value) for value in values]


def _apply_defaults(content: object) -> object:
    """The content of a file with its defaults in every request, so that a fault in one is found where it stands."""
    if not isinstance(content, dict) or not isinstance(defaults := content.get("defaults"), dict):
        return content
    applied = dict(content)
    if isinstance(requests := content.get("requests"), list):
        applied["requests"] = [with_defaults(request, defaults) for request in requests]
    if isinstance(sequences := content.get("sequences"), list):
        applied["sequences"] = [
            sequence | {"steps": [with_defaults(step, defaults) for step in sequence["steps"]]}
            if isinstance(sequence, dict) and isinstance(sequence.get("steps"), list)
            else sequence
            for sequence in sequences
        ]
    return applied
