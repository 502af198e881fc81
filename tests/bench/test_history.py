"""Over many results, the commit at which a metric moved is named with what else changed there."""

import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from made.measurement import MACHINE, make_arms, make_bench, make_condition, make_conditions, make_scenario
from rich.console import Console
from serving_lab.bench.compare_table import print_history
from serving_lab.bench.history import HistoryResult, MetricSeries, Move, history, read
from serving_lab.bench.result import BenchResult
from serving_lab.errors import LabError
from serving_lab.results import files
from support.command import lab

RATIO = "fastapi / flask"
FIRST = datetime(2026, 11, 1, 8, tzinfo=UTC)


def run(
    number: int, factors: Mapping[str, float] | None = None, machine: float = 1.0, **changes: object
) -> BenchResult:
    """Return the result of the commit of that number."""
    scenario = make_scenario(make_arms(number, factors or {}, machine=machine))
    started = (FIRST + timedelta(days=number)).isoformat()
    return msgspec.structs.replace(make_bench(scenario), started=started, revision=commit(number), **changes)


def commit(number: int) -> str:
    return f"{number:02d}" * 20


def runs(length: int = 24, slower_from: int = 12, factors: Mapping[str, float] | None = None) -> list[BenchResult]:
    return [run(number, factors if number >= slower_from else None) for number in range(length)]


def moves(found: HistoryResult) -> dict[str, list[Move]]:
    return {f"{each.metric} {each.target}": each.moves for each in found.series if each.moves}


def the(found: HistoryResult, target: str, metric: str) -> MetricSeries:
    (one,) = (each for each in found.series if (each.target, each.metric) == (target, metric))
    return one


def printed(found: HistoryResult, width: int = 160) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    print_history(console, found)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_commit_at_which_a_target_became_slower_is_found_with_its_size() -> None:
    found = history(runs(factors={"fastapi/p99": 1.1}))

    assert moves(found).keys() == {"p99 fastapi", f"p99 {RATIO}"}
    (move,) = moves(found)["p99 fastapi"]
    assert (move.direction, move.previous, move.commit) == ("slower", commit(11), commit(12))
    assert move.low is not None
    assert move.high is not None
    assert move.low < 1.1 < move.high
    assert move.chance < 0.05
    assert (move.causes, move.nearby) == ([], [])


def test_more_throughput_is_a_move_to_faster() -> None:
    found = history(runs(factors={"throughput": 1.1}), target="flask")

    assert [move.direction for move in moves(found)["throughput flask"]] == ["faster"]


def test_where_nothing_moved_nothing_is_found_and_the_noise_is_said() -> None:
    found = history(runs())

    assert moves(found) == {}
    assert "No series moved." in printed(found)
    assert "Looked at 12 series of up to 24 results" in printed(found)
    # Ten arms of 2% noise each.
    assert the(found, "flask", "p99").noise == pytest.approx(0.02 / 10**0.5, rel=0.4)


def test_another_machine_moves_values_but_not_ratios_and_is_named_as_the_cause() -> None:
    elsewhere = msgspec.structs.replace(MACHINE, processor="Another processor")
    results = runs(12)
    results += [msgspec.structs.replace(run(number, machine=1.5), machine=elsewhere) for number in range(12, 24)]

    found = history(results)

    assert not any(RATIO in name for name in moves(found))
    assert len(moves(found)) == 8
    assert all(
        move.causes == ["processor: AMD EPYC 7B13 -> Another processor"]
        for moved in moves(found).values()
        for move in moved
    )
    assert (
        f"steady/p99 flask at {commit(12)[:12]}: likely the cause, rather than the code: "
        "processor: AMD EPYC 7B13 -> Another processor" in printed(found)
    )


def test_a_condition_that_changed_one_result_off_is_named_as_near() -> None:
    results = runs(factors={"fastapi/p99": 1.2})
    other = [make_condition("Model", "2 def", "2 def"), *(each for each in make_conditions() if each.name != "Model")]
    results[11:] = [msgspec.structs.replace(each, conditions=other) for each in results[11:]]

    (move,) = moves(history(results, target="fastapi"))["p99 fastapi"]

    assert move.commit == commit(12)
    assert (move.causes, move.nearby) == ([], ["Model: flask 1 abc -> 2 def, fastapi 1 abc -> 2 def"])


def test_a_drift_is_told_without_a_commit() -> None:
    found = history([run(number, {"fastapi/p99": 1 + 0.01 * number}) for number in range(24)], target="fastapi")

    assert the(found, "fastapi", "p99").moves == []
    assert the(found, "fastapi", "p99").drift == pytest.approx(0.23, abs=0.05)
    assert re.search(r"steady/p99 fastapi drifted by \+2\d\.\d% over 24 results: no commit stands out", printed(found))


def test_the_same_commit_on_both_sides_is_not_blamed() -> None:
    results = [msgspec.structs.replace(each, revision=commit(7)) for each in runs(factors={"fastapi/p99": 1.2})]

    assert "the same commit before and after, so not the code" in printed(history(results, target="fastapi"))


def test_results_without_a_commit_are_told_by_their_time_with_the_reason() -> None:
    results = [
        msgspec.structs.replace(each, revision=None, revision_unknown="no git checkout")
        for each in runs(factors={"fastapi/p99": 1.2})
    ]

    found = history(results, target="fastapi")

    assert the(found, "fastapi", "p99").moves[0].commit.endswith(" UTC")
    assert f"commit of {len(results)} results unknown: no git checkout" in printed(found)
    assert "the same commit" not in printed(found)


def test_too_few_results_are_said_to_be_too_few_and_how_many_it_takes() -> None:
    found = history(runs(6, 3, {"p99": 1.5}))
    one = history(runs(8, 4, {"p99": 1.5}), target="flask", metric="p99")

    assert moves(found) == {}
    assert "Nothing could have been found: 12 results are needed to look at 12 series at once, and there are 6." in (
        printed(found)
    )
    assert (found.needed, one.needed) == (12, 8)
    assert moves(one).keys() == {"p99 flask"}


def test_one_wild_result_is_no_move() -> None:
    results = runs()
    results[15] = run(15, {"p99": 2.0, "p50": 2.0})

    assert moves(history(results)) == {}


def test_a_refused_scenario_is_left_out_and_named() -> None:
    results = runs(factors={"fastapi/p99": 1.2})
    results[3] = msgspec.structs.replace(results[3], scenarios=[make_scenario([], refused=["no steady state"])])

    found = history(results)

    assert found.left_out == [f"steady of {commit(3)}: no steady state"]
    assert len(the(found, "fastapi", "p99").values) == 23
    assert [move.commit for move in moves(found)["p99 fastapi"]] == [commit(12)]


def test_where_all_is_refused_it_says_why() -> None:
    result = run(0)
    refused = [msgspec.structs.replace(each, refused=["no steady state"]) for each in result.scenarios]

    with pytest.raises(LabError, match=f"nothing to look at: steady of {commit(0)}: no steady state"):
        history([msgspec.structs.replace(result, scenarios=refused)])


def test_only_what_was_asked_for_is_looked_at() -> None:
    results = runs(8)

    assert len(history(results).series) == 12
    assert {each.target for each in history(results, target=RATIO).series} == {RATIO}
    assert {each.metric for each in history(results, metric="p50").series} == {"p50"}
    with pytest.raises(LabError, match="there are scenarios: steady; targets: flask, fastapi, fastapi / flask"):
        history(results, target="django")


@pytest.mark.parametrize("order", [1, -1])
def test_results_are_read_from_files_and_directories_in_order_of_time_each_once(tmp_path: Path, order: int) -> None:
    for number in range(4):
        files.write(tmp_path / f"{order * number + 5}.json", run(number))
    (tmp_path / "notes.txt").write_text("no result")

    found = read([tmp_path, tmp_path / "5.json"])

    assert [each.revision for each in found] == [commit(number) for number in range(4)]


def test_times_of_other_zones_are_put_in_order(tmp_path: Path) -> None:
    for name, started in (("a", "2026-11-01T09:00:00+02:00"), ("b", "2026-11-01T08:00:00+00:00")):
        files.write(tmp_path / f"{name}.json", msgspec.structs.replace(run(1), started=started, revision=name))

    assert [each.revision for each in read([tmp_path])] == ["a", "b"]


def test_a_file_that_is_no_result_or_a_directory_without_any_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no results in"):
        read([tmp_path])
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(LabError, match="is not a result of lab bench"):
        read([tmp_path])


def test_the_command_shows_moves_and_writes_what_it_found(tmp_path: Path) -> None:
    kept = tmp_path / "results" / "history"
    for number, result in enumerate(runs(factors={"fastapi/p99": 1.2})):
        files.write(kept / f"{number}.json", result)

    ended = lab("history", "--json", "found.json", "--scenario", "steady", cwd=tmp_path)

    assert ended.returncode == 0, ended.stderr
    text = " ".join(ended.stdout.split())
    assert f"{commit(12)[:12]} {commit(11)[:12]}" in text
    assert re.search(r"steady/p99 fastapi slower \+(19|20|21)\.\d%", text)
    written = files.read(tmp_path / "found.json", HistoryResult)
    assert moves(written)["p99 fastapi"][0].commit == commit(12)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "no results in results/history"),
        (("absent.json",), "absent.json: No such file or directory"),
    ],
)
def test_a_history_that_is_not_there_is_one_line_and_exit_code_2(
    tmp_path: Path, arguments: Sequence[str], complaint: str
) -> None:
    ended = lab("history", *arguments, cwd=tmp_path)

    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert "Traceback" not in ended.stderr
