"""One scenario from its preparation to its verdicts: warm-up, randomised blocks of arms, and whether they count."""

import math
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np

from serving_lab.bench.design import PREPARATION_SECONDS, Design
from serving_lab.bench.result import Scenario
from serving_lab.experiment import capacity, validity, verdicts
from serving_lab.experiment.arms import ArmSlot, Load, LoadDriver, MeasuredArm
from serving_lab.experiment.capacity import Peak
from serving_lab.experiment.conditions import Identity
from serving_lab.experiment.order import blocks, blocks_while_looking
from serving_lab.experiment.profile import BEST, OfPeakForm, ScenarioForm
from serving_lab.experiment.records import QUANTILES, Arm, Comparison, Distribution, WarmUp
from serving_lab.experiment.sequential import Looks
from serving_lab.experiment.targets import Target
from serving_lab.experiment.warm_up import COMPARED, WINDOW_SECONDS, warm_up, window_when_warm
from serving_lab.explain import pairs as extra_pairs
from serving_lab.explain.records import Explanation
from serving_lab.generator.messages import Closed, Open
from serving_lab.generator.outcome import Seconds
from serving_lab.text import phrases
from serving_lab.text.progress import Progress

FIRST_CONNECTIONS = 8


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
    latencies: dict[str, dict[int, Seconds]] = field(default_factory=dict)
    """By target and pair, of arms that count."""
    uncorrected: dict[str, dict[int, Seconds]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    complete: bool = False
    arm_seconds: float = 0.0
    measured: int = 0
    """Pairs so far, those that do not count included."""
    whole: int = 0
    """Of them, those that count."""
    most: int = 0
    """As many as may count at most; without a budget, exactly."""
    looks: tuple[int, ...] = ()
    """After how many pairs that count it was decided whether to go on."""
    seconds: float = 0.0
    """How long the pairs took."""
    decided: bool = False
    """Whether more pairs are not worth their time."""
    explanation: Explanation | None = None
    _orders: Iterator[list[Target]] = field(default_factory=lambda: iter(()))
    _identity: Identity | None = None

    def prepare(self, driver: LoadDriver, progress: Progress, *, warm: bool = False) -> None:
        """Warm the targets up, and find what is not given: connections, rates, the length of arms.

        Args:
            driver: Sends the load.
            progress: Is told how far it is.
            warm: Whether the targets were warmed up before, under another load.

        Raises:
            LabError: no load can be sent.
        """
        self._identity = Identity(driver.targets)
        window = window_when_warm(driver.largest_rate(self.form.requests)) if warm else WINDOW_SECONDS
        progress.phase(f"{self.name}: warm-up")
        for target in driver.targets:
            target.ask(driver.api.before)
            self._prepare(driver, target, window)
            progress.advance(PREPARATION_SECONDS)
        if self.form.connections == BEST:
            best = capacity.alike(self.peaks)
            self.loads = {name: Load(load.requests, best[name], load.loop) for name, load in self.loads.items()}
        if isinstance(self.form.rate, OfPeakForm):
            rate = min(self._largest_rate(each) for each in self.warm_ups) * self.form.rate.of_peak
            self.loads = {
                name: Load(load.requests, load.connections, Open(rate, self.form.arrivals, self.form.burstiness))
                for name, load in self.loads.items()
            }
        self.refused += [why for each in self.warm_ups if (why := _unprepared(each))]
        self.arm_seconds = self.design.arm_seconds(self._rates())
        self.most = self.design.pairs_of(self.form)
        chance = random.Random(_seed(self.design.seed, self.name, "order"))  # noqa: S311 - reproducible, not secret
        self._orders = (blocks if self.design.budget is None else blocks_while_looking)(driver.targets, chance)

    def measure(self, driver: LoadDriver, progress: Progress, pairs: int, deadline: float = math.inf) -> None:
        """Measure until so many pairs count, the scenario is refused, or the next one would end after the deadline.

        With a budget, it also ends once as many pairs more did not count: another scenario may do better meanwhile.

        Args:
            driver: Sends the load.
            progress: Is told which pair it is.
            pairs: Those measured before included.
            deadline: By `time.monotonic`.

        Raises:
            LabError: no load can be sent.
        """
        targets = len(driver.targets)
        most = math.inf if self.design.budget is None else self.measured + 2 * (pairs - self.whole)
        while self.whole < pairs and self.measured < most and not self.refused:
            began = time.monotonic()
            if began + self.pair_seconds(targets) > deadline:
                break
            planned = f"{self.most}" if self.design.budget is None else f"at most {self.most}"
            void = self.measured - self.whole
            note = f"{phrases.counted(void, 'pair')} did not count" if void else ""
            progress.phase(f"{self.name}: pair {self.whole + 1} of {planned}", note)
            counts = self._pair(driver)
            self.seconds += time.monotonic() - began
            if counts or self.design.budget is not None:
                progress.advance(self.design.pair_seconds(self.form, targets, self.arm_seconds))
            if self.design.budget is None:
                self._refuse_if_void(self.most)
        self.refused += [f"{name} was restarted during the measurement" for name in self._restarted()]

    def plan(self, seconds: float, targets: int) -> None:
        """Decide how many pairs there may be at most: those for which so much more time suffices."""
        self.most = max(self.most, self.whole + int(seconds / self.pair_seconds(targets)))

    def resume(self, driver: LoadDriver) -> None:
        """Bring the targets back into the state in which the scenario begins, after another one was measured."""
        for target in driver.targets if driver.api.before else ():
            target.ask(driver.api.before)
            warm_up(
                driver,
                target,
                self.loads[target.name],
                _seed(self.design.seed, self.name, "preparation"),
                window_when_warm(driver.largest_rate(self.form.requests)),
            )

    def look(self, targets: Sequence[Target], pairs: int) -> None:
        """Find out whether more pairs are worth their time, of which so many may be had in all."""
        if self.whole > (self.looks[-1] if self.looks else 1):
            self.looks = (*self.looks, self.whole)
        if not self.whole:
            return
        found = self._comparisons([target.name for target in targets], None)
        self.decided = verdicts.decided(self.form.loop, found, self.design.margin, min(pairs, self.most))

    def end(self) -> None:
        """End it: no other pair will be measured."""
        if self.design.budget is not None:
            self._refuse_if_void(self.measured)
        self.complete = True

    @property
    def explainable(self) -> bool:
        """Whether extra pairs can be measured under the same load: a knee's differs from arm to arm."""
        return self.form.loop != "knee" and bool(self.arms)

    def explain(self, driver: LoadDriver, progress: Progress) -> None:
        """Measure extra pairs under the profiler, which no verdict counts.

        Raises:
            LabError: no load can be sent.
        """
        self.resume(driver)
        self.explanation = extra_pairs.explain(driver, self.name, self.loads, self.design.seed, self.arms, progress)

    @property
    def done(self) -> bool:
        """Whether it needs no other pair."""
        return bool(self.refused) or self.decided or self.whole >= self.most

    def pair_seconds(self, targets: int) -> float:
        """Return how long a pair takes: as long as they did, or about as long as they should."""
        if self.measured:
            return self.seconds / self.measured
        return self.design.pair_seconds(self.form, targets, self.arm_seconds)

    def concluded(self, targets: Sequence[Target], withheld: str | None) -> Scenario:
        """Return the scenario with all that was measured so far, and the verdicts."""
        names = [target.name for target in targets]
        planned = self.most if self.design.budget is not None else self.design.pairs_of(self.form)
        if not self.complete:
            of = f" of {planned}" if self.design.budget is None else ""
            withheld = withheld or f"it was interrupted: {self.whole}{of} pairs were measured"
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
            arm_seconds=self.arm_seconds,
            pairs_planned=planned,
            looks=list(self.looks),
            warm_ups=self.warm_ups,
            arms=self.arms,
            distributions={name: self._distribution(name) for name in names if self.latencies.get(name)},
            comparisons=self._comparisons(names, withheld),
            refused=self.refused,
            explanation=self.explanation,
        )

    def _comparisons(self, targets: Sequence[str], withheld: str | None) -> list[Comparison]:
        looked = self.looks if self.whole in self.looks else (*self.looks, self.whole)
        return verdicts.comparisons(
            self.form.loop,
            targets,
            self.arms,
            margin=self.design.margin,
            refused="; ".join(self.refused) or None,
            withheld=withheld,
            looks=None if self.design.budget is None else Looks(looked, max(self.most, self.whole)),
            latencies=self.latencies,
        )

    def _prepare(self, driver: LoadDriver, target: Target, window: float) -> None:
        seed = _seed(self.design.seed, self.name, "preparation")
        connections = FIRST_CONNECTIONS if self.form.connections == BEST else int(self.form.connections)
        given = self.form.rate if isinstance(self.form.rate, float | int) else None
        load = Load(
            self.form.requests,
            connections,
            Open(given, self.form.arrivals, self.form.burstiness) if given else Closed(),
        )
        self.warm_ups.append(warm_up(driver, target, load, seed, window))
        if self.design.searches(self.form):
            step = capacity.STEP_SECONDS if self.design.budget is None else capacity.SHORT_STEP_SECONDS
            self.peaks[target.name] = capacity.peak(driver, target, load, seed, step)
        self.loads[target.name] = load

    def _rates(self) -> list[float]:
        """How many answers a second each target can be expected to give."""
        rates = []
        for warmed in self.warm_ups:
            loop = self.loads[warmed.target].loop
            rates.append(loop.rate if isinstance(loop, Open) else self._largest_rate(warmed))
        return rates

    def _largest_rate(self, warmed: WarmUp) -> float:
        """The most that a target answered a second: where it was searched, or at the end of its warm-up."""
        if warmed.target in self.peaks:
            return self.peaks[warmed.target].throughput
        return float(np.median(warmed.throughput[-COMPARED:]))

    def _restarted(self) -> list[str]:
        return self._identity.restarted() if self._identity else []

    def _pair(self, driver: LoadDriver) -> bool:
        """Measure one arm of each target, and return whether all of them count."""
        self.measured += 1
        seed = _seed(self.design.seed, self.name, f"pair {self.measured}")
        measured = []
        for position, target in enumerate(next(self._orders), start=1):
            measured.append(self._arm(driver, target, ArmSlot(self.measured, position, seed)))
        measured = _alike(measured)
        for each in measured:
            self._keep(each)
        counts = not any(each.arm.faults for each in measured)
        self.whole += counts
        return counts

    def _refuse_if_void(self, of: int) -> None:
        """Refuse it if too many pairs, for so many, do not count."""
        void = self.measured - self.whole
        if void <= validity.MOST_VOID_SHARE * of:
            return
        why = f"{void} of {self.measured} pairs do not count"
        if self.design.budget is not None and void <= validity.MOST_VOID_SHARE_OF_EACH * of:
            faults = Counter(dict.fromkeys((arm.target for arm in self.arms), 0))
            faults.update(arm.target for arm in self.arms if arm.faults)
            whose = validity.one_sided(faults)
            if whose is None:
                return
            why += f", most of them because of {whose}"
        self.refused.append(f"{why}: {self._commonest_fault()}")

    def _arm(self, driver: LoadDriver, target: Target, slot: ArmSlot) -> MeasuredArm:
        load = self.loads[target.name]
        if self.form.objective is None:
            return driver.arm(target, load, slot, seconds=self.arm_seconds)
        load = Load(load.requests, load.connections, Open(1.0, self.form.arrivals))
        return capacity.knee(driver, target, load, self.form.objective, self.peaks[target.name], slot)

    def _keep(self, measured: MeasuredArm) -> None:
        arm = measured.arm
        self.arms.append(arm)
        if arm.faults:
            return
        self.latencies.setdefault(arm.target, {})[arm.pair] = measured.latencies
        self.uncorrected.setdefault(arm.target, {})[arm.pair] = measured.uncorrected
        if arm.wrong and self.form.objective is None:
            what = ", ".join(f"{what} ({count:,} times)" for what, count in arm.wrong.items())
            self.refused.append(f"{arm.target} answered wrongly: {what}")
        if arm.rate and arm.planned and self.form.loop == "open" and not measured.kept_up:
            self.refused.append(f"{arm.target} does not keep up with {arm.rate:,.0f} requests/s")

    def _commonest_fault(self) -> str:
        faults = [fault.partition(":")[0] for arm in self.arms for fault in arm.faults]
        ((commonest, _),) = Counter(faults).most_common(1)
        return next(fault for arm in self.arms for fault in arm.faults if fault.startswith(commonest))

    def _distribution(self, target: str) -> Distribution:
        latencies, uncorrected = (
            np.concatenate([*each[target].values()]) for each in (self.latencies, self.uncorrected)
        )
        return Distribution(count=latencies.size, seconds=curve(latencies), uncorrected=curve(uncorrected))


def _alike(measured: Sequence[MeasuredArm]) -> list[MeasuredArm]:
    """The arms of a pair, of which those do not count from which others took much more than from another."""
    if any(each.arm.faults for each in measured) or not any(each.arm.disturbances for each in measured):
        return list(measured)
    why = validity.unlike({each.arm.target: each.arm.taken for each in measured})
    return [
        replace(each, arm=msgspec.structs.replace(each.arm, faults=[why[each.arm.target], *each.arm.disturbances]))
        if each.arm.target in why
        else each
        for each in measured
    ]


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
