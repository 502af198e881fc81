"""A page that was rendered, as a reader of its source finds it."""

from html.parser import HTMLParser

_WITHOUT_END = {"meta", "link", "br"}


class Html(HTMLParser):
    """Its tags, and its text with a blank between any two pieces; a tag closed that was not opened is an error."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self._open: list[str] = []
        self._texts: list[str] = []
        self.feed(source)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the library's
        self.tags.append(tag)
        if tag not in _WITHOUT_END:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self._texts.append(data)

    @property
    def text(self) -> str:
        """What people read."""
        return " ".join(" ".join(self._texts).split())
