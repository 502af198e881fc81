"""What a request costs the generator, against wrk and Locust in the same run: requests for each second of CPU time.

Needs wrk (apt-get install wrk). Every round loads a bare ASGI application under uvicorn, on its own processor, from
16 connections on another one. wrk sends the same bytes again and again and looks at nothing; with a script it draws
bodies and looks for a number and a false in each answer, as the lab does, though without reading it as JSON.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
from serving_lab.experiment.arms import Load
from serving_lab.generator.messages import Closed
from support import local_http
from support.services import free_port, wait_until

from selftest.proof import GENERATOR, SERVER, bench, generator

ROUNDS, SECONDS, CONNECTIONS = 5, 5, 16
ANSWER = '{"prediction":1.5,"cached":false}'
APPLICATION = f"""
BODY = b'{ANSWER}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"{len(ANSWER)}")]
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({{"type": "http.response.start", "status": 200, "headers": HEADERS}})
    await send({{"type": "http.response.body", "body": BODY}})
"""
SAME_BYTES = """
wrk.method, wrk.body, wrk.headers["Content-Type"] = "POST", '{"features": [5.25]}', "application/json"
"""
DRAWN_AND_CHECKED = """
wrk.headers["Content-Type"] = "application/json"
function request() return wrk.format("POST", "/", nil, string.format('{"features": [%.2f]}', math.random() * 10)) end
local wrong = 0
function response(status, headers, body)
    local number = tonumber(body:match('"prediction":([^,}]+)'))
    if status ~= 200 or not number or not body:find('"cached":false', 1, true) then wrong = wrong + 1 end
end
"""
LOCUSTFILE = """
import random
from locust import FastHttpUser, constant, task
class User(FastHttpUser):
    wait_time = constant(0)
    @task
    def predict(self):
        with self.client.post("/", json={"features": [round(random.random() * 10, 2)]}, catch_response=True) as answer:
            if answer.json()["prediction"] != 1.5:
                answer.failure("wrong")
"""


def main() -> None:
    """Print a table of the rounds."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install wrk")
    with tempfile.TemporaryDirectory() as directory, server(Path(directory)) as url:
        ways: dict[str, Callable[[], float]] = {
            "lab": lambda: of_lab(url),
            "wrk, the same bytes": lambda: of_wrk(Path(directory), url, SAME_BYTES),
            "wrk, drawn and checked": lambda: of_wrk(Path(directory), url, DRAWN_AND_CHECKED),
            "Locust": lambda: of_locust(Path(directory), url),
        }
        rounds = [{name: way() for name, way in ways.items()} for _ in range(ROUNDS)]
    for name in ways:
        found = [each[name] for each in rounds]
        ratios = [each["lab"] / each[name] for each in rounds]
        figures = " ".join(f"{each:9,.0f}" for each in found), " ".join(f"{each:.2f}" for each in ratios)
        print(f"{name:24} {figures[0]}   lab / it {figures[1]}")  # noqa: T201 - that is its purpose


@contextlib.contextmanager
def server(directory: Path) -> Iterator[str]:
    (directory / "bare.py").write_text(APPLICATION)
    port = free_port()
    command = ["taskset", "--cpu-list", str(SERVER), sys.executable, "-m", "uvicorn", "bare:app", "--port", str(port)]
    quiet = ("--no-access-log", "--log-level", "warning")
    with subprocess.Popen([*command, *quiet], cwd=directory) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: answers(url), "the bare application")
            yield url
        finally:
            process.terminate()


def answers(url: str) -> bool:
    try:
        return local_http.get(url).status_code == 200
    except httpx.TransportError:
        return False


def of_lab(url: str) -> float:
    with generator() as fleet:
        measuring = bench(fleet, url)
        outcome = measuring.send(
            measuring.targets[0], Load({"predict": 1}, CONNECTIONS, Closed()), seed=1, seconds=SECONDS
        )
        assert not outcome.wrong
        return outcome.answered.size / outcome.seconds / outcome.cpu_share


def of_wrk(directory: Path, url: str, script: str) -> float:
    path = directory / "script.lua"
    path.write_text(script)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(path), url]
    said, cpu_seconds = timed(command, directory)
    found = re.search(r"(\d+) requests in", said)
    assert found, said
    return int(found[1]) / cpu_seconds


def of_locust(directory: Path, url: str) -> float:
    (directory / "locustfile.py").write_text(LOCUSTFILE)
    options = (
        "--headless",
        "-u",
        str(CONNECTIONS),
        "-r",
        str(CONNECTIONS),
        "-t",
        f"{SECONDS}s",
        "--json",
        "--host",
        url,
    )
    said, cpu_seconds = timed([str(Path(sys.executable).parent / "locust"), *options], directory)
    (row,) = json.loads(said)
    assert not row["num_failures"], said
    # Starting Python and gevent is not what a request costs.
    return float(row["num_requests"]) / (cpu_seconds - starting_seconds(directory))


def starting_seconds(directory: Path) -> float:
    return timed([str(Path(sys.executable).parent / "locust"), "--version"], directory)[1]


def timed(command: list[str], directory: Path) -> tuple[str, float]:
    """Run a command on the generator's processor; return what it printed and the CPU time it took (s)."""
    output = directory / "output"
    with output.open("w") as stream:
        process = subprocess.Popen(
            ["taskset", "--cpu-list", str(GENERATOR), *command], cwd=directory, stdout=stream, stderr=subprocess.DEVNULL
        )
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    return output.read_text(), used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
