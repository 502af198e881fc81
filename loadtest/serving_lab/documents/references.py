"""References in OpenAPI documents: followed within the document and the service it comes from, and nowhere else.

Whoever writes a document decides what a reference says. Libraries that follow one read local files and ask other hosts,
and what they find there is sent to both services as an example. So a document is made self-contained first: what the
service itself has is put into it, and every other reference becomes one that leads nowhere.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

from serving_lab.documents.positions import Kind, below

_FETCHED = "x-fetched-documents"
"""The key under which a document holds those that it refers to."""
_LEFT_OUT = "x-left-out"
"""Where references that are not followed lead: there is never anything under this key."""

Fetch = Callable[[str], tuple[str, object]]
"""Gets a document of the same service: from its URL, the URL where it was found and its content.

Raises NotFollowedError where there is none, or where the URL is not the service's.
"""

_REFERENCES = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})
_IDENTITIES = frozenset({"$id", "id", "$self", "$schema", "jsonSchemaDialect", "operationRef"})
"""They only serve to find other documents, or what follows an answer."""
_MOST_DOCUMENTS = 100
_MOST_STEPS = 10
"""From a reference to a reference, until one leads to something else."""
_DEEPEST = 250
"""Levels of a document; what reads it afterwards calls itself a few times a level."""

_EXAMPLES = "examples that stand elsewhere"

NOTHING = object()
"""What stands at a JSON pointer that leads nowhere."""


class NotFollowedError(Exception):
    """A reference is not followed. The text says what it leads to, after "is", in the same words for all of a kind."""


class NotAnsweredError(NotFollowedError):
    """The service does not answer."""


@dataclass(frozen=True)
class LeftOut:
    """Something that a document has and no request can be made of."""

    why: str
    """In the same words for all of a kind."""
    what: str


@dataclass(frozen=True)
class SelfContained:
    """A document with all that it may refer to."""

    content: dict[str, Any]
    left_out: tuple[LeftOut, ...] = ()
    """Of each reference that leads nowhere, in the order of their numbers."""
    spared: tuple[LeftOut, ...] = ()
    """What no request needs."""

    def needed_by(self, *nodes: object) -> list[LeftOut]:
        """What is left out and these parts of the document need, directly or through others."""
        needed: dict[LeftOut, None] = {}
        seen: set[str] = set()
        waiting = [pointer for node in nodes for pointer in _pointers(node)]
        while waiting:
            pointer = waiting.pop()
            if pointer in seen:
                continue
            seen.add(pointer)
            if left_out := self._left_out(pointer):
                needed[left_out] = None
            else:
                waiting += _pointers(at(self.content, pointer))
        return list(needed)

    def resolved(self, node: object) -> Mapping[str, Any] | LeftOut:
        """The object itself, or the one that its reference leads to; an empty one where there is no object."""
        for _ in range(_MOST_STEPS):
            reference = node.get("$ref") if isinstance(node, dict) else None
            if not isinstance(reference, str):
                break
            if left_out := self._left_out(reference[1:]):
                return left_out
            node = at(self.content, reference[1:])
        return node if isinstance(node, dict) else {}

    def _left_out(self, pointer: str) -> LeftOut | None:
        return self.left_out[int(pointer.rpartition("/")[2])] if pointer.startswith(f"/{_LEFT_OUT}/") else None


def self_contained(content: Mapping[str, Any], url: str = "", fetch: Fetch | None = None) -> SelfContained:
    """A copy of a document that refers to nothing but itself.

    Args:
        content: the document.
        url: where it is from; relative references are relative to it.
        fetch: what gets other documents of the same service; None: no reference to another document is followed.
    """
    return _Gathering(url, content, fetch).result()


def at(content: object, pointer: str) -> object:
    """What stands at a JSON pointer, which is not percent-encoded; NOTHING where it leads nowhere."""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(content, dict):
            content = content.get(key, NOTHING)
        elif isinstance(content, list) and key.isdecimal() and int(key) < len(content):
            content = content[int(key)]
        else:
            return NOTHING
    return content


def _pointers(node: object) -> Iterator[str]:
    """Where the references below a node lead, in a document whose references are all local."""
    waiting: list[tuple[object, Kind]] = [(node, Kind.PART)]
    while waiting:
        part, kind = waiting.pop()
        if isinstance(part, list):
            waiting += [(item, kind) for item in part]
        elif isinstance(part, dict) and kind is not Kind.DATA:
            reference = part.get("$ref")
            if isinstance(reference, str):
                yield reference[1:]
            waiting += [(value, below(kind, key, value)) for key, value in part.items()]


@dataclass
class _Document:
    url: str
    content: object
    place: str
    """The JSON pointer at which it stands in the result."""
    names: dict[str, str] = field(default_factory=dict)
    """Pointers to its parts, by the absolute URLs that it gives them, and by `#anchor`."""

    def __post_init__(self) -> None:
        waiting: list[tuple[object, Kind, str, str]] = [(self.content, Kind.PART, self.url, "")]
        while waiting:
            node, kind, base, pointer = waiting.pop()
            if kind is Kind.DATA or not isinstance(node, (dict, list)) or pointer.count("/") > _DEEPEST:
                continue
            if isinstance(node, list):
                waiting += [(item, kind, base, f"{pointer}/{index}") for index, item in enumerate(node)]
                continue
            if kind is Kind.PART:
                base = self._name(node, base, pointer)
            for key, value in node.items():
                step = str(key).replace("~", "~0").replace("/", "~1")
                waiting.append((value, below(kind, key, value), base, f"{pointer}/{step}"))

    def _name(self, node: dict[str, Any], base: str, pointer: str) -> str:
        """Note what a part is called; what references below it are relative to."""
        for key in ("$anchor", "$dynamicAnchor"):
            if isinstance(node.get(key), str):
                self.names.setdefault(f"#{node[key]}", pointer)
        if isinstance(node.get("$self"), str):
            self.names.setdefault(_base(base, {"$id": node["$self"]}), pointer)
        if isinstance(node.get("$id"), str):
            base = _base(base, node)
            self.names.setdefault(base, pointer)
        return base


class _Gathering:
    def __init__(self, url: str, content: Mapping[str, Any], fetch: Fetch | None) -> None:
        self._fetch = fetch
        root = _Document(url, dict(content), "")
        self._documents = [root]
        self._by_url: dict[str, _Document | NotFollowedError] = {urldefrag(url).url: root}
        self._left_out: dict[LeftOut, int] = {}
        self._spared: dict[LeftOut, None] = {}

    def result(self) -> SelfContained:
        copies: list[Any] = []
        while len(copies) < len(self._documents):  # copying one may fetch others
            document = self._documents[len(copies)]
            copies.append(self._copy(document.content, Kind.PART, document, document.url, 0))
        content, *fetched = copies
        content.pop(_LEFT_OUT, None)
        content.pop(_FETCHED, None)
        if fetched:
            content[_FETCHED] = {str(number): copy for number, copy in enumerate(fetched)}
        return SelfContained(content, tuple(self._left_out), tuple(self._spared))

    def _copy(self, node: object, kind: Kind, document: _Document, base: str, depth: int) -> Any:  # noqa: ANN401
        if not isinstance(node, (dict, list)):
            return node
        if depth > _DEEPEST:
            return (
                None if kind is Kind.DATA else {"$ref": self._nowhere(f"they are more than {_DEEPEST} levels deep", "")}
            )
        if isinstance(node, list):
            return [self._copy(item, kind, document, base, depth + 1) for item in node]
        if kind is Kind.PART:
            base = _base(base, node)
        copy: dict[str, Any] = {}
        for key, value in node.items():
            if not isinstance(value, str):
                copy[key] = self._copy(value, below(kind, key, value), document, base, depth + 1)
            elif key == "externalValue" and (kind is not Kind.DATA or value.lower().startswith("http")):
                self._spare(_EXAMPLES, value)
            elif key not in _REFERENCES:
                if kind is not Kind.PART or key not in _IDENTITIES:
                    copy[key] = value
            elif kind is Kind.DATA:
                if value.startswith("#"):  # all are data here, but libraries follow some of them
                    copy[key] = value
            elif value.strip() and (key == "$ref" or "$ref" not in node):
                copy["$ref"] = self._reference(value, document, base)
        if kind is Kind.PART and isinstance(copy.get("discriminator"), dict):
            copy["discriminator"] = self._discriminator(copy["discriminator"], document, base)
        if kind is Kind.PART and isinstance(copy.get("examples"), dict):
            copy["examples"] = dict(self._examples(node["examples"], copy["examples"]))
        return copy

    def _examples(self, written: dict[str, Any], examples: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """Those that are here: a request does not need an example."""
        for name, example in examples.items():
            reference = example.get("$ref") if isinstance(example, dict) else None
            if isinstance(reference, str) and reference.startswith(f"#/{_LEFT_OUT}/"):
                self._spare(_EXAMPLES, written[name]["$ref"])
            else:
                yield name, example

    def _discriminator(self, discriminator: dict[str, Any], document: _Document, base: str) -> dict[str, Any]:
        """Its mapping has names of schemas and references; one that leads nowhere is not among them."""
        mapping = discriminator.get("mapping")
        if not isinstance(mapping, dict):
            return discriminator
        schemas = [at(document.content, pointer) for pointer in ("/components/schemas", "/definitions")]
        names = {name for each in schemas if isinstance(each, dict) for name in each}
        led = {}
        for key, value in mapping.items():
            if value in names:
                led[key] = value
            elif isinstance(value, str):
                try:
                    led[key] = f"#{self._pointer(value, document, base)}"
                except NotFollowedError as error:
                    self._spare(f"what the mapping of a discriminator leads to and is {error}", value)
        return discriminator | {"mapping": led}

    def _reference(self, reference: str, document: _Document, base: str) -> str:
        """The same reference within the result."""
        try:
            return f"#{self._pointer(reference, document, base)}"
        except NotFollowedError as error:
            return self._nowhere(f"what they refer to is {error}", reference)

    def _spare(self, why: str, what: str) -> None:
        self._spared[LeftOut(why, what)] = None

    def _nowhere(self, why: str, what: str) -> str:
        return f"#/{_LEFT_OUT}/{self._left_out.setdefault(LeftOut(why, what), len(self._left_out))}"

    def _pointer(self, reference: str, document: _Document, base: str) -> str:
        # Many give a part a name of its own, and still mean the whole document with `#/…`.
        for relative_to in dict.fromkeys((base, document.url)):
            url, fragment = urldefrag(_joined(relative_to, reference))
            if known := self._known(url):
                pointer = self._below(*known, fragment)
                if pointer is not None:
                    return pointer
        if known is None:
            pointer = self._below(self._other(url), "", fragment)
        if pointer is None:
            raise NotFollowedError("not in the document")
        return pointer

    def _known(self, url: str) -> tuple[_Document, str] | None:
        found = self._by_url.get(url)
        if isinstance(found, _Document):
            return found, ""
        return next(((each, each.names[url]) for each in self._documents if url in each.names), None)

    @staticmethod
    def _below(document: _Document, pointer: str, fragment: str) -> str | None:
        """The pointer in the result to what a fragment names below a part of a document; None: there is nothing."""
        fragment = unquote(fragment)
        if fragment.startswith("/") and fragment != "/":
            pointer += fragment
        elif fragment.strip("/"):
            pointer = document.names.get(f"#{fragment}", f"{pointer}/{fragment}")
        if at(document.content, pointer) is NOTHING:
            return None
        return document.place + pointer

    def _other(self, url: str) -> _Document:
        """Another document, fetched where it is not here yet."""
        if url not in self._by_url:
            self._by_url[url] = self._fetched(url)
        found = self._by_url[url]
        if isinstance(found, NotFollowedError):
            raise found
        return found

    def _fetched(self, url: str) -> _Document | NotFollowedError:
        try:
            if self._fetch is None:
                raise NotFollowedError("in another document, and only this one is read")
            if len(self._documents) > _MOST_DOCUMENTS:
                raise NotFollowedError(f"in more than {_MOST_DOCUMENTS} other documents")
            url, content = self._fetch(url)
        except NotFollowedError as error:
            return error
        if url in self._by_url:
            return self._by_url[url]
        document = _Document(url, content, f"/{_FETCHED}/{len(self._documents) - 1}")
        self._documents.append(document)
        self._by_url[url] = document
        return document


def _base(base: str, node: Mapping[str, Any]) -> str:
    """What references below a part are relative to: the part's own URL, if it has one."""
    identity = node.get("$id")
    try:
        return urldefrag(urljoin(base, identity)).url if isinstance(identity, str) else base
    except ValueError:
        return base


def _joined(base: str, reference: str) -> str:
    try:
        return urljoin(base, reference)
    except ValueError:
        raise NotFollowedError("not a URL") from None
