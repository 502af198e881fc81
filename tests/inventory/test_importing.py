"""An application is imported in a process of its own: whatever it does there, the command says what it means."""

import ast
import sys
import textwrap
from pathlib import Path

import pytest
from serving_lab.inventory import probe
from support.command import lab

from inventory.looked import SHAPES, looked

pytestmark = pytest.mark.service

APP = "from flask import Flask\napp = Flask(__name__)\n@app.get('/a')\ndef a():\n    return {'a': 1}\n"


def written(folder: Path, text: str, name: str = "service.py") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(text), encoding="utf-8", errors="surrogateescape")
    return path


def test_a_server_that_starts_at_import_is_stopped_and_what_stood_before_it_is_read(tmp_path: Path) -> None:
    found = looked(SHAPES / "serves_at_import.py", tmp_path)

    assert [each.label for each in found.result.operations] == ["GET /here"]
    assert [each.kind for each in found.result.findings] == ["server"]
    assert "more noise" not in found.said


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ("app.run()\n", None),
        ("import sys\nsys.exit(3)\n", "it calls sys.exit(3) when it is imported"),
        ("import time\ntime.sleep(60)\n", "it did not end within 8 s"),
        ("import time\nwhile True:\n    try:\n        time.sleep(60)\n    except Exception:\n        pass\n", "8 s"),
        ("import os, sys\nos.close(0); os.close(1); os.close(2); sys.stdout = sys.stderr = None\n", None),
        ("import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n", None),
        ("import subprocess\nsubprocess.Popen(['sleep', '60'])\n", None),
        ("import atexit, time\natexit.register(time.sleep, 60)\n", None),
    ],
)  # fmt: skip
def test_whatever_stands_after_the_application_it_is_read(tmp_path: Path, after: str, told: str | None) -> None:
    path = written(tmp_path, APP + after)

    # Long enough for an import of Flask on a busy machine.
    found = looked(path, tmp_path, "--timeout", "8" if "time.sleep(60)\n" in after else "60")

    assert found.result.how == "import", found.result.unread
    assert [each.label for each in found.result.operations] == ["GET /a"]
    assert told is None or any(told in each for each in found.result.unread)


@pytest.mark.parametrize(
    ("before", "told", "hint"),
    [
        ("import no_such_package\n", "no_such_package, which it imports, is not installed in ", "--python PATH"),
        (
            "import os\nos.environ['NO_SUCH_URL']\n",
            "KeyError: 'NO_SUCH_URL' (service.py:2)",
            "set NO_SUCH_URL in the env",
        ),
        ("raise RuntimeError('no license')\n", "RuntimeError: no license (service.py:1)", "lab inventory runs what"),
        ("import os\nos.kill(os.getpid(), 9)\n", "the interpreter ended (signal 9) without an answer", ""),
        ("import os\nprint('goodbye', flush=True)\nos._exit(4)\n", "(exit code 4) without an answer: goodbye", ""),
    ],
)
def test_what_cannot_be_imported_is_read_from_its_source_with_the_reason(
    tmp_path: Path, before: str, told: str, hint: str
) -> None:
    found = looked(written(tmp_path, before + APP), tmp_path)

    assert (found.result.how, [each.label for each in found.result.operations]) == ("source", ["GET /a"])
    assert told in found.result.unread[0]
    assert hint in found.result.unread[0]


@pytest.mark.parametrize(
    ("text", "target", "problem", "hint"),
    [
        ("def create_app(config):\n    pass\n", "service.py", "create_app needs arguments (config)", "wsgi.py"),
        ("x = 1\n", "service.py", "service has no application that is known", "service.py:NAME"),
        ("x = (\n", "service.py", "SyntaxError", "lab inventory runs"),
        ("from flask import Flask\none = Flask('a')\ntwo = Flask('b')\n", "service.py", "one, two", "service.py:NAME"),
        (APP, "service.py:application", "service has no application", "service.py:app"),
        (APP, "nothing.py", "there is no such file, folder or module", "package.module:app"),
        (APP, "no.such.module:app", "there is no module no.such.module", "run it where its imports begin"),
        (APP, "service.py --python nothing", "--python nothing: there is no such program", "venv/bin/python"),
        (APP, "", "the target is empty", "a folder with an app"),
        (APP, "json:loads", "no route was found", "package.module:app"),
        ("\udcff", "service.py", "its import raises SyntaxError", ""),
        (APP, "empty", "empty has no Python file that makes an application", "empty/FILE.py:NAME"),
    ],
)
def test_what_is_wrong_is_a_line_with_a_hint(tmp_path: Path, text: str, target: str, problem: str, hint: str) -> None:
    written(tmp_path, text)
    (tmp_path / "empty").mkdir()

    done = lab("inventory", *target.split(" "), cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, ""), done.stdout
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
    assert hint in done.stderr


@pytest.mark.parametrize(
    "target",
    [
        "service",
        "service:app",
        "service:make",
        "service:make()",
        "service.py",
        "./service.py:app",
        "service.py:make()",
        ".",
    ],
)
def test_an_application_is_named_in_many_ways(tmp_path: Path, target: str) -> None:
    written(tmp_path, APP + "def make():\n    return app\n")

    done = lab("inventory", target, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "GET /a" in done.stdout
    assert "imported" in done.stdout


def test_a_file_whose_name_python_cannot_import_is_run_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "my folder").mkdir()
    path = written(tmp_path / "my folder", APP, "my-app v1.2.py")

    for target in (path, path.parent):
        assert [each.label for each in looked(target, tmp_path, "--force").result.operations] == ["GET /a"]


def test_the_interpreter_is_the_one_beside_the_application_unless_another_is_named(tmp_path: Path) -> None:
    written(
        tmp_path, "def application(environ, start_response):\n    if environ['PATH_INFO'] == '/a':\n        return []\n"
    )
    for folder in (".venv/bin", "other/bin"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "python").symlink_to(Path(sys.executable).resolve())
    without = {"PATH": ""}

    beside = lab("inventory", "service.py", cwd=tmp_path, environment=without)
    named = lab("inventory", "service.py", "--python", "other/bin/python", cwd=tmp_path, environment=without)

    assert f"({tmp_path}/.venv/bin/python, Python " in beside.stdout, beside.stderr
    assert f"({tmp_path}/other/bin/python, Python " in named.stdout, named.stderr


def test_a_decorator_without_wraps_and_a_view_wrapped_at_run_time_lead_to_the_view(tmp_path: Path) -> None:
    text = """
        import functools
        from flask import Flask, request
        app = Flask(__name__)

        def keyed(view):
            def inner(*args, **kwargs):
                if request.headers.get("X-Api-Key") != "k":
                    return {"error": "no key"}, 401
                return view(*args, **kwargs)
            inner.__name__ = view.__name__
            return inner

        @app.post("/one")
        @keyed
        def one():
            return {"n": request.get_json()["n"]}

        def two():
            return {"m": request.get_json()["m"]}

        app.add_url_rule("/two", view_func=keyed(two), methods=["POST"])
        app.add_url_rule("/three", "three", functools.partial(two), methods=["POST"])
    """

    found = looked(written(tmp_path, text), tmp_path)

    for path, field, keys in (("/one", "n", 1), ("/two", "m", 1), ("/three", "m", 0)):
        operation = found.operation(f"POST {path}")
        assert operation.body is not None
        assert operation.body.schema["required"] == [field]
        assert len(operation.access) == keys, path
        assert (401 in {each.status for each in operation.errors}) == bool(keys)


def test_nothing_of_the_application_runs_in_the_command_itself(tmp_path: Path) -> None:
    path = written(tmp_path, APP + "import sys\nsys.modules['left_behind'] = sys\n", "only_there.py")

    looked(path, tmp_path)

    assert not {"left_behind", "only_there"} & sys.modules.keys()
    assert not list(tmp_path.glob("**/__pycache__"))


def test_the_script_that_imports_runs_on_old_interpreters_and_needs_only_the_standard_library() -> None:
    tree = ast.parse(Path(probe.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))

    imported = {
        name.partition(".")[0]
        for node in tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)])
    }
    assert imported <= sys.stdlib_module_names
