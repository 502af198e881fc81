"""HOST:PORT, as options have it."""

from serving_lab.errors import LabError


def parse(option: str, written: str) -> tuple[str, int]:
    """The host, without brackets, and the port.

    Raises:
        LabError: it is not HOST:PORT; the text names the option.
    """
    host, colon, port = written.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise LabError(f"{option} {written}: this is not HOST:PORT", hint=f"such as {option} 127.0.0.1:8092")
    return host.strip("[]"), int(port)
