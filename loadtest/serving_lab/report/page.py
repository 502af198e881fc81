"""The report as a page: one file that opens anywhere, without a network.

Only flame graphs need scripts, which are in the page where there is one, and nothing else may run.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec
from markupsafe import Markup

from serving_lab import pages
from serving_lab.explain.records import Flames
from serving_lab.pages.drawing import Drawing, colour, key
from serving_lab.report.document import Document, ScenarioSection
from serving_lab.report.plots.arms import arms
from serving_lab.report.plots.latency import histogram, percentiles
from serving_lab.report.plots.pairs import pairs
from serving_lab.report.recommendation import RULE
from serving_lab.text.phrases import UNKNOWN, moment, visible

_TEMPLATE = "report.html.j2"
_BAR_METRICS = ("throughput", "knee")


@dataclass(frozen=True)
class Figure:
    """A plot with what it takes to read it."""

    heading: str
    drawing: Markup
    caption: str


def render(document: Document) -> str:
    """Return the report as HTML."""
    environment = pages.environment("serving_lab.report")
    environment.filters |= {"visible": visible}
    return environment.get_template(_TEMPLATE).render(
        document=document,
        rule=RULE,
        nothing=UNKNOWN,
        label=document.label,
        moment=moment,
        plots=lambda index: list(_plots(document, index)),
        pair_plots=lambda index: list(_pair_plots(document, index)),
        style=lambda target: Markup(f".{colour(target.index)} {{ --c: {target.colour}; }}"),  # noqa: S704 - a colour
        scripts=_scripts() if document.has_flames else [],
        script_hash=_hash,
        flames=_data,
        mark=lambda name: key(document.inputs.names.index(name)),
    )


def _plots(document: Document, index: int) -> Iterator[Figure]:
    """Yield what a scenario reached and how its latencies lie."""
    scenario = document.sections[index].scenario
    name = f"scenario-{index + 1}"
    for metric in _BAR_METRICS:
        drawn = arms(f"{name}-{metric}", scenario, metric, document.targets)
        yield from _figure(drawn, "Each mark is one arm, the first on top; each bar their geometric mean.")
    caption = "A curve ends where fewer than ten answers lie beyond."
    if scenario.loop != "closed":
        caption += " Solid: since the request was due. Dashed: since it was sent, which hides stalls."
    yield from _figure(percentiles(f"{name}-percentiles", scenario, document.targets), caption)
    drawn = histogram(f"{name}-distribution", scenario, document.targets)
    yield from _figure(drawn, "Share of answers in each step, up to P99.9; the marks are medians.")


def _pair_plots(document: Document, index: int) -> Iterator[Figure]:
    bench = document.inputs.bench
    if bench is None:
        return
    section: ScenarioSection = document.sections[index]
    by_name = {target.name: target for target in document.targets}
    for number, each in enumerate(section.scenario.comparisons, start=1):
        target, baseline = by_name[each.candidate], by_name[each.baseline]
        drawn = pairs(f"scenario-{index + 1}-pairs-{number}", each, bench.margin, target, baseline)
        about = f"{target.label}: " if len(document.advice) > 1 else ""
        yield from _figure(drawn, f"{about}{each.verdict}")


@cache
def _scripts() -> list[Markup]:
    """What draws flame graphs: the library, then its use."""
    folder = files("serving_lab.report") / "flames"
    return [Markup((folder / name).read_text()) for name in ("d3-flame-graph.js", "flames.js")]  # noqa: S704 - our files


def _hash(script: str) -> str:
    """By what a Content-Security-Policy lets a script run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _data(flames: Flames) -> Markup:
    """JSON that ends no element: names are those of foreign code."""
    return Markup(json.dumps(msgspec.to_builtins(flames)).replace("<", "\\u003c"))  # noqa: S704 - it has no tag


def _figure(drawn: Drawing | None, caption: str) -> Iterator[Figure]:
    if drawn is not None:
        yield Figure(drawn.heading, drawn.svg(), caption)
