"""Settings from an environment: name, type, bounds and default of each stand once, in the struct it is read into."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, inspect

from serving_lab.errors import LabError

T = TypeVar("T", bound=msgspec.Struct)

Text = Annotated[str, Meta(min_length=1)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Url = Annotated[str, Meta(extra={"url": True})]
"""The base URL of a service, read without a slash at its end."""
Secret = Annotated[str, Meta(extra={"secret": True})]
"""It may stand in a file that NAME_FILE names; no message shows it."""

# msgspec takes 5.0 and 1e3 for whole numbers; a program that is given the same text may not.
_WHOLE = re.compile(r"-?[0-9]+")


class SettingError(LabError):
    """A setting is missing or wrong; the message names it and says what it must be."""

    def __init__(self, message: str, *, hint: str = "change it in .env or in the shell") -> None:
        super().__init__(message, hint=hint)


def read(environment: Mapping[str, str], form: type[T]) -> T:
    """Read the settings that a struct declares, each under its field's encoded name (`rename="upper"`).

    An empty value counts as not set.

    Raises:
        SettingError: the first setting that is missing or wrong, or what the struct itself refuses with a ValueError.
    """
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(form):
        value = read_one(environment, field.encode_name, field.type)
        if value is not None:
            values[field.name] = value
        elif field.required:
            raise SettingError(f"{field.encode_name} is not set")
    try:
        return form(**values)
    except ValueError as error:
        raise SettingError(str(error)) from None


def read_one(environment: Mapping[str, str], name: str, kind: Any) -> Any:  # noqa: ANN401 - what `kind` says, such as Port
    """Read one setting as a type, such as Port; None where it is not set.

    Raises:
        SettingError: it is wrong.
    """
    expected = inspect.type_info(kind)
    extra: dict[str, bool] = {}
    if isinstance(expected, inspect.Metadata):
        extra = expected.extra or {}
        expected = expected.type
    text = secret(name, environment) if "secret" in extra else environment.get(name, "")
    if not text:
        return None
    if "url" in extra:
        return _url(name, text)
    if not isinstance(expected, inspect.IntType) or _WHOLE.fullmatch(text):
        try:
            return msgspec.convert(text, kind, strict=False)
        except msgspec.ValidationError:
            pass
    raise SettingError(f"{name} must be {_words(expected)}, not {text!r}")


def secret(name: str, environment: Mapping[str, str], directory: Path = Path()) -> str:
    """A secret, by its own name or from the file that NAME_FILE names, without the line break at the file's end.

    Args:
        name: The setting, such as API_PASSWORD.
        environment: All settings by name; an empty value counts as not set.
        directory: Where relative paths start.

    Returns:
        The value; empty where it is not set.

    Raises:
        SettingError: both are set, or the file cannot be read; the message names them and never shows the secret.
    """
    value, path = environment.get(name, ""), environment.get(f"{name}_FILE", "")
    hint = f"in .env or the shell: {name}, or {name}_FILE and a file that holds it, not both"
    if not path:
        return value
    if value:
        raise SettingError(f"{name} is set, and {name}_FILE too", hint=hint)
    try:
        return (directory / path).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise SettingError(f"{name}_FILE names {path}, which cannot be read: {error.strerror}", hint=hint) from None
    except UnicodeDecodeError:
        raise SettingError(f"{name}_FILE names {path}, which is not UTF-8", hint=hint) from None


def _url(name: str, text: str) -> str:
    try:
        parts = urlsplit(text)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise SettingError(f"{name} must be an http or https URL, not {text!r}")
    return text.rstrip("/")


def _words(expected: inspect.Type) -> str:
    match expected:
        case inspect.IntType():
            return f"a whole number {_bounds(expected)}".rstrip()
        case inspect.FloatType():
            return f"a number {_bounds(expected)}".rstrip()
        case inspect.BoolType():
            return "true or false"
        case inspect.EnumType():
            return f"one of {', '.join(str(each.value) for each in expected.cls)}"
        case inspect.LiteralType():
            return f"one of {', '.join(map(str, expected.values))}"
        case _:
            return "another text"


def _bounds(number: inspect.IntType | inspect.FloatType) -> str:
    match number.ge, number.gt, number.le:
        case None, None, None:
            return ""
        case None, None, most:
            return f"up to {most}"
        case None, above, None:
            return f"above {above}"
        case None, above, most:
            return f"above {above} and up to {most}"
        case least, _, None:
            return f"from {least}"
        case least, _, most:
            return f"from {least} to {most}"
    raise AssertionError(number)
