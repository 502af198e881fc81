"""`lab gate` on two images: started, compared, and gone afterwards, even after SIGKILL."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest
from serving_lab.stack.engine import docker
from support.services import wait_until

from gate.gated import LAB, PROFILE

SERVER = """
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"prediction": 1.5, "cached": False} | ({"more": 1} if os.environ["NEW"] == "yes" else {}))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
    do_POST = do_GET
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""
DOCKERFILE = """
FROM {base}
ENV NEW={new}
EXPOSE 8000
COPY server.py .
CMD ["python3", "server.py"]
"""


@pytest.fixture(scope="module")
def images(base_images: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """An image, and one that answers with a field more."""
    directory = tmp_path_factory.mktemp("image")
    (directory / "server.py").write_text(SERVER)
    names = []
    for new in ("no", "yes"):
        (directory / "Dockerfile").write_text(DOCKERFILE.format(base=base_images["PYTHON_IMAGE"], new=new))
        names.append(f"gate-test-{uuid4().hex[:8]}:{new}")
        docker("build", "--quiet", "--tag", names[-1], str(directory))
    yield names[0], names[1]
    docker("image", "rm", *names, check=False)


def test_two_images_are_compared_and_weighed_and_no_container_is_left(images: tuple[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        command(tmp_path, images, "--part", "parity", "--part", "footprint"),
        capture_output=True,
        text=True,
        timeout=290,
        check=False,
        cwd=tmp_path,
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("Failed: answers differ: ")
    assert "$.more" in done.stdout.splitlines()[-1]
    assert "footprint: image: ±0%" in done.stdout
    assert containers(images) == []


def test_a_gate_of_images_that_is_killed_leaves_no_container(images: tuple[str, str], tmp_path: Path) -> None:
    with subprocess.Popen(command(tmp_path, images, "--part", "bench"), cwd=tmp_path) as process:
        wait_until(lambda: len(containers(images)) == 2, "both run", seconds=60)
        process.send_signal(signal.SIGKILL)

    wait_until(lambda: containers(images) == [], "no container is left", seconds=60)


def command(directory: Path, images: tuple[str, str], *options: str) -> list[str | os.PathLike[str]]:
    (directory / "profile.yaml").write_text(PROFILE)
    sides = ("--base-image", images[0], "--head-image", images[1])
    return [LAB, "gate", *sides, "--profile", "profile.yaml", "--output", "gate", *options]


def containers(images: tuple[str, str]) -> list[str]:
    """The containers that were made from the images, running or not."""
    filters = [word for image in images for word in ("--filter", f"ancestor={image}")]
    return docker("ps", "--all", "--quiet", *filters).split()
