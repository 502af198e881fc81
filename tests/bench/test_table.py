"""What the terminal says of a machine that others use."""

import io

import msgspec
from made.measurement import make_arms, make_bench, make_scenario
from rich.console import Console
from serving_lab.bench.table import print_result

WHY = "other programs kept 1.20 cores busy while the target waited 31% of its time for one: dpkg 0.90"


def test_who_was_busy_is_said_and_what_it_does_to_verdicts() -> None:
    arms = [
        msgspec.structs.replace(arm, taken=0.3, disturbances=[WHY]) if arm.pair <= 6 else arm
        for arm in make_arms(1, {"fastapi/throughput": 1.0})
    ]
    console = Console(file=io.StringIO(), width=400)

    print_result(console, make_bench(make_scenario(arms)), [])

    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "others took up to 18% of the time, so intervals are wider, and P99 is judged without the 12 arms" in said
    assert f"at worst, {WHY}" in said
    p99 = next(each for each in make_scenario(arms).comparisons if each.metric == "p99")
    assert (p99.pairs, p99.taken) == (4, 0.0)
