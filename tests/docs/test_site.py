"""The documentation as a site: nothing is lost on the way from Markdown, and no link leads nowhere."""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from support.checkout import REPOSITORY
from support.docs_site import built_site, run_build, source_of

pytestmark = pytest.mark.service

_COUNTED = {
    "blockquote",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "img",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "table",
    "td",
    "tr",
    "ul",
}


class Html(HTMLParser):
    """What a page contains: its elements in the article, all identifiers, and everything that it points to."""

    def __init__(self, text: str, *, within: str | None = None) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self._within, self._inside = within, within is None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = self._inside or tag == self._within
        if self._inside and tag in _COUNTED:
            self.elements[tag] += 1
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            elif name in {"href", "src"} and value:
                self.links.append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._within:
            self._inside = False


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_site(tmp_path_factory.mktemp("docs"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Another project's pages: a start page, and docs/guide.md, which each test writes."""
    shutil.copytree(REPOSITORY / "docs" / "site", tmp_path / "docs" / "site")
    settings = tmp_path / "docs" / "site" / "zensical.toml"
    nav = 'nav = [{ "Start" = "README.md" }, { "Guide" = "docs/guide.md" }]'
    settings.write_text(re.sub(r"^nav = \[$.*?^\]$", nav, settings.read_text(), flags=re.MULTILINE | re.DOTALL))
    (tmp_path / "README.md").write_text("# Project\n\n## First part\n\nSee [the guide](docs/guide.md).\n")
    return tmp_path


def build(project: Path, guide: str) -> subprocess.CompletedProcess[str]:
    (project / "docs" / "guide.md").write_text(f"# Guide\n\n{guide}\n")
    return run_build(project, project / "built")


def page(project: Path, name: str) -> str:
    return (project / "built" / "site" / name).read_text()


def test_every_page_of_the_documentation_is_there(site: Path) -> None:
    for path in (REPOSITORY / "docs").rglob("*.md"):
        assert (site / path.relative_to(REPOSITORY).with_suffix(".html")).is_file()


def test_every_link_leads_to_a_page_and_a_place_in_it(site: Path) -> None:
    pages = {path.resolve(): Html(path.read_text()) for path in site.rglob("*.html") if path.name != "404.html"}

    assert len(pages) > 10
    assert list(_leading_nowhere(pages)) == []


def _leading_nowhere(pages: dict[Path, Html]) -> Iterable[str]:
    for path, html in pages.items():
        for link in html.links:
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            if not target.is_file() or (url.fragment and unquote(url.fragment) not in pages[target].ids | {"__top"}):
                yield f"{path.name}: {link}"


def test_pages_have_the_same_parts_as_on_other_hosts_of_markdown(site: Path) -> None:
    """What belongs to a numbered item is indented by four spaces: by three, only some hosts would see that it does."""
    for path in (path for path in site.rglob("*.html") if source_of(path, site).is_file()):
        source = source_of(path, site)
        elsewhere = Html(MarkdownIt("gfm-like", {"linkify": False}).render(source.read_text()))

        assert (source, Html(path.read_text(), within="article").elements) == (source, elsewhere.elements)


def test_a_link_to_a_file_leads_to_a_page_that_shows_it(project: Path) -> None:
    (project / ".settings").write_text("```\nCOLOR=<blue>\n```\n")

    assert (
        build(project, "See [settings](../.settings), [again](../.settings 'title') and `[x](../.settings)`.").stderr
        == ""
    )

    assert page(project, "docs/guide.html").count('href="../settings.html"') == 2
    assert "[x](../.settings)" in page(project, "docs/guide.html")
    assert "COLOR=&lt;blue&gt;" in page(project, "settings.html")


def test_a_link_to_a_folder_leads_to_its_readme_or_else_to_a_list_of_its_files(project: Path) -> None:
    for path, text in {"with/README.md": "# With\n", "without/deep/code.py": "VALUE = 1\n"}.items():
        (project / path).parent.mkdir(parents=True)
        (project / path).write_text(text)

    assert build(project, "See [with](../with/), [without](../without).").stderr == ""

    assert 'href="../with/index.html"' in page(project, "docs/guide.html")
    assert 'href="deep/code.py.html"' in page(project, "without/index.html")
    assert "VALUE" in page(project, "without/deep/code.py.html")


def test_a_link_to_what_is_no_text_leads_to_the_file_itself(project: Path) -> None:
    (project / "model.onnx").write_bytes(b"\xff\x00\xfe")

    assert build(project, "[model](../model.onnx)").stderr == ""

    assert (project / "built" / "site" / "model.onnx").read_bytes() == b"\xff\x00\xfe"


def test_only_a_directory_of_an_earlier_build_is_emptied(project: Path) -> None:
    (project / "built").mkdir()
    (project / "built" / "letter.txt").write_text("Dear")

    assert "neither empty nor from an earlier build" in build(project, "").stderr
    assert (project / "built" / "letter.txt").is_file()


def test_reference_links_and_images_are_followed(project: Path) -> None:
    (project / "docs" / "plot.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (project / "run.sh").write_text("true\n")

    assert build(project, "![plot](plot.svg) [run][]\n\n[run]: ../run.sh").stderr == ""

    assert (project / "built" / "site" / "docs" / "plot.svg").is_file()
    assert 'href="../run.sh.html"' in page(project, "docs/guide.html")


def test_a_link_in_a_code_block_is_no_link(project: Path) -> None:
    assert (
        build(
            project,
            "````md\n```\n[x](nothing.md)\n```\n[y](no.yaml)\n````\n\n1. One\n\n    ```\n    [z](no.py)\n    ```",
        ).stderr
        == ""
    )


@pytest.mark.parametrize(
    ("guide", "problem"),
    [
        ("[x](missing.md)", "docs/guide.md: the link to missing.md leads nowhere"),
        ("[x](../missing.yaml)", "docs/guide.md: the link to ../missing.yaml leads nowhere"),
        ("![x](missing.png)", "docs/guide.md: the link to missing.png leads nowhere"),
        ("[x](../../)", "docs/guide.md: the link to ../../ leads nowhere"),
        ("[x](#nowhere)", "anchor does not exist"),
        ("[x](../README.md#second-part)", "anchor does not exist"),
        ("[x](htps://example.org/)", "docs/guide.md: htps://example.org/ is not a valid URL"),
        ("[x](https:///path)", "docs/guide.md: https:///path is not a valid URL"),
        ("[x][undefined] and [y]: [z](gone.md)", "docs/guide.md: the link to gone.md leads nowhere"),
    ],
)
def test_a_link_that_leads_nowhere_fails_the_build(project: Path, guide: str, problem: str) -> None:
    result = build(project, guide)

    assert result.returncode == 1
    assert problem in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("nav", "problem"),
    [
        (["README.md"], "docs/guide.md is not in the navigation: add it to nav in docs/site/zensical.toml"),
        (["README.md", "docs/guide.md", "docs/guide.md"], "docs/guide.md is in nav in docs/site/zensical.toml 2 times"),
        (
            ["README.md", "docs/guide.md", "docs/old.md"],
            "docs/old.md is in nav in docs/site/zensical.toml, and does not",
        ),
    ],
)
def test_every_page_is_in_the_navigation_once(project: Path, nav: list[str], problem: str) -> None:
    settings = project / "docs" / "site" / "zensical.toml"
    settings.write_text(re.sub(r"^nav = .*$", f"nav = {nav}", settings.read_text(), flags=re.MULTILINE))

    result = build(project, "[first](../README.md#first-part)")

    assert result.returncode == 1
    assert problem in result.stderr


def test_a_page_in_a_folder_is_in_the_navigation_too(project: Path) -> None:
    (project / "docs" / "more").mkdir()
    (project / "docs" / "more" / "new.md").write_text("# New\n")

    assert "docs/more/new.md is not in the navigation" in build(project, "").stderr
