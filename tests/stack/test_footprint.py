"""In containers, too: our services with their images, and any image that somebody names."""

import io
import os
import random
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from footprint.files import write
from rich.console import Console
from serving_lab.footprint import command
from serving_lab.footprint.command import FootprintOptions
from serving_lab.footprint.measurement import FootprintPlan
from serving_lab.footprint.result import FootprintResult
from serving_lab.footprint.subjects import Lab
from serving_lab.results import files
from serving_lab.stack.base import Mode
from serving_lab.stack.environment import Settings
from support.services import CATALOGUE, PASSWORD, SECRET_KEY
from support.stack import SERVICES, Stack, docker_json, run

pytestmark = pytest.mark.stack

RUNNING = tuple(entry.name for entry in CATALOGUE.running({}).entries)
SLEEP_SECONDS = 1.0
BALLAST_BYTES = 40_000_000
SPIN_SECONDS = 0.005
NOISE = random.Random(2).randbytes(1_500_000)  # noqa: S311 - what cannot be packed
SERVICE = Path(__file__).parents[1] / "footprint" / "service.py"
DOCKERFILE = f"""\
ARG BASE
FROM $BASE
COPY noise service.py /
ENV HOST=0.0.0.0 PORT=8080 SLEEP={SLEEP_SECONDS}
LABEL lab.test=footprint
CMD ["python3", "/service.py"]
"""


@pytest.fixture(scope="module")
def image(base_images: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image of the small service that starts slowly, with a layer whose size is known."""
    base = base_images["PYTHON_IMAGE"]
    context = tmp_path_factory.mktemp("image")
    (context / "Dockerfile").write_text(DOCKERFILE)
    (context / "noise").write_bytes(NOISE)
    (context / "service.py").write_bytes(SERVICE.read_bytes())
    name = f"lab-footprint-test-{os.getpid()}"
    run(["docker", "build", "--quiet", "--build-arg", f"BASE={base}", "--tag", name, str(context)], seconds=120)
    yield name
    run(["docker", "image", "rm", "--force", name])


def lab(*arguments: str, folder: Path) -> FootprintResult:
    """Run the command as a person does, and return its result."""
    program = str(Path(sys.executable).parent / "lab")
    measured = run([program, "footprint", *arguments, "--output", str(folder)], check=False, seconds=120)
    assert measured.returncode == 0, measured.stdout + measured.stderr
    return files.read(folder / "footprint.json", FootprintResult)


def test_any_image_is_weighed_and_its_slow_start_found(
    base_images: Mapping[str, str], image: str, tmp_path: Path
) -> None:
    base = base_images["PYTHON_IMAGE"]

    named = ("--image", f"mine={image}", "--base", base, "--port", "8080")
    result = lab(*named, "--starts", "1", folder=tmp_path)

    (target,) = result.targets
    assert target.image is not None
    assert target.start_up is not None
    weighed = target.image
    added = len(NOISE) + SERVICE.stat().st_size
    assert weighed.base == base
    assert weighed.over_base_bytes == pytest.approx(added, rel=0.01)
    assert weighed.compressed_over_base_bytes == pytest.approx(added, rel=0.01)
    assert weighed.total_bytes == docker_json("image", "inspect", image)["Size"]
    assert sum(layer.size_bytes for layer in weighed.layers) == pytest.approx(weighed.total_bytes, rel=0.01)
    assert len(NOISE) < weighed.compressed_bytes < weighed.total_bytes
    own = [layer for layer in weighed.layers if not layer.of_base]
    assert [layer.created_by.split()[0] for layer in own] == ["COPY"]
    assert target.start_up.milestones["ready"].lowest > SLEEP_SECONDS
    assert "answered" not in target.start_up.milestones
    assert _left() == []


def test_a_container_without_metrics_is_read_from_outside(image: str, tmp_path: Path) -> None:
    settings = {"SLEEP": "0", "BALLAST": str(BALLAST_BYTES), "SPIN": str(SPIN_SECONDS)}
    path = write(tmp_path, {"mine": {"image": image, "port": 8080, "environment": settings}})

    result = lab("--profile", str(path), "--starts", "0", "--rounds", "1", "--seconds", "2", folder=tmp_path)

    (round_,) = result.targets[0].rounds
    # Where the engine runs elsewhere its own figures are all there is.
    assert round_.source.startswith(("the host's control groups", "docker stats"))
    assert (round_.wrong, round_.settled) == ({}, True)
    assert round_.idle_cgroup_bytes is not None
    assert BALLAST_BYTES < round_.idle_cgroup_bytes < 5 * BALLAST_BYTES
    if "processes" in round_.source:
        assert BALLAST_BYTES < (round_.idle_pss_bytes or BALLAST_BYTES + 1) < 5 * BALLAST_BYTES
        assert round_.cpu_seconds_per_1000 is not None
        assert SPIN_SECONDS < round_.cpu_seconds_per_1000 / 1000 < 3 * SPIN_SECONDS
    assert _left() == []


def test_an_image_on_another_base_is_refused(base_images: Mapping[str, str], image: str, tmp_path: Path) -> None:
    program = str(Path(sys.executable).parent / "lab")
    named = ("--image", f"mine={base_images['PYTHON_IMAGE']}", "--base", image)

    refused = run([program, "footprint", *named, "--output", str(tmp_path)], check=False)

    assert refused.returncode == 2
    assert "is not made from" in refused.stderr


@pytest.mark.usefixtures("engine")
def test_an_image_that_is_not_there_is_told(tmp_path: Path) -> None:
    program = str(Path(sys.executable).parent / "lab")

    refused = run([program, "footprint", "--image", "a=no.such/image:1", "--output", str(tmp_path)], check=False)

    assert refused.returncode == 2
    assert "the engine has no image no.such/image:1" in refused.stderr


def test_our_services_are_measured_beside_the_running_ones(stack: Stack, tmp_path: Path) -> None:
    # Of all services those without a profile: what is measured of another one takes the same way.
    settings = Settings.load(stack.project, {**os.environ, **stack.settings, "COMPOSE_PROFILES": ""})
    before = [stack.container(service) for service in SERVICES]
    plan = FootprintPlan(starts=1, rounds=1, seconds=2.0, seed=0, type_check=False)
    options = FootprintOptions(
        profile=stack.project.footprint_file,
        images=(),
        base=None,
        port=None,
        ready_path="/ready",
        plan=plan,
        output=tmp_path,
    )
    output = Console(file=io.StringIO(), width=140)

    code = command.footprint(options, Lab(stack.project, settings, Mode.CONTAINERS), settings.environment, output)

    assert code == 0
    written = (tmp_path / "footprint.json").read_text()
    assert not [secret for secret in (SECRET_KEY, PASSWORD) if secret in written]
    result = files.read(tmp_path / "footprint.json", FootprintResult)
    assert (result.mode, [each.name for each in result.targets]) == ("containers", list(RUNNING))
    workers = int(stack.settings["WORKERS"])
    for target in result.targets:
        image = stack.image(target.name)
        assert target.image is not None
        assert target.start_up is not None
        assert (target.image.id, target.image.total_bytes) == (image["Id"], image["Size"])
        assert target.image.base == stack.settings["PYTHON_IMAGE"]
        assert 0 < (target.image.over_base_bytes or 0) < target.image.total_bytes
        assert all(0 < start.seconds["ready"] < start.seconds["answered"] < 60 for start in target.start_up.starts)
        (round_,) = target.rounds
        assert (round_.workers, round_.wrong, round_.source) == (workers, {}, "its own metrics")
        assert round_.answered > 100
        for size in (round_.idle_cgroup_bytes, round_.idle_pss_bytes, round_.peak_cgroup_bytes, round_.peak_pss_bytes):
            assert size is not None
            assert 20e6 < size < 500e6
        assert 0 < (round_.cpu_seconds_per_1000 or 0) < 60
    assert [stack.container(service) for service in SERVICES] == before
    assert _left() == []


def _left() -> list[str]:
    """Return the containers and networks that a measurement left behind."""
    kinds = (["docker", "ps", "--all"], ["docker", "network", "ls"])
    named = ("--filter", "name=^/?lab-footprint-[0-9]", "--quiet")
    return [line for kind in kinds for line in run([*kind, *named]).stdout.split()]
