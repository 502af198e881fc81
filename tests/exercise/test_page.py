"""docs/exercise.md: its tables are what the results in docs/results/ give, and all that it names exists."""

import re

import pytest
import typer
from made.footprint import make_footprint
from made.simulated import BETTER, WORSE, make_refused, of
from serving_lab import cli
from serving_lab.bench.result import BenchResult
from serving_lab.footprint import code
from serving_lab.footprint.result import CodeFacts, FootprintResult
from serving_lab.results import files
from support.checkout import REPOSITORY
from support.services import BASELINE, CATALOGUE

from exercise.drift import drifted, ratios
from exercise.page import PAGE, RESULTS, TABLES, filled, names

TEXT = PAGE.read_text(encoding="utf-8")
CANDIDATE = "fastapi-api"
MOST_DRIFT = 1.25
"""Of what is counted in the code; figures that are measured have a larger one."""


def test_its_tables_are_what_the_results_give() -> None:
    assert sorted(names(TEXT)) == sorted(TABLES)
    assert filled(TEXT) == TEXT, "make exercise fills them"


def test_a_table_that_was_changed_by_hand_is_noticed() -> None:
    first = re.search(r"^\| lines of code \| .*$", TEXT, re.MULTILINE)
    assert first is not None

    changed = TEXT.replace(first[0], first[0].replace("|", "| 1", 1), 1)

    assert filled(changed) == TEXT != changed


@pytest.mark.parametrize("name", [BASELINE, CANDIDATE])
def test_what_it_says_of_the_code_has_not_drifted(name: str) -> None:
    shown = next(each for each in files.read(RESULTS / "footprint.json", FootprintResult).targets if each.name == name)
    form = CATALOGUE.entry(name).code
    assert form is not None
    assert shown.code is not None
    now = code.count(form, CATALOGUE.path.parent, None, type_check=False)

    def counts(facts: CodeFacts) -> dict[str, float]:
        return {"lines": facts.all_lines, "lines that validate": facts.validation_lines or 0}

    assert drifted(counts(shown.code), counts(now), MOST_DRIFT) == []


def test_drift_is_found_by_ratios_and_not_by_the_speed_of_a_machine() -> None:
    better, worse = ratios(of(BETTER), CANDIDATE), ratios(of(WORSE), CANDIDATE)
    slow = [scenario for scenario in of(BETTER).scenarios if scenario.name == "peak"]

    assert drifted(better, better) == []
    assert drifted(better, {**better, "peak/throughput": better["peak/throughput"] * 0.6}) == []
    assert len(slow) == 1
    off = drifted(better, worse)
    assert any(line.startswith("peak/throughput: ") and "make exercise" in line for line in off)
    assert {name.partition("/")[0] for name in ratios(make_refused(), CANDIDATE)} == {"peak"}
    footprint = make_footprint()
    assert drifted(ratios(footprint, CANDIDATE), {"start:ready": 9.0}) == [
        "start:ready: 9.00 now, and the page shows 1.10 (make exercise)"
    ]


def test_the_results_are_of_a_commit_and_measured_the_services_of_the_catalogue() -> None:
    bench = files.read(RESULTS / "bench.json", BenchResult)

    assert [target.name for target in bench.targets] == [BASELINE, CANDIDATE]
    assert {"sequential", "concurrent"} <= {scenario.name for scenario in bench.scenarios}
    assert bench.revision is not None
    assert not bench.partial
    assert sum(path.stat().st_size for path in RESULTS.iterdir()) < 200_000


def test_every_command_exists() -> None:
    quoted = [" ".join(each.split()) for each in re.findall(r"`([^`]+)`", TEXT)]
    targets = re.findall(r"^([a-z][a-z -]*):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    known = {name for target in targets for name in target.split()}
    commands = typer.main.get_command(cli.app)
    assert isinstance(commands, typer.core.TyperGroup)
    made = [found[1] for each in quoted if (found := re.match(r"(?:[A-Z_]+=\S+ )*make (?:-s )?([a-z-]+)", each))]
    run = [found[1] for each in quoted if (found := re.match(r"lab ([a-z]+)", each))]

    assert len(made) > 20
    assert [name for name in made if name not in known] == []
    assert [name for name in run if name not in commands.commands] == []


def test_every_path_exists() -> None:
    linked = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    quoted = re.findall(r"`((?:services|tests|docs|loadtest)/[\w./-]+)`", TEXT)
    tested = re.findall(r"ARGS=(tests/[\w./-]+)", TEXT)
    paths = [PAGE.parent / each for each in linked] + [REPOSITORY / each for each in (*quoted, *tested)]

    assert len(paths) > 30
    assert [str(path) for path in paths if not path.exists()] == []


def test_every_message_of_the_troubleshooting_is_one_that_the_code_gives() -> None:
    _, _, section = TEXT.partition("## Troubleshooting")
    cells = re.findall(r"^\| [^|]+ \| ([^|]+) \|", section, re.MULTILINE)[2:]
    messages = [message for cell in cells for message in re.findall(r"`([^`]+)`", cell) if "make" not in message]
    sources = [*(REPOSITORY / "services").rglob("*.py"), *(REPOSITORY / "loadtest" / "serving_lab").rglob("*.py")]
    code_text = "\n".join(path.read_text(encoding="utf-8") for path in sources)

    assert len(messages) > 10
    assert [message for message in messages if message not in code_text] == []
