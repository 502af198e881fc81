"""The text of the metrics that all processes count in files of their own, added up.

`MultiProcessCollector` of the client library says the same and takes five times as long, which requests to the same
worker feel: there are two thousand samples once clients have tried all methods on all paths.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.utils import floatToGoString

_TOTAL = "_total"


@dataclass(frozen=True)
class _Sample:
    """What a key in a file stands for."""

    heading: str
    """The lines before all samples of its metric."""
    line: str
    """Its line, but for the value."""
    bound: float | None
    """The upper bound of a bucket; None where it is none."""
    count: str
    """Of a bucket, the line with the number of all observations, but for the value."""


def text(files: Iterable[Path]) -> str:
    """All metrics in the Prometheus text format 0.0.4.

    Args:
        files: The files of all processes, named `KIND_*.db`. What several have under one key is added, gauges too.
    """
    totals: defaultdict[tuple[str, str], float] = defaultdict(float)
    for file in sorted(files):
        kind = file.name.partition("_")[0]
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file)):
            totals[kind, key] += value
    lines: dict[str, list[str]] = {}
    buckets: defaultdict[tuple[str, str], list[tuple[float, str, float]]] = defaultdict(list)
    for of, value in totals.items():
        sample = _sample(*of)
        of_metric = lines.setdefault(sample.heading, [])
        if sample.bound is None:
            of_metric.append(f"{sample.line} {floatToGoString(value)}\n")
        else:
            buckets[sample.heading, sample.count].append((sample.bound, sample.line, value))
    for (heading, count), found in buckets.items():
        found.sort()
        sums = list(accumulate(value for _, _, value in found))
        lines[heading] += [f"{line} {floatToGoString(upto)}\n" for (_, line, _), upto in zip(found, sums, strict=True)]
        lines[heading].append(f"{count} {floatToGoString(sums[-1])}\n")
    return "".join(heading + "".join(of_metric) for heading, of_metric in lines.items())


@cache
def _sample(kind: str, key: str) -> _Sample:
    metric, name, labels, about = json.loads(key)
    heading = metric + _TOTAL if kind == "counter" else metric
    bound = labels.get("le")
    return _Sample(
        heading=f"# HELP {heading} {about}\n# TYPE {heading} {kind}\n",
        line=name + _in_braces(labels),
        bound=None if bound is None else float(bound),
        count=f"{metric}_count{_in_braces({label: of for label, of in labels.items() if label != 'le'})}",
    )


def _in_braces(labels: Mapping[str, str]) -> str:
    told = ",".join(f'{label}="{_escaped(value)}"' for label, value in sorted(labels.items()))
    return f"{{{told}}}" if told else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
