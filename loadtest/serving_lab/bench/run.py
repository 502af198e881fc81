"""A whole measurement: targets checked, conditions recorded, scenarios measured, one result."""

import itertools
import math
import time
from collections.abc import Sequence

from serving_lab.bench.design import Design
from serving_lab.bench.result import BenchResult
from serving_lab.bench.scenario_run import ScenarioRun
from serving_lab.bench.scheduling import Schedule
from serving_lab.errors import LabError
from serving_lab.experiment import conditions, readings, wording
from serving_lab.experiment.arms import LoadDriver
from serving_lab.experiment.profile import Profile
from serving_lab.experiment.records import TargetRecord, Verification
from serving_lab.experiment.testbed import Testbed
from serving_lab.experiment.verify import verify
from serving_lab.explain import pairs as extra_pairs
from serving_lab.explain.locating import located
from serving_lab.generator.fleet import Fleet
from serving_lab.results.envelope import Metadata
from serving_lab.text import phrases
from serving_lab.text.progress import Progress

_MEASURED_WITH = ("httptools", "numpy", "scipy", "uvloop")


class BenchMeasurement:
    """A measurement under way; `result` returns what was measured so far, also after an interruption."""

    def __init__(
        self,
        testbed: Testbed,
        profile: Profile,
        design: Design,
        names: Sequence[str],
        *,
        allow_unequal: bool,
        explain: bool = False,
    ) -> None:
        """Sign in to the targets and check that they answer rightly and alike; record their conditions.

        Raises:
            LabError: one does not answer, answers wrongly, or answers differently from another; or the budget is too
                short for the scenarios.
        """
        self._metadata = Metadata.begin(_MEASURED_WITH, testbed.root)
        self._profile = profile
        self._design = design
        self._testbed = testbed
        self.targets = [target.signed_in(profile.api.sign_in) for target in testbed.targets]
        self.conditions = conditions.conditions(self.targets, testbed.known)
        self._verification = self._verify(names)
        self._runs = [ScenarioRun(name, profile.scenarios[name], design) for name in names]
        self._check_budget()
        differing = conditions.unequal(self.conditions)
        self.withheld = [] if allow_unequal else [f"the conditions differ: {each}" for each in differing]
        self.warnings = [f"the conditions differ: {each}" for each in differing if allow_unequal]
        self.warnings += [
            f"{each.name} is not known of {name}"
            for each in self.conditions
            if each.verdict == "unknown"
            for name, value in each.values.items()
            if value is None
        ]
        self.warnings += [
            f"{one.name} and {other.name} are one address: a service was measured against itself"
            for one, other in itertools.combinations(self.targets, 2)
            if one.endpoint.is_at(other.endpoint)
        ]
        if not self.conditions:
            self.warnings.append("the targets do not state their conditions (no /metrics that the lab can read)")
        self.warnings += [
            f"{each.name} has no /metrics: CPU time and memory are those of process {each.pid} and all below it"
            for each in self.targets
            if each.pid and readings.metrics(each.endpoint) is None
        ]
        self._finished = False
        self.unexplained: str | None = None
        """Why nothing is explained although that was asked for."""
        if explain:
            self.targets = [located(target) for target in self.targets]
            self.unexplained = extra_pairs.check(self.targets)
        self._explains = explain and self.unexplained is None

    @property
    def expected_seconds(self) -> float:
        """About how long it takes, with a budget at most; an explanation comes on top."""
        extra = sum(run.form.loop != "knee" for run in self._runs) * extra_pairs.expected_seconds(len(self.targets))
        measured = self._least_seconds if self._design.budget is None else self._design.budget
        return measured + extra * self._explains

    def run(self, fleet: Fleet, progress: Progress) -> None:
        """Measure all scenarios.

        Raises:
            LabError: no load can be sent.
        """
        driver = LoadDriver(fleet, self.targets, self._profile.api)
        if self._design.budget is not None:
            deadline = time.monotonic() + self._design.budget - self._metadata.seconds
            Schedule(self._runs, deadline).run(driver, progress)
        else:
            for run in self._runs:
                run.prepare(driver, progress)
                run.measure(driver, progress, run.most)
                run.end()
        self._finished = True
        if self._explains:
            self._explain(driver, progress)

    def result(self) -> BenchResult:
        """Return what was measured so far."""
        withheld = "; ".join(self.withheld) or None
        scenarios = [run.concluded(self.targets, withheld) for run in self._runs if run.warm_ups]
        again = [
            f"{scenario.name}: {line}"
            for scenario in scenarios
            for line in wording.of_sent_again((arm.target, arm.sent_again) for arm in scenario.arms)
        ]
        return BenchResult(
            started=self._metadata.started,
            seconds=self._metadata.seconds,
            partial=not self._finished,
            seed=self._design.seed,
            revision=self._metadata.revision,
            revision_unknown=self._metadata.revision_unknown,
            machine=self._metadata.machine,
            versions=self._metadata.versions,
            warnings=[*self.warnings, *again],
            margin=self._design.margin,
            budget_seconds=self._design.budget,
            targets=[
                TargetRecord(name=each.name, url=each.inside.url, label=each.label, colour=each.colour)
                for each in self.targets
            ],
            conditions=self.conditions,
            withheld=self.withheld,
            testbed=self._testbed.facts,
            verification=self._verification,
            scenarios=scenarios,
            unexplained=self.unexplained,
        )

    def _explain(self, driver: LoadDriver, progress: Progress) -> None:
        try:
            for run in self._runs:
                if run.explainable:
                    run.explain(driver, progress)
        except KeyboardInterrupt:
            self.unexplained = "it was interrupted"
            raise

    @property
    def _least_seconds(self) -> float:
        """How long it takes, with a budget at least."""
        targets = len(self.targets)
        return sum(self._design.expected_seconds(run.form, targets, warm=at > 0) for at, run in enumerate(self._runs))

    def _check_budget(self) -> None:
        least = self._least_seconds
        if self._design.budget is not None and self._design.budget < least:
            scenarios = phrases.counted(len(self._runs), "scenario")
            raise LabError(
                f"a budget of {self._design.budget:.0f} s is too short for {scenarios}: {least:.0f} s at least",
                hint=f"--budget {math.ceil(least / 60)}m, or fewer of them (--scenario NAME)",
            )

    def _verify(self, names: Sequence[str]) -> Verification:
        used = {name for scenario in names for name in self._profile.scenarios[scenario].requests}
        api = self._profile.api
        calls = [each for name, each in api.requests.items() if name in used]
        return verify(self.targets, calls, api.values, self._design.seed)
