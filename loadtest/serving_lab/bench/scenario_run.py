"""One scenario from its preparation to its verdicts: warm-up, randomised blocks of arms, and whether they count."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from serving_lab.bench.result import Scenario
from serving_lab.experiment import capacity, validity, verdicts
from serving_lab.experiment.arms import ArmSlot, Load, LoadDriver, MeasuredArm
from serving_lab.experiment.capacity import Peak
from serving_lab.experiment.order import blocks
from serving_lab.experiment.profile import BEST, OfPeakForm, ScenarioForm
from serving_lab.experiment.records import QUANTILES, Arm, Distribution, WarmUp
from serving_lab.experiment.targets import Target
from serving_lab.experiment.warm_up import warm_up
from serving_lab.generator.fleet import Seconds
from serving_lab.generator.messages import Closed, Open
from serving_lab.text.progress import Progress

SECONDS_AROUND_AN_ARM = 1.5
PREPARATION_SECONDS = 8.0
KNEE_SECONDS = 35.0
"""What an arm takes besides what it measures; about how long preparing a target and finding a knee take."""
FIRST_CONNECTIONS = 8


@dataclass(frozen=True)
class Design:
    """What is fixed before anything is measured."""

    pairs: int
    """Blocks of arms, one arm of each target."""
    seconds: float
    """Of an arm."""
    seed: int
    margin: float

    def pairs_of(self, form: ScenarioForm) -> int:
        """Return how many pairs a scenario gets: half as many for a knee, each of which is a search of its own."""
        return max(3, math.ceil(self.pairs / 2)) if form.loop == "knee" else self.pairs

    def expected_seconds(self, form: ScenarioForm, targets: int) -> float:
        """Return about how long a scenario takes."""
        return targets * PREPARATION_SECONDS + self.pairs_of(form) * self.pair_seconds(form, targets)

    def pair_seconds(self, form: ScenarioForm, targets: int) -> float:
        """Return about how long an arm of each target takes."""
        return targets * (KNEE_SECONDS if form.loop == "knee" else self.seconds + SECONDS_AROUND_AN_ARM)


@dataclass
class ScenarioRun:
    """A scenario while it is measured; what was measured so far is kept when it is interrupted."""

    name: str
    form: ScenarioForm
    design: Design
    loads: dict[str, Load] = field(default_factory=dict)
    """By target."""
    peaks: dict[str, Peak] = field(default_factory=dict)
    warm_ups: list[WarmUp] = field(default_factory=list)
    arms: list[Arm] = field(default_factory=list)
    latencies: dict[str, list[Seconds]] = field(default_factory=dict)
    uncorrected: dict[str, list[Seconds]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    complete: bool = False

    def run(self, driver: LoadDriver, progress: Progress) -> None:
        """Prepare the targets and measure the pairs, until there are as many as planned or the scenario is refused.

        Raises:
            LabError: no load can be sent.
        """
        progress.phase(f"{self.name}: warm-up")
        for target in driver.targets:
            target.ask(driver.api.before)
            self._prepare(driver, target)
            progress.advance(PREPARATION_SECONDS)
        if isinstance(self.form.rate, OfPeakForm):
            rate = min(peak.throughput for peak in self.peaks.values()) * self.form.rate.of_peak
            self.loads = {
                name: Load(load.requests, load.connections, Open(rate, self.form.arrivals, self.form.burstiness))
                for name, load in self.loads.items()
            }
        self.refused += [why for each in self.warm_ups if (why := _unprepared(each))]
        if not self.refused:
            self._measure(driver, progress)
        self.complete = True

    def concluded(self, targets: Sequence[Target], withheld: str | None) -> Scenario:
        """Return the scenario with all that was measured so far, and the verdicts."""
        names = [target.name for target in targets]
        planned = self.design.pairs_of(self.form)
        whole = verdicts.whole_pairs(self.arms, names)
        if not self.complete:
            withheld = withheld or f"it was interrupted: {len(whole)} of {planned} pairs were measured"
        rates = {load.loop.rate for load in self.loads.values() if isinstance(load.loop, Open)}
        shares = sum(self.form.requests.values())
        return Scenario(
            name=self.name,
            title=self.form.title or self.name,
            loop=self.form.loop,
            connections={name: load.connections for name, load in self.loads.items()},
            rate=rates.pop() if self.form.loop == "open" and len(rates) == 1 else None,
            arrivals=None if self.form.loop == "closed" else self.form.arrivals,
            burstiness=self.form.burstiness,
            requests={name: weight / shares for name, weight in self.form.requests.items()},
            objective=_in_words(self.form),
            arm_seconds=self.design.seconds,
            pairs_planned=planned,
            warm_ups=self.warm_ups,
            arms=self.arms,
            distributions={name: self._distribution(name) for name in names if self.latencies.get(name)},
            comparisons=verdicts.comparisons(
                self.form.loop,
                names,
                self.arms,
                margin=self.design.margin,
                refused="; ".join(self.refused) or None,
                withheld=withheld,
            ),
            refused=self.refused,
        )

    def _prepare(self, driver: LoadDriver, target: Target) -> None:
        seed = _seed(self.design.seed, self.name, "preparation")
        connections = FIRST_CONNECTIONS if self.form.connections == BEST else int(self.form.connections)
        given = self.form.rate if isinstance(self.form.rate, float | int) else None
        load = Load(
            self.form.requests,
            connections,
            Open(given, self.form.arrivals, self.form.burstiness) if given else Closed(),
        )
        self.warm_ups.append(warm_up(driver, target, load, seed))
        if self.form.connections == BEST or self.form.loop == "knee" or isinstance(self.form.rate, OfPeakForm):
            self.peaks[target.name] = capacity.peak(driver, target, load, seed)
        if self.form.connections == BEST:
            load = Load(load.requests, self.peaks[target.name].connections, load.loop)
        self.loads[target.name] = load

    def _measure(self, driver: LoadDriver, progress: Progress) -> None:
        planned = self.design.pairs_of(self.form)
        chance = random.Random(_seed(self.design.seed, self.name, "order"))  # noqa: S311 - reproducible, not secret
        whole = 0
        for pair, targets in enumerate(blocks(driver.targets, chance), start=1):
            if whole == planned:
                return
            void = pair - 1 - whole
            if void > validity.MOST_VOID_SHARE * planned:
                self.refused.append(f"{void} of {pair - 1} pairs do not count: {self._commonest_fault()}")
                return
            progress.phase(f"{self.name}: pair {whole + 1} of {planned}")
            seed = _seed(self.design.seed, self.name, f"pair {pair}")
            measured = []
            for position, target in enumerate(targets, start=1):
                measured.append(self._arm(driver, target, ArmSlot(pair, position, seed)))
                self._keep(measured[-1])
            if self.refused:
                return
            if not any(each.arm.faults for each in measured):
                whole += 1
                progress.advance(self.design.pair_seconds(self.form, len(targets)))

    def _arm(self, driver: LoadDriver, target: Target, slot: ArmSlot) -> MeasuredArm:
        load = self.loads[target.name]
        if self.form.objective is None:
            return driver.arm(target, load, slot, seconds=self.design.seconds)
        load = Load(load.requests, load.connections, Open(1.0, self.form.arrivals))
        return capacity.knee(driver, target, load, self.form.objective, self.peaks[target.name], slot)

    def _keep(self, measured: MeasuredArm) -> None:
        arm = measured.arm
        self.arms.append(arm)
        if arm.faults:
            return
        self.latencies.setdefault(arm.target, []).append(measured.latencies)
        self.uncorrected.setdefault(arm.target, []).append(measured.uncorrected)
        if arm.wrong and self.form.objective is None:
            what = ", ".join(f"{what} ({count:,} times)" for what, count in arm.wrong.items())
            self.refused.append(f"{arm.target} answered wrongly: {what}")
        if arm.rate and arm.planned and self.form.loop == "open" and not measured.kept_up:
            self.refused.append(f"{arm.target} does not keep up with {arm.rate:,.0f} requests/s")

    def _commonest_fault(self) -> str:
        faults = [fault.partition(":")[0] for arm in self.arms for fault in arm.faults]
        commonest = max(set(faults), key=faults.count)
        return next(fault for arm in self.arms for fault in arm.faults if fault.startswith(commonest))

    def _distribution(self, target: str) -> Distribution:
        latencies, uncorrected = (np.concatenate(each[target]) for each in (self.latencies, self.uncorrected))
        return Distribution(count=latencies.size, seconds=curve(latencies), uncorrected=curve(uncorrected))


def curve(latencies: Seconds) -> list[float]:
    """Return the latencies (s) at each of `QUANTILES`; empty where there are none."""
    return (
        [float(value) for value in np.quantile(latencies, QUANTILES, method="inverted_cdf")] if latencies.size else []
    )


def _unprepared(warmed: WarmUp) -> str | None:
    """Why a target cannot be measured; None: it can."""
    if warmed.kept_up and warmed.steady:
        return None
    if warmed.faults:
        return f"{warmed.target} could not be warmed up: {warmed.faults[0]}"
    if not warmed.kept_up:
        return f"{warmed.target} does not keep up with the rate"
    return f"{warmed.target} did not become steady within {warmed.seconds:.0f} s"


def _in_words(form: ScenarioForm) -> str | None:
    if form.objective is None:
        return None
    wrong = form.objective.wrong_share
    return f"P99 within {form.objective.p99_seconds * 1000:g} ms and " + (
        f"at most {wrong:.3%} wrong answers" if wrong else "no wrong answer"
    )


def _seed(seed: int, scenario: str, what: str) -> int:
    return random.Random(f"{seed} {scenario} {what}").getrandbits(48)  # noqa: S311 - reproducible, not secret
