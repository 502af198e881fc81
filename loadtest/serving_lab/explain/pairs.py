"""Extra pairs under the profiler: measured after those that are judged, with the same load, and judged by nobody."""

import random
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serving_lab.experiment import readings
from serving_lab.experiment.arms import ArmSlot, Load, LoadDriver
from serving_lab.experiment.records import Arm
from serving_lab.experiment.targets import Target
from serving_lab.explain import folding, sampler
from serving_lab.explain.differences import CONFIDENCE, PAIRS
from serving_lab.explain.records import Explanation, Sampled
from serving_lab.explain.sampler import NotSampledError, Samples
from serving_lab.text import phrases
from serving_lab.text.progress import Progress

ARM_SECONDS = 2.0
_AROUND_AN_ARM = 1.7
"""Seconds that an arm takes besides: the lead-in, and the profiler's beginning and end."""
_MOST_PAIRS = 2 * PAIRS
"""Those that do not count included."""
_LEAST_SEEN = 0.15
"""Share of the CPU time that must be seen. A service of Python holds its lock for half of the time or more. On a
machine with too much to do the profiler has its turns when the service has none, and sees where it waits."""
_MOST_WAITED = 0.9
"""Share of the time in which a target wanted a processor and had none. Beyond it a few dozen requests are answered, and
samples show where it was interrupted."""


@dataclass(frozen=True)
class _SampledArm:
    """One arm of a target, and what the profiler saw of it."""

    arm: Arm
    samples: Samples
    waited_seconds: float
    """How long the target was ready to run but had no processor; 0 where the kernel does not say."""

    @property
    def fault(self) -> str | None:
        """Why it does not count; None: it does."""
        cpu_seconds = self.arm.values.get("cpu", 0.0) / 1000 * self.arm.answered
        if self.waited_seconds > _MOST_WAITED * (self.waited_seconds + cpu_seconds):
            return f"{self.arm.target} waited for a processor {_MOST_WAITED:.0%} of the time: the machine is too busy"
        if self.samples.stacks.total() > _LEAST_SEEN * sampler.RATE * cpu_seconds > 0:
            return None
        return (
            f"py-spy saw less than {_LEAST_SEEN:.0%} of the CPU time of {self.arm.target}: the machine is too busy, or "
            "the service does nearly all its work outside of Python"
        )

    @property
    def profile(self) -> folding.Profile:
        """CPU time for a request: samples say which share each stack had, the kernel how much it was in all."""
        second = self.arm.values["cpu"] / 1000 / self.samples.stacks.total()
        return {stack: count * second for stack, count in self.samples.stacks.items()}


_Block = Mapping[str, _SampledArm]
"""An arm of each target, by its name."""


def expected_seconds(targets: int) -> float:
    """Return about how long the extra pairs of a scenario take."""
    return PAIRS * targets * (ARM_SECONDS + _AROUND_AN_ARM)


def check(targets: Sequence[Target]) -> str | None:
    """Return why the targets cannot be sampled; None: they can."""
    try:
        for target in targets:
            with sampler.sampling(target):
                pass
    except NotSampledError as error:
        return str(error)
    return None


def explain(
    driver: LoadDriver, name: str, loads: Mapping[str, Load], seed: int, measured: Sequence[Arm], progress: Progress
) -> Explanation:
    """Measure the extra pairs of a scenario, and compare each candidate with the baseline.

    Args:
        driver: Sends the load to targets whose processes are known.
        name: Of the scenario.
        loads: By target.
        seed: Of the requests and the order.
        measured: Arms without the profiler, which say what it costs.
        progress: Is told which pair it is.

    Raises:
        LabError: no load can be sent.
    """
    began = time.monotonic()
    blocks: list[_Block] = []
    whole: list[_Block] = []
    missing = None
    # The order of each pair is drawn by itself: that is what lets signs be flipped.
    chance = random.Random(f"{seed} {name} explain")  # noqa: S311 - reproducible, not secret
    try:
        while len(whole) < PAIRS and len(blocks) < _MOST_PAIRS:
            void = len(blocks) - len(whole)
            note = f"{phrases.counted(void, 'pair')} did not count" if void else ""
            progress.phase(f"{name}: extra pair {len(whole) + 1} of {PAIRS}, under the profiler", note)
            blocks.append(_block(driver, loads, len(blocks) + 1, chance))
            if not any(each.fault for each in blocks[-1].values()):
                whole.append(blocks[-1])
            progress.advance(expected_seconds(len(driver.targets)) / PAIRS)
    except NotSampledError as error:
        missing = str(error)
    if missing is None and len(whole) < PAIRS:
        faults = [each.fault for block in blocks for each in block.values() if each.fault]
        commonest = max(set(faults), key=faults.count)
        missing = f"{len(blocks) - len(whole)} of {len(blocks)} pairs do not count: {commonest}"
    baseline, *candidates = (target.name for target in driver.targets)
    return Explanation(
        seconds=time.monotonic() - began,
        arm_seconds=ARM_SECONDS,
        confidence=CONFIDENCE,
        sampled=[_sampled(target.name, blocks, measured) for target in driver.targets] if blocks else [],
        candidates=[
            folding.explained(name, [(block[baseline].profile, block[name].profile) for block in whole])
            for name in candidates
            if missing is None
        ],
        missing=missing,
    )


def _block(driver: LoadDriver, loads: Mapping[str, Load], number: int, chance: random.Random) -> _Block:
    seed = chance.getrandbits(48)
    found = {}
    for position, target in enumerate(chance.sample(driver.targets, len(driver.targets)), start=1):
        with sampler.sampling(target) as samples:
            before = readings.waited_seconds(target)
            measured = driver.arm(target, loads[target.name], ArmSlot(number, position, seed), seconds=ARM_SECONDS)
            waited = (readings.waited_seconds(target) or 0.0) - (before or 0.0)
        found[target.name] = _SampledArm(measured.arm, samples, waited)
    return found


def _sampled(target: str, blocks: Sequence[_Block], measured: Sequence[Arm]) -> Sampled:
    seen = [block[target].samples for block in blocks]
    arms = [block[target].arm for block in blocks]
    without = [arm for arm in measured if arm.target == target]
    usual = [arm for arm in without if not arm.faults] or without
    return Sampled(
        target=target,
        samples=sum(each.stacks.total() for each in seen),
        profiler_cpu=sum(each.cpu_seconds for each in seen) / sum(each.seconds for each in seen),
        cpu_ratio=_ratio("cpu", arms, usual),
        throughput_ratio=_ratio("throughput", arms, usual),
    )


def _ratio(metric: str, sampled: Sequence[Arm], usual: Sequence[Arm]) -> float | None:
    values = [[arm.values[metric] for arm in arms if metric in arm.values] for arms in (sampled, usual)]
    return statistics.median(values[0]) / statistics.median(values[1]) if all(values) else None
