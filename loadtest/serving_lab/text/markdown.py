"""Foreign text in Markdown documents."""

import re

from serving_lab.text.phrases import visible

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|~&!$]")
_AT_LINE_START = re.compile(r"^(\d+)([.)])(?=\s|$)|^([-+=])(?=\s|$|[-=])")
_AUTOLINK = re.compile(r"(?i)\b(https?|ftp)://|\bwww\.|@")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", ":": "&#58;", ".": "&#46;", "@": "&#64;"}


def escape(text: str) -> str:
    """Return the text in one line, nothing of which Markdown or HTML takes for markup."""
    line = " ".join(visible(text).split())
    escaped = _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), line)
    # A bare address becomes a link, unless what makes it one is written otherwise.
    escaped = _AUTOLINK.sub(lambda found: "".join(_ENTITIES.get(sign, sign) for sign in found[0]), escaped)
    return _AT_LINE_START.sub(lambda found: f"{found[1]}\\{found[2]}" if found[1] else f"\\{found[3]}", escaped)
