"""`make rollout-proof`: planted candidates, in simulated time and behind a real gateway; prints what became of them."""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from serving_lab.rollout.judge import Outcome

from rollout.simulation import HIGH, LOW, MIDDLE, Planted, Traffic, World, plan_for, rollout
from rollout.worlds import ALL_WELL, IN_SHADOW, STAGES, outside, world

CONSOLE = Console(width=140, highlight=False)
SIMULATED: Mapping[str, Planted] = {
    "the same": Planted(),
    "slower by 20%": Planted(slower=1.2),
    "fails 2%": Planted(failing=0.02),
    "fails 1 in 200": Planted(failing=0.005),
    "a tail 4 times as long": Planted(tail=4),
    "fails 5% of one operation": Planted(failing=0.05, operation=2),
    "fails for one user": Planted(one_user=True),
}
TRAFFICS: Mapping[str, Traffic] = {"1,000/s": HIGH, "200/s": MIDDLE, "20/s": LOW}
SLOWLY = "least: 2, most: 25", "least: 25, most: 35"
PATIENTLY = "most: 25", "most: 45"
MIRRORED = IN_SHADOW.replace("requests: 400", "requests: 1500")
REAL: Mapping[str, tuple[Sequence[str], str]] = {
    "healthy": ((), STAGES),
    "healthy, mirrored": ((), MIRRORED),
    "slower by 20%": (("slower=1.2",), STAGES.replace(*PATIENTLY)),
    "fails 2%": (("failing=0.02",), STAGES.replace(*PATIENTLY).replace("error_points: 1,", "error_points: 0.5,")),
    "dies after 5 s": (("dies=5",), STAGES),
    "dies after a minute": (("dies=60",), STAGES.replace(*SLOWLY)),
    "leaks memory": (("leak=2e5",), STAGES.replace("memory_per_hour: null", "memory_per_hour: 20")),
    "fails every WebSocket": (("websocket=1",), STAGES),
    "fails for one user": (("user=0",), STAGES.replace("share: 10\n", "share: 40\n")),
    "answers wrongly 1 in 200, mirrored": (("wrong=0.005",), MIRRORED),
}


def simulated(times: int) -> None:
    """A table of rollouts in simulated time, by traffic and fault."""
    table = Table("traffic", "candidate", "promoted", "rolled back", "cannot tell", "median time", title="Simulated")
    for rate, traffic in TRAFFICS.items():
        for name, planted in SIMULATED.items():
            runs = [rollout(plan_for(traffic), World(traffic, planted, np.random.default_rng(n))) for n in range(times)]
            ends = Counter(run.outcome for run in runs)
            counts = [str(ends[each]) for each in (Outcome.PROMOTE, Outcome.ROLL_BACK, Outcome.CANNOT_TELL)]
            table.add_row(rate, name, *counts, f"{np.median([run.seconds for run in runs]) / 60:.0f} min")
            CONSOLE.print(f"{rate}, {name}: {dict(ends)}")
    CONSOLE.print(table)


def real(times: int, named: str) -> None:
    """A table of rollouts behind a real gateway, by fault."""
    table = Table(
        "candidate", "ended", "requests", "failed", "at most of the users", "slowest way back", "worst seconds",
        "shares outside", title="Behind a gateway",
    )  # fmt: skip
    for name, (faults, stages) in REAL.items():
        if named not in name:
            continue
        ends: Counter[str] = Counter()
        statuses: Counter[str] = Counter()
        reach, backs, seconds, judged, wrong = 0, [0.0], [0.0], 0, 0
        for _ in range(times):
            with tempfile.TemporaryDirectory() as directory, world(Path(directory), *faults, stages=stages) as running:
                time.sleep(1)
                running.lab("run")
                met, result = running.met(), running.result()
            ends[str(result.ending)] += 1
            statuses.update(met)
            reach = max(reach, *(stage.share for stage in result.stages))
            backs.append(result.rollback_seconds or 0.0)
            seconds.append(result.seconds)
            judged += len(result.stages)
            wrong += sum(map(outside, result.stages))
        sent, failed = statuses.total(), sum(count for status, count in statuses.items() if status not in ALL_WELL)
        told = ", ".join(f"{ending} {count}" for ending, count in ends.items())
        table.add_row(
            name, told, f"{sent:,}", str(failed), f"{reach / 100:g}%", f"{max(backs):.2f} s", f"{max(seconds):.0f}",
            f"{wrong} of {judged}",
        )  # fmt: skip
        CONSOLE.print(f"{name}: {told}; statuses {dict(statuses)}")
    CONSOLE.print(table)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10, help="rollouts of each candidate behind the gateway")
    parser.add_argument("--simulated", type=int, default=20, help="of each in simulated time")
    parser.add_argument("--named", default="", help="part of the names of the candidates behind the gateway")
    asked = parser.parse_args()
    if asked.simulated:
        simulated(asked.simulated)
    if asked.times:
        real(asked.times, asked.named)


if __name__ == "__main__":
    main()
