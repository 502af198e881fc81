"""The drafts can be used as they are: models that check, a description and requests that lab parity takes."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pydantic
import pytest
import yaml
from serving_lab.api.profile_file import read_description
from serving_lab.inventory import draft_models
from serving_lab.inventory.result import Body, Operation, Schema
from support import local_http
from support.checkout import REPOSITORY
from support.command import lab
from support.services import free_port, wait_until

from inventory.looked import SHAPES, Looked, looked

pytestmark = pytest.mark.service

OLD_APP = REPOSITORY / "tests" / "exercise" / "old_app.py"
ENVIRONMENT = {"PATH": os.environ["PATH"], "API_USERNAME": "admin", "API_PASSWORD": "password123"}


@pytest.fixture(scope="module")
def old_app(tmp_path_factory: pytest.TempPathFactory) -> Looked:
    return looked(OLD_APP, tmp_path_factory.mktemp("old"))


def module_of(text: str, path: Path) -> ModuleType:
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text_of(schema: Schema) -> str:
    operations = [Operation(method="POST", path="/a", endpoint="a", body=Body(kind="json", schema=schema))]
    text = draft_models.models(operations, "a service")
    assert text is not None
    return text


def test_the_models_of_every_shape_pass_mypy_strict_and_say_where_they_are_from(tmp_path: Path) -> None:
    paths = []
    for target in ("flaskr", "shop.py", "scorer.py", "tasks.py", "accounts/app.py", "rides.py"):
        folder = tmp_path / target.replace("/", "_")
        folder.mkdir()
        text = looked(SHAPES / target, folder).text("models.py")
        assert "# Draft: what " in text
        path = tmp_path / f"models_of_{Path(target).stem}.py"
        module_of(text, path)
        paths.append(str(path))

    # The cache of `make lint`, which has read Pydantic already.
    settings = ["--config-file", str(REPOSITORY / "pyproject.toml"), "--cache-dir", str(REPOSITORY / ".mypy_cache")]
    # In a process of its own: it raises the limit of recursion of the one that it runs in.
    command = [sys.executable, "-m", "mypy", *settings, "--strict", *paths]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_drafted_model_takes_what_the_old_code_takes(old_app: Looked, tmp_path: Path) -> None:
    text = old_app.text("models.py")
    model = module_of(text, tmp_path / "models.py").PredictRequest

    assert model(features=[1.0] * 10).features == [1.0] * 10
    for bad in ([1.0] * 9, [1.0] * 11, "text", None, ["text"] * 10):
        with pytest.raises(pydantic.ValidationError):
            model(features=bad)
    assert "# is required (exercise/old_app.py:68); is a list (exercise/old_app.py:71)" in text


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"class": {"type": "string"}}, {"class": "a"}, {"class": 1}),
        ({"a-b": {"type": "integer"}, "a_b": {"type": "integer"}}, {"a-b": 1, "a_b": 2}, {"a-b": "x"}),
        ({"1st": {"type": "boolean"}, "": {"type": "string"}}, {"1st": True, "": "a"}, {"1st": "perhaps"}),
        ({"json": {"type": "string"}, "copy": {"type": "string"}}, {"json": "a", "copy": "b"}, {"json": 1}),
        ({"n": {"type": ["integer", "null"], "minimum": 1}}, {"n": None}, {"n": 0}),
        ({"n": {"enum": ["a", 'quo"te', "line\nbreak", 3]}}, {"n": "line\nbreak"}, {"n": "b"}),
        ({"n": {"type": "string", "pattern": "^[A-Z]\\d\"'$"}}, {"n": "A1\"'"}, {"n": "a1"}),
        ({"n": {"type": "string", "pattern": "^(?=a)b"}}, {"n": "anything"}, {"n": 1}),
        ({"n": {"type": "string", "format": "uuid"}}, {"n": "00000000-0000-4000-8000-000000000000"}, {"n": "x"}),
        ({"n": {"type": "array", "items": {"type": "object", "properties": {"m": {"type": "integer"}}}}},
         {"n": [{"m": 1}]}, {"n": [{"m": "x"}]}),
        ({"naïve": {"type": "number"}, "emoji 🎉": {}}, {"naïve": 1.5, "emoji 🎉": object}, {"naïve": "x"}),
        ({"BaseModel": {"type": "integer"}, "Any": {"type": "integer"}}, {"BaseModel": 1, "Any": 2}, {"Any": "x"}),
    ],
)  # fmt: skip
def test_any_field_becomes_one_that_python_and_mypy_take(
    tmp_path: Path, schema: dict[str, Any], good: dict[str, Any], bad: dict[str, Any]
) -> None:
    text = text_of({"type": "object", "properties": schema, "required": list(schema)})

    model = module_of(text, tmp_path / "models.py").ARequest

    model(**good)
    with pytest.raises(pydantic.ValidationError):
        model(**good | bad)


def test_the_description_is_one_that_every_command_reads(old_app: Looked) -> None:
    description = read_description(old_app.folder / "api.yaml", ENVIRONMENT)

    assert description.sign_in is not None
    assert set(description.requests) == {"batch_predict", "health", "model_info", "predict"}


def test_the_corpus_breaks_each_rule_once(old_app: Looked) -> None:
    names = [each["name"] for each in yaml.safe_load(old_app.text("corpus.yaml"))["requests"]]

    assert len(names) == len(set(names))
    assert {
        "POST /predict: as drafted",
        "POST /predict: nobody is signed in",
        "POST /predict: features is missing",
        "POST /predict: features has 9 items",
        "POST /predict: features has 11 items",
        "POST /predict: features[] is of another type",
        "POST /batch-predict: samples has 101 items",
        "POST /predict: broken JSON",
    } <= set(names)


def test_drafts_that_exist_are_kept_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "models.py").write_text("mine", encoding="utf-8")

    refused = lab("inventory", OLD_APP, "--output", tmp_path)

    assert (refused.returncode, refused.stdout) == (2, "")
    assert "models.py exists, and is not overwritten\n hint: --force" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["models.py"]
    assert (tmp_path / "models.py").read_text(encoding="utf-8") == "mine"
    assert lab("inventory", OLD_APP, "--output", tmp_path, "--force").returncode == 0
    assert "PredictRequest" in (tmp_path / "models.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def two_old_apps() -> Iterator[list[str]]:
    ports = free_port(), free_port()
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--worker-class=gthread", "--threads=8"]
    running = [
        subprocess.Popen(
            [*command, f"--bind=127.0.0.1:{port}", "--log-level=critical", "exercise.old_app:app"],
            cwd=REPOSITORY / "tests",
            stderr=subprocess.DEVNULL,
        )
        for port in ports
    ]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    try:
        for url in urls:
            wait_until(lambda url=url: answers(url), f"the app at {url}", seconds=60)  # type: ignore[misc]
        yield urls
    finally:
        for process in running:
            process.terminate()
            process.wait()


def answers(url: str) -> bool:
    try:
        return local_http.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False


def test_lab_parity_takes_the_drafts_and_finds_the_old_app_like_itself(
    old_app: Looked, two_old_apps: list[str], tmp_path: Path
) -> None:
    sides = ("--primary", two_old_apps[0], "--candidate", two_old_apps[1])
    options = ("--profile", old_app.folder / "api.yaml", "--generate", "30")

    done = lab("parity", *sides, *options, cwd=tmp_path, environment=ENVIRONMENT)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Same: no undeclared difference" in done.stdout
    assert "from the corpus" in done.stdout
