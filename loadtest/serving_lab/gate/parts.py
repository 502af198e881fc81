"""Runs `lab parity`, `lab footprint` and `lab bench` on both sides, each within its share of the time."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from serving_lab.bench.result import BenchResult
from serving_lab.experiment.profile import Profile
from serving_lab.explain.pairs import expected_seconds
from serving_lab.footprint.result import FootprintResult
from serving_lab.gate.budget import Budget, slack, watch
from serving_lab.gate.kept import Keeper
from serving_lab.gate.result import Found, Missing, PartName
from serving_lab.gate.sides import Instance
from serving_lab.parity.result import ParityResult
from serving_lab.results import files
from serving_lab.results.envelope import Envelope
from serving_lab.stack.programs import tool
from serving_lab.text.phrases import duration
from serving_lab.text.yaml_file import YamlFile

R = TypeVar("R", bound=Envelope)

_SHARES: Mapping[PartName, float] = {"parity": 0.5, "footprint": 0.25, "bench": 0.6}
"""Of the time that is left, at most. What bench leaves is for measuring again what it found."""
_SCENARIO_SECONDS = 40.0
"""What bench wants for a scenario at least."""
_BEGIN_SECONDS = 15.0
"""What it wants besides."""
_EXPLAIN_LONGER = 1.3
"""An explanation may take so many times as long as is expected: pairs that do not count are measured again."""
_FOOTPRINT = ("--starts", "3", "--rounds", "1", "--seconds", "5", "--no-type-check")
_GENERATED = 500
_READY_PATH = "/ready"


@dataclass(frozen=True)
class Asked:
    """What is asked of the parts, besides the two sides."""

    parity_profile: Path
    bench_profile: Path
    footprint_profile: Path
    intended: Sequence[Path]
    scenarios: Sequence[str]
    margin: float
    """In percent."""
    ready_path: str
    seed: int
    environment: Mapping[str, str]
    """All that the commands see."""
    explain: bool = False
    """Whether what is measured again is explained, too."""


class Parts:
    """Runs parts one after the other for one service."""

    def __init__(self, asked: Asked, keeper: Keeper, console: Console, budget: Budget, output: Path) -> None:
        self.asked = asked
        self.found = Found()
        self._keeper = keeper
        self._console = console
        self._budget = budget
        self._output = output

    @property
    def logs(self) -> Path:
        """The folder of what base, head and the commands print."""
        return self._output / "logs"

    def parity(self, base: Instance, head: Instance) -> None:
        """Compare what both answer."""
        asked = self.asked
        words = [
            "--primary",
            base.endpoint.url,
            "--candidate",
            head.endpoint.url,
            "--profile",
            str(asked.parity_profile),
        ]
        words += ["--generate", str(_GENERATED), "--seed", str(asked.seed), "--output", str(self._output)]
        words += [word for path in asked.intended for word in ("--intended", str(path))]
        self.found.parity = self._run(
            "parity", words, self._output / "parity.json", self._share("parity"), ParityResult
        )

    def footprint(self, base: dict[str, Any], head: dict[str, Any]) -> None:
        """Measure what both cost to run, given how each is started."""
        with tempfile.NamedTemporaryFile("w", prefix="gate-", suffix=".yaml", encoding="utf-8") as file:  # mode 0600
            content = footprint_file(self.asked.footprint_profile, base, head, self.asked.ready_path)
            json.dump(content, file)  # which is YAML, too
            file.flush()
            words = ["--profile", file.name, *_FOOTPRINT, "--seed", str(self.asked.seed), "--output", str(self._output)]
            self.found.footprint = self._run(
                "footprint", words, self._output / "footprint.json", self._share("footprint"), FootprintResult
            )

    def bench(self, base: Instance, head: Instance) -> None:
        """Measure both."""
        seconds = min(max(self._share("bench"), self._least_for_bench), self._budget.left)
        self.found.bench = self._measured("bench", base, head, self.asked.scenarios, seconds)

    @property
    def _least_for_bench(self) -> float:
        """How many seconds bench wants at least."""
        profile = Profile.load(self.asked.bench_profile, self.asked.environment)
        return len(self.asked.scenarios or profile.default) * _SCENARIO_SECONDS + _BEGIN_SECONDS

    def confirm(self, base: Instance, head: Instance, scenarios: Sequence[str]) -> None:
        """Measure scenarios again, in all the time that is left; explain them if that is asked and leaves enough."""
        left, extra = self._budget.left, len(scenarios) * expected_seconds(2) * _EXPLAIN_LONGER
        explain = self.asked.explain and left - extra > len(scenarios) * _SCENARIO_SECONDS + _BEGIN_SECONDS
        if self.asked.explain and not explain:
            self._console.print("no time is left to explain it: a longer --budget gives some", markup=False)
        self.found.confirmation = self._measured("confirmation", base, head, scenarios, left, extra * explain)

    def _measured(
        self,
        name: str,
        base: Instance,
        head: Instance,
        scenarios: Sequence[str],
        seconds: float,
        explaining_seconds: float = 0.0,
    ) -> BenchResult | None:
        asked = self.asked
        words = ["--profile", str(asked.bench_profile)]
        for side, instance in (("base", base), ("head", head)):
            words += ["--target", f"{side}={instance.endpoint.url}"]
            words += ["--process", f"{side}={instance.pid}"] if instance.pid else []
        words += ["--apart"] if base.is_ours and head.is_ours else []
        words += [word for each in scenarios for word in ("--scenario", each)]
        words += ["--margin", f"{asked.margin:g}", "--seed", str(asked.seed)]
        words += ["--budget", f"{seconds - slack(seconds) - explaining_seconds:.0f}s"]
        words += ["--explain"] if explaining_seconds else []
        file = self._output / f"{name}.json"
        return self._run("bench", [*words, "--output", str(file)], file, seconds, BenchResult)

    def _share(self, part: PartName) -> float:
        """Return how many seconds a part may take now."""
        return self._budget.left * _SHARES[part]

    def _run(self, part: PartName, words: Sequence[str], result: Path, seconds: float, kind: type[R]) -> R | None:
        """Run a command of the lab, show what it prints, and return its result; note why where there is none."""
        self._console.print(f"== {part}, for {duration(seconds)} at most", markup=False)
        result.unlink(missing_ok=True)
        kept = self._keeper.start(
            [tool("lab"), part, *words],
            self.asked.environment,
            Path.cwd(),
            self.logs / f"{result.stem}.log",
            hint="pip install serving-lab",
        )
        in_time = watch(kept, seconds, partial(self._console.print, soft_wrap=True, markup=False))
        if result.exists():
            return files.read(result, kind)
        over = f"it did not end within {duration(seconds)}"
        self.found.missing.append(Missing(part=part, why=over if not in_time else _problem(kept.last_words())))
        return None


def footprint_file(profile: Path, base: dict[str, Any], head: dict[str, Any], ready_path: str) -> dict[str, Any]:
    """Return the content of a footprint file for both sides: that of a profile, with these targets.

    Raises:
        LabError: the profile cannot be read.
    """
    file = YamlFile.parse(profile)
    content = file.content if isinstance(file.content, dict) else {}
    if "api" in content:
        own, api = {key: value for key, value in content.items() if key != "api"}, profile.parent / str(content["api"])
    else:
        own, api = content.get("footprint") or {}, profile
    targets = {"base": base, "head": head}
    return {"ready": ready_path, **own, "api": str(api.resolve()), "targets": targets}


def ready_path_of(profile: Path) -> str:
    """Return the path of which a profile says that it answers 200 when a service is ready, or the usual one.

    Raises:
        LabError: the profile cannot be read.
    """
    return str(footprint_file(profile, {}, {}, _READY_PATH)["ready"])


def _problem(said: str) -> str:
    """What a command says was wrong."""
    lines = [line.partition(": ")[2] for line in said.splitlines() if line.startswith("error: ")]
    return (lines or said.splitlines() or ["it does not say why"])[-1]
