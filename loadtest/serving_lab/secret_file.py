"""A secret: under its own name, or in a file that NAME_FILE names."""

from collections.abc import Mapping
from pathlib import Path


def secret(name: str, given: Mapping[str, str], directory: Path = Path()) -> str:
    """Return what `name` is set to, by itself or by its file, without the line break at the file's end; empty: not set.

    Args:
        name: The setting, such as API_PASSWORD.
        given: All settings by name; what is empty counts as not set.
        directory: Where relative paths start.

    Raises:
        ValueError: both are set, or the file cannot be read; the text names them, and never what is secret.
    """
    value, path = given.get(name, ""), given.get(f"{name}_FILE", "")
    if not path:
        return value
    if value:
        raise ValueError(f"{name} is set, and {name}_FILE too")
    try:
        return (directory / path).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"{name}_FILE names {path}, which cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{name}_FILE names {path}, which is not UTF-8") from None
