"""Requests as lines for a shell: a reader of the report pastes one and sees the difference.

What curl can send is sent by curl. What it would correct or refuse (odd headers, wrong lengths, several requests at
once) is sent by python3, which every user of the lab has: nc is missing on many machines, and its variants disagree on
what to do at the end of their input. Variables stay variables (`${token}` becomes `$TOKEN`), so no secret is written.
Left to curl: its own Accept and User-Agent if the request has none, the order of headers, the size of chunks.
"""

import base64
import gzip
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote_plus, urlsplit

from serving_lab.api import json_path
from serving_lab.api.request import Header, Request
from serving_lab.api.sign_in import OfHeadForm
from serving_lab.parity.cases import Steps
from serving_lab.wire.message import RawRequest

_VARIABLE = re.compile(rb"\$\{(?:env:)?([A-Za-z_]\w*)\}")
_PLAIN_TARGET = re.compile(r"/(?!.*/\.)[\w.~!$&'()*+,;=:@/?-]*", re.ASCII)
"""What any curl leaves as it is; newer ones see dots and percent signs, too, as theirs to normalise."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSENDABLE = re.compile(r"[\r\n\0]")
_UNSAFE_IN_DOUBLE_QUOTES = re.compile(r'["$`\\!]')
_REPEATED = re.compile(rb"(.{1,120}?)\1{9,}", re.DOTALL)
_LONG_BYTES = 2000
"""Longer content is written as what makes it: repetitions, else compressed."""
_REPETITIVE = 20
"""Content that gzip makes this much shorter is shorter still, and readable, as repetitions."""
_EXPECT_BYTES = 1000
"""Up from here curl may ask with `Expect: 100-continue` first."""
_ARGUMENT_BYTES = 100_000
"""Linux takes 128 KiB in one argument."""
_SHORTEST_SECRET = 4
"""Characters; what is shorter occurs everywhere."""
_NO_SECRETS: Mapping[str, str] = {}
_READ_RAW = (
    "s.sendall(sys.stdin.buffer.read()); {half_close}[sys.stdout.buffer.write(b) for b in "
    'iter(lambda: select.select([s],[],[],2)[0] and s.recv(65536) or b"", b"")]'
)


def command(request: Request | RawRequest, base_url: str, host: str, secrets: Mapping[str, str] = _NO_SECRETS) -> str:
    """One line for a POSIX shell that sends the request to a service and shows what it answers.

    Args:
        request: as it stands in the corpus, its variables not filled in.
        base_url: of the service.
        host: what the Host header says where the request has none.
        secrets: values that are not written down, by the name of the environment variable that holds each.
    """
    if isinstance(request, RawRequest):
        content = _without(secrets, request.content)
        return _raw(_parts(content, host), base_url, half_close=request.half_close)
    request = _below(base_url, request, secrets)
    if not _curl_can_send(request):
        return _raw(_parts(request.encode(host), host), base_url, half_close=False)
    return _curl("-isS", request, base_url, host)


def commands(steps: Steps, base_url: str, host: str, secrets: Mapping[str, str] = _NO_SECRETS) -> str:
    """The lines, one a step, that send a sequence; what a step saves is in the variables of those behind it."""
    lines = [line for step in steps[:-1] for line in assignments(step.request, step.save, base_url, host, secrets)]
    return "\n".join([*lines, *(command(step.request, base_url, host, secrets) for step in steps[-1:])])


def assignments(
    request: Request | RawRequest,
    save: Mapping[str, str | OfHeadForm],
    base_url: str,
    host: str,
    secrets: Mapping[str, str] = _NO_SECRETS,
) -> list[str]:
    """The lines that send a request and set the variables that are saved of its answer, such as a login's token."""
    if not save or not isinstance(request, Request):
        return [command(request, base_url, host, secrets)]
    with_head = any(isinstance(where, OfHeadForm) for where in save.values())
    send = _curl("-sSi" if with_head else "-sS", _below(base_url, request, secrets), base_url, host)
    first, lines = send, []
    if len(save) > 1:
        first, lines = 'printf %s "$ANSWER"', [f"ANSWER=$({send})"]
    for name, where in save.items():
        lines.append(f"{name.upper()}=$({first} | python3 -c {shlex.quote(_reading(where, with_head=with_head))})")
    return lines


def _reading(where: str | OfHeadForm, *, with_head: bool) -> str:
    """A program that prints what stands somewhere in the answer that it reads."""
    if isinstance(where, OfHeadForm):
        cookie = f"set-cookie:[ ]*{re.escape(where.cookie or '')}=([^;]*?)(;.*)?"
        line = f"{re.escape(where.header)}:[ ]*(.*?)" if where.header else cookie
        return f'import re,sys; print(re.search(r"(?im)^{line}\\s*$", sys.stdin.read())[1])'
    keys = "".join(f"[{json.dumps(step)}]" for step in json_path.steps(where))
    if not with_head:
        return f"import json,sys; print(json.load(sys.stdin){keys})"
    return f'import json,re,sys; print(json.loads(re.split("\\r?\\n\\r?\\n", sys.stdin.read(), maxsplit=1)[1]){keys})'


def _below(base_url: str, request: Request, secrets: Mapping[str, str]) -> Request:
    """The request with its whole path, and without secrets."""
    return replace(
        request,
        target=urlsplit(base_url).path.rstrip("/") + _without(secrets, request.target.encode()).decode(),
        headers=tuple((name, _without(secrets, value.encode()).decode()) for name, value in request.headers),
        body=_without(secrets, request.body),
    )


def _without(secrets: Mapping[str, str], content: bytes) -> bytes:
    for name, value in secrets.items():
        for written in (value, json.dumps(value)[1:-1], quote_plus(value)):
            if len(written) >= _SHORTEST_SECRET:
                content = content.replace(written.encode(), f"${{{name}}}".encode())
    return content


@dataclass(frozen=True)
class _Variable:
    """A value that only the reader's shell knows."""

    name: str


_Part = bytes | _Variable


def _parts(content: bytes, host: str) -> list[_Part]:
    pieces = _VARIABLE.split(content.replace(b"${host}", host.encode()))
    parts = [_Variable(piece.decode().upper()) if index % 2 else piece for index, piece in enumerate(pieces)]
    return [part for part in parts if part != b""]


def _curl_can_send(request: Request) -> bool:
    names = [name.lower() for name, _ in request.headers]
    return (
        _TOKEN.fullmatch(request.method) is not None
        and (request.method != "HEAD" or not (request.body or request.chunked))
        and not re.search(r"\s", request.target)
        and not {"transfer-encoding", "content-length"}.intersection(names)
        and names.count("host") <= 1
        and all(_curl_can_write(header) for header in request.headers)
        and sum(len(text) for text in (request.target, *sum(request.headers, ()))) < _ARGUMENT_BYTES
    )


def _curl_can_write(header: Header) -> bool:
    name, value = header
    if not _TOKEN.fullmatch(name) or _UNSENDABLE.search(value):
        return False
    return bool(value.strip()) or (value == "" and name.lower() != "host")


def _curl(flags: str, request: Request, base_url: str, host: str) -> str:
    words = [f"curl {flags}"]
    if base_url.startswith("https:"):
        words.append("--http1.1")
    if request.method == "HEAD":
        words.append("--head")
    source, data = _body(request, host)
    if request.method != "HEAD" and (request.method != "GET" or data):
        words.append(f"-X {shlex.quote(request.method)}")
    words += [f"-H {_word(_header(header), host)}" for header in request.headers] + data
    parts = urlsplit(base_url)
    if _PLAIN_TARGET.fullmatch(_VARIABLE.sub(b"", request.target.encode("latin-1", "replace")).decode("latin-1")):
        words.append(_word(f"{parts.scheme}://{parts.netloc}{request.target}".encode(), host))
    else:
        words.append(f"--request-target {_word(request.target.encode('latin-1', 'replace'), host)}")
        words.append(shlex.quote(f"{parts.scheme}://{parts.netloc}/"))
    return source + " ".join(words)


def _body(request: Request, host: str) -> tuple[str, list[str]]:
    """The command that makes the body, if one does, and curl's options for it."""
    if not (request.body or request.chunked or request.method not in {"GET", "HEAD", "OPTIONS", "TRACE"}):
        return "", []
    words = []
    if request.header("Content-Type") is None:
        words.append("-H Content-Type:")
    if request.chunked:
        words.append("-H 'Transfer-Encoding: chunked'")
    if (request.chunked or len(request.body) > _EXPECT_BYTES) and request.header("Expect") is None:
        words.append("-H Expect:")
    parts = _parts(request.body, host)
    if _is_text(parts) and len(request.body) <= _LONG_BYTES:
        return "", [*words, f"--data-raw {_word(request.body, host)}"]
    return f"{_writer(parts)} | ", [*words, "--data-binary @-"]


def _raw(parts: list[_Part], base_url: str, *, half_close: bool) -> str:
    url = urlsplit(base_url)
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    connection = f'socket.create_connection(("{url.hostname}",{port}))'
    modules = "select,socket,sys"
    if url.scheme == "https":
        modules = "select,socket,ssl,sys"
        connection = f'ssl.create_default_context().wrap_socket({connection},server_hostname="{url.hostname}")'
    read = _READ_RAW.format(half_close="s.shutdown(1); " if half_close else "")
    return f"{_writer(parts)} | python3 -c {shlex.quote(f'import {modules}; s={connection}; {read}')}"


def _header(header: Header) -> bytes:
    """The header as curl takes it: with a semicolon it is sent empty, with a colon it would be left out."""
    name, value = header
    return f"{name}: {value}".encode("latin-1", "replace") if value else f"{name};".encode()


def _is_text(parts: list[_Part]) -> bool:
    try:
        return all(part.decode().isprintable() for part in parts if isinstance(part, bytes))
    except UnicodeDecodeError:
        return False


def _word(content: bytes, host: str) -> str:
    """The content as one word of a shell line."""
    parts = _parts(content, host)
    if not _is_text(parts) or len(content) > _LONG_BYTES:
        return f'"$({_writer(parts)})"'
    texts = [part.decode() if isinstance(part, bytes) else part for part in parts]
    if all(isinstance(text, str) for text in texts):
        return shlex.quote("".join(map(str, texts)))
    if any(isinstance(text, str) and _UNSAFE_IN_DOUBLE_QUOTES.search(text) for text in texts):
        return "".join(shlex.quote(text) if isinstance(text, str) else f'"${text.name}"' for text in texts)
    return '"' + "".join(text if isinstance(text, str) else f"${{{text.name}}}" for text in texts) + '"'


def _writer(parts: list[_Part]) -> str:
    """The command that writes the content to its standard output."""
    commands: list[str] = []
    written, arguments = "", ""
    for part in _shortened(parts):
        match part:
            case bytes():
                written += _printf_format(part)
            case _Variable():
                written, arguments = f"{written}%s", f'{arguments} "${part.name}"'
            case str():
                commands += [f"printf '{written}'{arguments}"] if written else []
                commands.append(part)
                written, arguments = "", ""
    if written or not commands:
        commands.append(f"printf '{written}'{arguments}")
    return commands[0] if len(commands) == 1 else f"{{ {'; '.join(commands)}; }}"


def _shortened(parts: list[_Part]) -> list[_Part | str]:
    """The parts, long ones replaced by commands that write them."""
    shortened: list[_Part | str] = []
    for part in parts:
        if isinstance(part, _Variable) or len(part) <= _LONG_BYTES:
            shortened.append(part)
            continue
        compressed = gzip.compress(part, mtime=0)
        if len(compressed) * _REPETITIVE > len(part):
            shortened.append(f"printf %s '{base64.b64encode(compressed).decode()}' | base64 -d | gzip -d")
            continue
        end = 0
        for repeated in _REPEATED.finditer(part):
            shortened += [part[end : repeated.start()], _repetition(repeated[1], len(repeated[0]))]
            end = repeated.end()
        shortened.append(part[end:])
    return shortened


def _repetition(unit: bytes, length_bytes: int) -> str:
    if len(unit) == 1:
        return f"head -c {length_bytes} /dev/zero | tr '\\0' '\\{unit[0]:03o}'"
    return f"printf '{_printf_format(unit)}%.0s' $(seq {length_bytes // len(unit)})"


def _printf_format(content: bytes) -> str:
    """The content as printf's format between single quotes; a dash at its beginning is not taken for an option."""
    named = {0x0D: r"\r", 0x0A: r"\n", 0x09: r"\t", 0x25: "%%", 0x5C: r"\\"}
    written = "".join(
        named[byte] if byte in named else chr(byte) if 0x20 <= byte < 0x7F and byte != 0x27 else f"\\{byte:03o}"
        for byte in content
    )
    return rf"\055{written[1:]}" if written.startswith("-") else written
