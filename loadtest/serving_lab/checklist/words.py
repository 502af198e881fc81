"""Words of a checklist that page, document and table share."""

from serving_lab.checklist.items import Item
from serving_lab.text import how_to

_IN_CHECKOUT = {"{lab}": "make", "{test}": "make test ARGS=--junitxml=results/tests.xml", "{program}": ".venv/bin/lab"}
_ELSEWHERE = {"{lab}": "lab", "{test}": "pytest --junitxml=results/tests.xml", "{program}": "lab"}


def command(item: Item) -> str:
    """Return the line that would tick an item, as it is run from here; empty where none is named."""
    line = item.command
    for place, words in (_IN_CHECKOUT if how_to.in_checkout() else _ELSEWHERE).items():
        line = line.replace(place, words)
    return line
