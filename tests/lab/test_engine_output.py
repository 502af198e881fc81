"""What engines print, in the form of each, taken from real ones."""

import json

import pytest
from serving_lab.errors import LabError
from serving_lab.stack import engine_output
from serving_lab.stack.compose import Container

LABELS = (
    "com.docker.compose.container-number=2,com.docker.compose.project.working_dir=/srv/a,b/lab,org.example.title=x,"
    "com.docker.compose.project=serving-lab"
)
CONTAINER = {"ID": "33764e601d38", "Service": "locust-worker", "State": "running", "Health": "healthy"}
LINE = json.dumps({**CONTAINER, "Labels": LABELS})


@pytest.mark.parametrize(
    "said",
    [
        f"{LINE}\n",
        f"[{LINE}]",
        f'time="2026-11-29" level=warning msg="[x] is not set"\nEmulating another command line\n{LINE}\n',
        f"[]\n[\n  {LINE}\n]\n",
    ],
    ids=["a line each", "an array", "after other words", "over several lines"],
)
def test_containers_are_read_in_whatever_form(said: str) -> None:
    (container,) = map(Container.read, engine_output.objects(said, "docker compose ps"))

    assert container == Container("33764e601d38", "locust-worker", 2, "running", True, "/srv/a,b/lab", "serving-lab")


def test_nothing_is_no_container() -> None:
    assert engine_output.objects("\n", "docker compose ps") == engine_output.objects("[]\n", "docker compose ps") == []


@pytest.mark.parametrize("said", ["unknown flag: --format\nSee help", "{not json", "[1, 2]"])
def test_what_is_no_json_is_named_with_its_command(said: str) -> None:
    with pytest.raises(LabError, match="docker compose ps does not print JSON but"):
        engine_output.objects(said, "docker compose ps")


def test_one_object_must_be_one() -> None:
    with pytest.raises(LabError, match="docker info prints 2 JSON objects, not one"):
        engine_output.the_object("{}\n{}", "docker info")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("403.1MB", 403_100_000),
        ("1.5GiB", 3 << 29),
        ("12.5MiB", 13_107_200),
        ("3.4kB", 3_400),
        ("3KiB", 3_072),
        ("0B", 0),
        ("37736448", 37_736_448),
        ("1.2e+03MB", 1_200_000_000),
        ("--", None),
        ("", None),
        ("many", None),
    ],
)
def test_sizes_of_each_engine(text: str, expected: int | None) -> None:
    assert engine_output.size_bytes(text) == expected


def test_memory_of_what_runs() -> None:
    said = "b1fc2377503b 403.1MB / 25.28GB\n7f1c2377503b99 1.5GiB / 2GiB\n0a0a0a0a0a0a -- / --\n\nsomething else\n"

    assert engine_output.used_memory(said) == {"b1fc2377503b": 403_100_000, "7f1c2377503b": 3 << 29}


@pytest.mark.parametrize(
    "labels", [LABELS, {"com.docker.compose.container-number": "2", "org.example.title": "x"}], ids=["text", "mapping"]
)
def test_a_label(labels: str | dict[str, str]) -> None:
    assert engine_output.label(labels, "com.docker.compose.container-number") == "2"
    assert engine_output.label(labels, "org.example.title") == "x"
    assert engine_output.label(labels, "title") is None
