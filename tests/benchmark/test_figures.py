"""From what wrk prints to the table, and what is no figure."""

import re
import sys
from pathlib import Path

import pytest
from serving_lab.errors import LabError

from benchmark import __main__ as command
from benchmark.generated import told
from benchmark.load import FEATURES, Outcome, Wrk, read, script
from benchmark.servers import Server
from benchmark.table import table
from benchmark.tapped import Found
from benchmark.tapped import table as told_of_taps

PRINTED = """\
Running 3s test @ http://127.0.0.1:5000
  1 threads and 16 connections
  6000 requests in 3.00s, 1.20MB read
{}Requests/sec:   2000.25
Transfer/sec:    409.60KB
"""


def test_the_rate_is_read_from_what_wrk_prints() -> None:
    assert read(PRINTED.format(""), "http://x") == (6000, 2000.25)


@pytest.mark.parametrize(
    "line",
    ["  Non-2xx or 3xx responses: 7\n", "  Socket errors: connect 0, read 3, write 0, timeout 0\n"],
)
def test_answers_that_are_errors_are_no_figure(line: str) -> None:
    with pytest.raises(LabError, match=line.strip()):
        read(PRINTED.format(line), "http://x")


def test_wrk_that_could_not_start_is_no_figure() -> None:
    with pytest.raises(LabError, match="unable to connect"):
        read("unable to connect to 127.0.0.1:1\n", "http://x")


def test_a_ratio_is_of_figures_of_the_same_round() -> None:
    servers = [Server("Flask", "", 1, yardstick="no-op"), Server("no-op", "", 1)]
    rounds = {"Flask": of(1000, 1200, 600), "no-op": of(2000, 2000, 1000)}

    head, service, no_op = table(servers, rounds).splitlines()

    ratio = ["0.60", "0.50 to 0.60"]
    assert re.split(r"  +", head.strip())[:3] == ["requests/s", "of its no-op", "lowest to highest"]
    assert re.split(r"  +", service) == ["Flask", "1,000", *ratio, "2,000", *ratio, "20%"]
    assert re.split(r"  +", no_op) == ["no-op", "2,000", "4,000", "20%"]


def test_parity_and_schemathesis_are_compared_by_rounds() -> None:
    lab, schemathesis, ratio = told([200, 100, 400], [100, 100, 100], generate=1000).splitlines()

    assert "200 generated requests/s" in lab
    assert "(1,000 in 5 s)" in lab
    assert "100 requests/s to one service" in schemathesis
    assert ratio.split(maxsplit=1)[1] == "2.0 (1.0 to 4.0)"


def test_what_a_proxy_adds_is_to_the_direct_way_in_the_same_round() -> None:
    direct, tap = [Found(0.001, None), Found(0.003, None)], [Found(0.0012, 5000.0), Found(0.0033, 4000.0)]

    _, first, second = told_of_taps({"direct": direct, "tap": tap}).splitlines()

    assert first.split() == ["direct", "2.000", "ms"]
    assert second.split() == ["tap", "2.250", "ms", "0.250", "ms", "0.200", "to", "0.300", "ms", "4,500"]


def test_rows_are_drawn_between_the_quantiles_of_the_data() -> None:
    assert "{{19, 30, 36, 41, 47, 50, 53, 57, 60, 65.9, 79}, {1, 1, 1, 1, 1, 1, 2" in script(FEATURES)


def test_without_wrk_it_says_what_installs_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(LabError) as raised:
        Wrk(0)

    assert raised.value.hint is not None
    assert "apt-get install wrk" in raised.value.hint


def test_a_length_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--rounds", "0"])

    with pytest.raises(SystemExit) as ended:
        command.main()

    assert ended.value.code == 2
    assert "expected a whole number from 1 on, got 0" in capsys.readouterr().err


def of(*rates: float) -> list[Outcome]:
    return [Outcome(rate, 2 * rate, 0.2) for rate in rates]
