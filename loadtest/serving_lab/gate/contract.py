"""Head against the contract: the checkout's own tests of it, run on head's services."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from serving_lab.gate import sides
from serving_lab.gate.budget import Budget, watch
from serving_lab.gate.kept import Keeper
from serving_lab.gate.result import Broken, ContractResult, Missing
from serving_lab.gate.sides import Side
from serving_lab.text.phrases import counted, duration

_TESTS = "tests/contract"
_OPTIONS = (
    # Generated requests, which all services must answer alike: parity sends such, too.
    "--ignore=tests/contract/test_property.py",
    # From so many failures on, the others would not say more.
    "--maxfail=50",
)
_AGAIN = ("--last-failed", "--last-failed-no-failures=none")
_ONCE_SHARE = 0.8
"""Of the time, at most, until what fails is tried again."""
_ENDED = (0, 1)
"""Exit codes of pytest that has run all tests: passed, or some failed."""
_MOST_CHARACTERS = 300


@dataclass(frozen=True)
class Suite:
    """The tests, and the services that they ask."""

    root: Path
    """The checkout that has them."""
    environment: Mapping[str, str]
    """All that they see, such as the credentials."""
    services: Mapping[str, Side]
    """Of head, by name: the baseline, and those that are gated."""
    words: str
    """What stands for them, for people."""

    def install(self, keeper: Keeper, log: Path) -> None:
        """Install what tests need, unless that was done before: beside the checkout's own environment.

        Raises:
            LabError: it cannot be installed.
        """
        command = [sys.executable, str(self.root / "deploy" / "bootstrap.py"), "sync", "--frozen", "--all-packages"]
        environment = {**self.environment, "UV_PROJECT_ENVIRONMENT": str(self._installed)}
        keeper.run([*command, "--all-extras"], environment, self.root, log, hint="or leave the contract out: --part")

    @property
    def _installed(self) -> Path:
        return self.root / "build" / "gate" / "tests"

    def run(
        self, keeper: Keeper, budget: Budget, output: Path, ready_path: str, show: Callable[[str], None]
    ) -> ContractResult | Missing:
        """Run the tests, and those that fail once more, on fresh instances.

        Raises:
            LabError: a service does not start.
        """
        once = budget.left * _ONCE_SHARE
        first = self._run(keeper, once, budget.left - once, output, ready_path, show, "contract", ())
        if isinstance(first, Missing):
            return first
        if not first.failed:
            return ContractResult(tests=first.tests, complete=first.complete, broken=[], once=[])
        show(f"again, on fresh instances: {counted(len(first.failed), 'test')} that failed")
        second = self._run(keeper, budget.left, 0.0, output, ready_path, show, "contract-again", _AGAIN)
        if isinstance(second, Missing):
            return second
        failed = {each.test for each in second.failed}
        return ContractResult(
            tests=first.tests,
            complete=first.complete and second.complete,
            broken=list(second.failed),
            once=[each for each in first.failed if each.test not in failed],
        )

    def _run(
        self,
        keeper: Keeper,
        seconds: float,
        patience: float,
        output: Path,
        ready_path: str,
        show: Callable[[str], None],
        name: str,
        options: Sequence[str],
    ) -> "_Run | Missing":
        """Start the services and run the tests once."""
        report = output / f"{name}.xml"
        report.unlink(missing_ok=True)
        budget = Budget(seconds)
        with sides.running(self.services, keeper, output / "logs", ready_path) as instances:
            targets = " ".join(f"{each}={instance.endpoint.url}" for each, instance in instances.items())
            command = [str(self._installed / "bin" / "python"), "-m", "pytest", _TESTS, "--quiet", *options]
            command += [
                *_OPTIONS,
                f"--junitxml={report.resolve()}",
                f"--override-ini=cache_dir={output.resolve()}/.pytest",
            ]
            # CI=true: what a machine lacks would be a failure, and here it is no fault of the services.
            environment = {**self.environment, "CONTRACT_TARGETS": targets, "CI": ""}
            log = output / "logs" / f"{name}.log"
            kept = keeper.start(command, environment, self.root, log, hint="rm -r build/gate/tests")
            in_time = watch(kept, budget.left, show, patience)
        if not report.exists():
            why = kept.last_words() if in_time else f"it did not end within {duration(seconds)}"
            return Missing(part="contract", why=why)
        return _read(report, complete=kept.poll() in _ENDED)


@dataclass(frozen=True)
class _Run:
    """What one run of the tests found."""

    tests: int
    complete: bool
    failed: Sequence[Broken]


def _read(report: Path, *, complete: bool) -> _Run:
    # A file that pytest just wrote; expat itself refuses entities that grow without bounds.
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))  # noqa: S314
    ended = [case for case in cases if case.find("skipped") is None]
    failed = [
        Broken(test=_name(case), why=_why(problem))
        for case in ended
        if (problem := case.find("failure") if case.find("failure") is not None else case.find("error")) is not None
    ]
    return _Run(len(ended), complete, failed)


def _name(case: ElementTree.Element) -> str:
    module = case.get("classname", "").rpartition(".")[2]
    return ": ".join(filter(None, (module, case.get("name"))))


def _why(problem: ElementTree.Element) -> str:
    return (problem.get("message") or problem.text or "it does not say why").strip().splitlines()[0][:_MOST_CHARACTERS]
