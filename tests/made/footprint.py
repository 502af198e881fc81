"""Results of `lab footprint`."""

from statistics import quantiles

import msgspec
from serving_lab.footprint.result import (
    CodeFacts,
    FootprintResult,
    Image,
    Layer,
    RatioToBaseline,
    Round,
    RoundLoad,
    Spread,
    Start,
    StartUp,
    TargetFootprint,
)

from made.measurement import BASELINE, CANDIDATE, MACHINE

MIB = 1 << 20


def make_footprint(names: tuple[str, ...] = (BASELINE, CANDIDATE), **changes: object) -> FootprintResult:
    """Return a footprint in which every target needs a tenth more than the one before."""
    measures = {"start:ready": 1.1, "start:answered": 1.12, "loaded_pss_bytes": 1.21, "loaded_cgroup_bytes": 1.18}
    result = FootprintResult(
        started="2026-11-22T09:00:00+00:00",
        seconds=340.0,
        partial=False,
        seed=7,
        mode="containers",
        machine=msgspec.structs.replace(MACHINE, load=None),
        engine="Docker 27.5",
        load=RoundLoad(rate=50.0, seconds=20.0, connections=64, requests={"predict": 1.0}),
        targets=[make_target(name, 1 + index / 10) for index, name in enumerate(names)],
        ratios=[
            RatioToBaseline(
                measure=measure,
                baseline=names[0],
                candidate=name,
                pairs=10,
                ratio=ratio,
                low=ratio - 0.04,
                high=ratio + 0.05,
                confidence=0.95,
            )
            for name in names[1:]
            for measure, ratio in measures.items()
        ],
        warnings=[],
        versions={"lab": "0.1.0"},
    )
    return msgspec.structs.replace(result, **changes)


def make_native() -> FootprintResult:
    """Return one that could read neither images nor control groups."""
    targets = [msgspec.structs.replace(make_target(name), image=None) for name in (BASELINE, CANDIDATE)]
    return make_footprint(targets=targets, mode="native", ratios=[])


def make_target(name: str, more: float = 1.0) -> TargetFootprint:
    ready = [1.31 * more, 1.35 * more, 1.42 * more, 1.38 * more]
    answered = [each + 0.2 for each in ready]
    return TargetFootprint(
        name=name,
        image=Image(
            reference=f"serving-lab/{name}:latest",
            id=f"sha256:{name}",
            base="python:3.13-slim",
            total_bytes=int(412 * MIB * more),
            over_base_bytes=int(287 * MIB * more),
            compressed_bytes=int(148 * MIB * more),
            compressed_over_base_bytes=int(104 * MIB * more),
            layers=[Layer(created_by="COPY", size_bytes=MIB, compressed_bytes=MIB, of_base=False)] * 3,
        ),
        start_up=StartUp(
            starts=[
                Start(pair=pair, position=1, seconds={"ready": at, "answered": at + 0.2})
                for pair, at in enumerate(ready, start=1)
            ],
            milestones={"ready": make_spread(ready), "answered": make_spread(answered)},
        ),
        rounds=[make_round(number, more) for number in (1, 2, 3)],
        code=CodeFacts(
            folders=[name],
            files=9,
            lines={"python": int(642 * more)},
            validation=["validation.py"],
            validation_lines=118 if more == 1 else 64,
            docstring_lines=80,
            functions=44,
            annotated_functions=44 if more > 1 else 40,
            type_errors=0,
            documented_operations=12 if more > 1 else 0,
        ),
    )


def make_round(number: int, more: float) -> Round:
    return Round(
        number=number,
        position=1,
        settled=True,
        settling_seconds=9.0,
        idle_cgroup_bytes=int(141 * MIB * more),
        idle_pss_bytes=int(128 * MIB * more),
        loaded_cgroup_bytes=int(163 * MIB * more) + number * MIB,
        loaded_pss_bytes=int(150 * MIB * more),
        peak_cgroup_bytes=int(171 * MIB * more),
        peak_pss_bytes=int(158 * MIB * more),
        cpu_seconds=1.4 * more,
        answered=1000,
        wrong={},
        seconds=20.0,
        workers=2,
        source="its own metrics",
    )


def make_spread(values: list[float]) -> Spread:
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return Spread(count=len(values), median=middle, lowest=min(values), highest=max(values), quartiles=(low, high))
