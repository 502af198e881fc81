"""Live traffic: docs/guide.md, followed as it stands there from the tap to the measurement."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from serving_lab.bench.result import BenchResult
from serving_lab.results import files
from serving_lab.tap.replay.result import ReplayResult
from support import local_http
from support.guide import GUIDE, ShopReader
from support.services import free_port, wait_until

pytestmark = pytest.mark.service


def test_traffic_is_recorded_sent_again_compared_and_measured(tmp_path: Path) -> None:
    reader, results = ShopReader(tmp_path), tmp_path / "results"
    reader.ports["8092"] = str(free_port())
    reader.save("shop.yaml", GUIDE.block("yaml", "sign_in:"))
    command = reader.here(GUIDE.command("lab tap"))

    with reader.shop("5001", "old"), reader.shop("5002", "new"):
        environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        with subprocess.Popen(["sh", "-c", f"exec {command}"], cwd=tmp_path, env=environment) as tap:
            url = f"http://127.0.0.1:{reader.ports['8092']}"
            wait_until((tmp_path / "live.tap").exists, "the tap records")
            wait_until(lambda: _answers(url), "the tap passes on")
            with local_http.client(base_url=url) as client:
                token = client.post("/login", json={"password": "let me in"}).json()["token"]
                for price in range(1, 11):
                    ordered = client.post("/orders", json={"item": "apple", "price": price}, headers={"X-Token": token})
                    assert ordered.status_code == 201
                assert client.get("/orders", headers={"X-Token": token}).status_code == 200
            tap.send_signal(signal.SIGINT)
        assert tap.returncode == 0
        recording = (tmp_path / "live.tap").read_bytes()
        assert token.encode() not in recording
        assert b"let me in" not in recording

        replayed, said = reader.run(GUIDE.command("lab replay live.tap --to"))
        assert replayed == 0, said
        assert files.read(results / "replay.json", ReplayResult).differing == []

        compared, said = reader.run(f"{GUIDE.command('lab parity', '--tap live.tap')} --generate 0")
        assert (compared, "int against float" in said) == (1, True), said

        fitted, said = reader.run(GUIDE.command("lab replay live.tap --profile"))
        assert fitted == 0, said
        measured, said = reader.run(f"{GUIDE.command('lab bench', '--profile live.yaml')} --pairs 3 --seconds 1")
        assert measured in {0, 2}, said
    (scenario,) = files.read(results / "bench.json", BenchResult).scenarios
    assert scenario.arms, said
    assert all(arm.answered and not arm.wrong for arm in scenario.arms), said


def _answers(url: str) -> bool:
    try:
        return local_http.get(f"{url}/time").status_code == 200
    except httpx.TransportError:
        return False
