"""A whole measurement: targets checked, conditions recorded, scenarios measured, one result."""

import platform
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import psutil

from serving_lab.bench.result import Result
from serving_lab.bench.scenarios import Course, Plan
from serving_lab.experiment import conditions
from serving_lab.experiment.arms import Bench
from serving_lab.experiment.conditions import Identity
from serving_lab.experiment.profile import Measured, Profile
from serving_lab.experiment.progress import Progress
from serving_lab.experiment.records import Machine, Verification
from serving_lab.experiment.records import Target as ResultTarget
from serving_lab.experiment.stage import Place
from serving_lab.experiment.targets import Target
from serving_lab.experiment.verify import verify
from serving_lab.generator.fleet import Fleet

_MEASURED_WITH = ("serving-lab", "httptools", "numpy", "scipy", "uvloop")


class Measurement:
    """A measurement under way; `result` says what it has come to, also where it was interrupted."""

    def __init__(
        self,
        targets: Sequence[Target],
        profile: Profile,
        plan: Plan,
        names: Sequence[str],
        place: Place,
        *,
        allow_unequal: bool,
    ) -> None:
        """Sign in to the targets and check that they answer rightly and alike; record their conditions.

        Raises:
            LabError: one does not answer, or answers wrongly or otherwise than another.
        """
        self._started = datetime.now(UTC)
        self._began = time.monotonic()
        self._profile = profile
        self._plan = plan
        self._place = place
        self.targets = [target.signed_in(profile) for target in targets]
        self._machine = _machine(place)
        self.conditions = conditions.conditions(self.targets, place.known)
        self._verification = self._verify(names)
        self._courses = [Course(name, profile.scenarios[name], plan) for name in names]
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
        if not self.conditions:
            self.warnings.append("the targets say nothing of their conditions (no /metrics that the lab can read)")
        self._finished = False

    @property
    def expected_seconds(self) -> float:
        """About how long it takes."""
        return sum(self._plan.expected_seconds(course.form, len(self.targets)) for course in self._courses)

    def run(self, fleet: Fleet, progress: Progress) -> None:
        """Measure all scenarios.

        Raises:
            LabError: no load can be sent.
        """
        bench = Bench(fleet, self.targets, self._profile)
        for course in self._courses:
            identity = Identity(self.targets)
            course.run(bench, progress)
            course.refused += [f"{name} was restarted meanwhile" for name in identity.restarted()]
        self._finished = True

    def result(self) -> Result:
        """Return what it has come to."""
        withheld = "; ".join(self.withheld) or None
        return Result(
            started=self._started.isoformat(timespec="seconds"),
            seconds=time.monotonic() - self._began,
            partial=not self._finished,
            seed=self._plan.seed,
            revision=self._place.revision,
            margin=self._plan.margin,
            targets=[ResultTarget(name=each.name, url=each.inside.url) for each in self.targets],
            conditions=self.conditions,
            withheld=self.withheld,
            machine=self._machine,
            verification=self._verification,
            scenarios=[course.concluded(self.targets, withheld) for course in self._courses if course.warm_ups],
            warnings=self.warnings,
            versions={name: version(name) for name in _MEASURED_WITH} | {"python": platform.python_version()},
        )

    def _verify(self, names: Sequence[str]) -> Verification:
        used = {name for scenario in names for name in self._profile.scenarios[scenario].requests}
        requests: list[Measured] = [each for name, each in self._profile.requests.items() if name in used]
        return verify(self.targets, requests, self._profile.values, self._plan.seed)


def _machine(place: Place) -> Machine:
    return Machine(
        processor=conditions.processor(),
        cores=psutil.cpu_count() or 1,
        memory_bytes=conditions.memory_bytes(),
        kernel=f"{platform.system()} {platform.release()}",
        load=conditions.load(),
        mode=place.mode,
        generator=place.generator,
    )
