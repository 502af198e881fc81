"""Reading and writing result files, those of earlier versions included."""

from pathlib import Path
from typing import TypeVar

import msgspec

from serving_lab.errors import LabError
from serving_lab.results.envelope import Decoded, Envelope, Format
from serving_lab.text import how_to

R = TypeVar("R", bound=Envelope)


def read(path: Path, kind: type[R]) -> R:
    """Read a result file of this kind.

    Raises:
        LabError: it cannot be read, or is not a result of this kind.
    """
    form = kind.file_format
    hint = _how_to_get(form)
    try:
        content = path.read_bytes()
        schema = msgspec.json.decode(content, type=_Head).schema
        if schema == form.schema:
            return msgspec.json.decode(content, type=kind)
        if schema not in form.earlier:
            raise _unreadable(path, schema, form)
        document = form.earlier[schema](msgspec.json.decode(content, type=Decoded))
        return msgspec.convert({**document, "schema": form.schema}, kind)
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}", hint=hint) from error
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
        raise LabError(f"{path} is not a result of lab {form.command}: {error}", hint=hint) from error


def write(path: Path, result: Envelope, hint: str = "--output FILE") -> None:
    """Write a result as JSON; `hint` names the option that chooses another place.

    Raises:
        LabError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}", hint=hint) from error


class _Head(msgspec.Struct, frozen=True):
    schema: str


def _unreadable(path: Path, schema: str, form: Format) -> LabError:
    kind, _, version = form.schema.partition("/")
    other, _, others_version = schema.partition("/")
    if other == kind and others_version.isdecimal() and int(others_version) > int(version):
        return LabError(
            f"{path} has the schema {schema!r}, which is newer than this lab's {form.schema!r}",
            hint=how_to.install(),
        )
    return LabError(f"{path} has the schema {schema!r}, and {form.schema!r} is needed", hint=_how_to_get(form))


def _how_to_get(form: Format) -> str:
    return f"{how_to.run(form.command)} writes one"
