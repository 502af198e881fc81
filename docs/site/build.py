"""Builds the documentation as a site that needs no network: `make docs`.

The site's pages are README.md, docs/, and every file that they link to, at the same paths as in the repository. A file
that is not Markdown becomes a page that shows it, and a folder a page that lists its files. So all links stay within.
"""

import argparse
import http.server
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = Path(__file__).with_name("zensical.toml")
ASSETS = ("site.css", "iframe-worker/shim.js", "iframe-worker/LICENSE")
STAGE = ROOT / "build" / "docs"
_IMAGES = {".gif", ".jpg", ".jpeg", ".png", ".svg", ".webp"}
_NOT_SHOWN = {"__pycache__", "node_modules"}
_FENCE = re.compile(r"^ *(`{3,}|~{3,})")
_LINK = re.compile(
    r"(?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)"  # code, in which nothing is a link
    r"|\]\((?P<inline>[^)\s]+)(?=[)\s])"
    r"|^ {0,3}\[[^\]]+\]:\s+(?P<reference>\S+)"
)
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


class DocsError(Exception):
    """Says what is wrong with the pages."""


def main() -> None:
    """Build the site, and show it if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", type=int, metavar="PORT", help="then serve it on this port, until interrupted")
    parser.add_argument("--into", type=Path, default=STAGE, metavar="DIR", help="default: %(default)s; emptied first")
    options = parser.parse_args()
    try:
        site = build(options.into)
    except DocsError as error:
        sys.exit(f"error: {error}")
    sys.stdout.write(f"The documentation: {site / 'index.html'}\n")
    if options.serve is not None:
        try:
            serve(site, options.serve)
        except (OSError, OverflowError) as error:
            sys.exit(f"error: cannot serve on port {options.serve}: {error}")


def build(stage: Path) -> Path:
    """Write the site below a directory, and return where it is.

    Raises:
        DocsError: a link leads nowhere, a page in docs/ is not in the navigation, or the directory is somebody else's.
    """
    if stage.is_dir() and any(stage.iterdir()) and not (stage / SETTINGS.name).is_file():
        raise DocsError(f"{stage} is neither empty nor from an earlier build")
    shutil.rmtree(stage, ignore_errors=True)
    source = stage / "source"
    source.mkdir(parents=True)
    shutil.copyfile(SETTINGS, stage / SETTINGS.name)
    pages = [Path("README.md"), *(path.relative_to(ROOT) for path in sorted((ROOT / "docs").rglob("*.md")))]
    problems = [*_wrong_in_navigation(pages), *_stage(pages, source)]
    if problems:
        raise DocsError("\n".join(problems))
    for asset in ASSETS:
        (source / asset).parent.mkdir(exist_ok=True)
        shutil.copyfile(SETTINGS.parent / asset, source / asset)
    program = Path(sys.executable).with_name("zensical")
    result = subprocess.run(  # noqa: S603
        [program, "build", "--clean", "--strict"],
        cwd=stage,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        said = _COLOR.sub("", result.stdout + result.stderr).partition("Traceback")[0].strip()
        raise DocsError(said or result.stderr)
    return stage / "site"


def serve(site: Path, port: int) -> None:
    """Serve the site to this machine."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        sys.stdout.write(f"Served on http://127.0.0.1:{server.server_port} until you press Ctrl-C\n")
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def _wrong_in_navigation(pages: list[Path]) -> Iterator[str]:
    where = SETTINGS.relative_to(ROOT)
    listed = Counter(_strings(tomllib.loads(SETTINGS.read_text())["project"]["nav"]))
    for page in pages:
        if listed[str(page)] == 0:
            yield f"{page} is not in the navigation: add it to nav in {where}"
    for name, times in listed.items():
        if not (ROOT / name).is_file():
            yield f"{name} is in nav in {where}, and does not exist"
        elif times > 1:
            yield f"{name} is in nav in {where} {times} times"


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _stage(pages: list[Path], source: Path) -> Iterator[str]:
    """Write the pages and all that they link to; yield what is wrong with their links."""
    waiting, seen = list(pages), set(pages)
    while waiting:
        path = waiting.pop()
        target = source / _page_of(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        links: list[str] = []
        if target.suffix != ".md":
            shutil.copyfile(ROOT / path, target)
        elif target.name == path.name:
            text, links = _with_pages_as_targets(path)
            target.write_text(text)
        elif (ROOT / path).is_dir():
            text, links = _folder(path)
            target.write_text(text)
        else:
            target.write_text(_file(path))
        for link in links:
            if problem := _problem(path, link):
                yield problem
            elif (found := _target(path, link)) and found not in seen:
                seen.add(found)
                waiting.append(found)


def _page_of(path: Path) -> Path:
    """Where the page of a file or folder is staged; images, and what is no text, stay what they are."""
    if (ROOT / path).is_dir():
        page = path / "README.md" if (ROOT / path / "README.md").is_file() else path / "index.md"
    else:
        as_it_is = path.suffix in {".md", *_IMAGES} or not _is_text(ROOT / path)
        page = path if as_it_is else path.with_name(f"{path.name}.md")
    # Zensical leaves out what is named with a dot first.
    return Path(*(part.lstrip(".") for part in page.parts))


def _with_pages_as_targets(page: Path) -> tuple[str, list[str]]:
    """A page whose links to files and folders lead to the pages of these, and its links as they were."""
    lines, links, fence = [], [], ""

    def rewritten(match: re.Match[str]) -> str:
        link = match["inline"] or match["reference"]
        if link is None:
            return match[0]
        links.append(link)
        target = _target(page, link)
        if target is None:
            return match[0]
        new = Path(os.path.relpath(_page_of(target), _page_of(page).parent)).as_posix()
        return match[0].replace(link, new + link[len(urlsplit(link).path) :])

    for line in (ROOT / page).read_text().splitlines(keepends=True):
        if mark := _FENCE.match(line):
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        lines.append(line if fence else _LINK.sub(rewritten, line))
    return "".join(lines), links


def _problem(page: Path, link: str) -> str | None:
    url = urlsplit(link)
    if url.scheme or url.netloc:
        good = url.scheme == "mailto" or (url.scheme in {"http", "https"} and url.hostname)
        return None if good else f"{page}: {link} is not a valid URL"
    if url.path and _target(page, link) is None:
        return f"{page}: the link to {link} leads nowhere"
    return None


def _target(page: Path, link: str) -> Path | None:
    """The file or folder of the repository that a link leads to, if it is one."""
    url = urlsplit(link)
    if url.scheme or url.netloc or not url.path:
        return None
    here = ROOT / page if (ROOT / page).is_dir() else (ROOT / page).parent
    target = Path(os.path.normpath(here / unquote(url.path)))
    return target.relative_to(ROOT) if target.exists() and target.is_relative_to(ROOT) else None


def _folder(path: Path) -> tuple[str, list[str]]:
    """A page with links to all files of a folder, and these links."""
    files = [
        str(file.relative_to(ROOT / path))
        for file in sorted((ROOT / path).rglob("*"))
        if file.is_file() and not _NOT_SHOWN & set(file.parts) and _is_text(file)
    ]
    rows = [f"- [{file}]({_page_of(path / file).relative_to(_page_of(path).parent)})" for file in files]
    return f"# {path}\n\n" + "\n".join(rows) + "\n", files


def _file(path: Path) -> str:
    """A page that shows a file."""
    text = (ROOT / path).read_text()
    try:
        language = get_lexer_for_filename(path.name).aliases[0]
    except ClassNotFound:
        language = "text"
    fence = "`" * (1 + max((len(ticks) for ticks in re.findall("`{3,}", text)), default=2))
    return f"# {path}\n\n{fence}{language}\n{text.rstrip()}\n{fence}\n"


def _is_text(file: Path) -> bool:
    try:
        file.read_text()
    except UnicodeDecodeError:
        return False
    return True


if __name__ == "__main__":
    main()
