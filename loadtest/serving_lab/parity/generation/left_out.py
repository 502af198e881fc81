"""What a document describes and no requests are made of, told once a kind."""

from collections.abc import Iterator

from hypothesis.errors import Unsatisfiable

from serving_lab.text.phrases import address, some

NONE_GENERATED = "no requests are generated for"


class LeftOutOperations:
    """Notes each operation that is left out, and why."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str], tuple[dict[str, None], dict[str, None]]] = {}

    def note(self, what: str, label: str, why: str, reference: str = "") -> None:
        """Note one operation.

        Args:
            what: what is missing, the beginning of the sentence.
            label: what it is missing for.
            why: the same words for all of a kind; may be empty.
            reference: what exactly, if the document itself names it.
        """
        labels, references = self._kinds.setdefault((what, why), ({}, {}))
        labels[label] = None
        if reference:
            references[address(reference)] = None

    def warnings(self) -> Iterator[str]:
        """A sentence for each kind."""
        for (what, why), (labels, references) in self._kinds.items():
            named = f" ({some(references)})" if references else ""
            yield f"{what} {some(labels)}{': ' if why else ''}{why}{named}"


def reason(error: Exception) -> str:
    """Why a library drew nothing: its first line, or its name if it says nothing."""
    if isinstance(error, Unsatisfiable):
        return "nothing was found that fits; does a schema require itself, contradict itself, or nest deeply?"
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
