"""What py-spy writes becomes functions that are the same in every revision."""

import os
from pathlib import Path, PurePosixPath

from serving_lab.explain.stacks import STANDARD_LIBRARY, Function, Sources, read


def test_a_function_is_called_alike_wherever_its_package_lies(tmp_path: Path) -> None:
    for side in ("old", "new"):
        package = tmp_path / side / "services" / "shop" / "views"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package.parent / "__init__.py").touch()
    lines = [
        f"Shop.index ({tmp_path}/old/services/shop/views/front.py:12) 3",
        f"Shop.index ({tmp_path}/new/services/shop/views/front.py:19) 4",
    ]

    found = read("\n".join(lines), Sources(Path("/"), PurePosixPath("/")))

    assert found == {(Function("Shop.index", "shop/views/front.py", "shop", 0),): 7}


def test_packages_are_told_from_the_standard_library_and_from_scripts(tmp_path: Path) -> None:
    sources = Sources(Path("/"), PurePosixPath(tmp_path))

    assert sources.place("/app/lib/python3.13/site-packages/flask/json/provider.py") == (
        "flask/json/provider.py",
        "flask",
    )
    assert sources.place("/usr/lib/python3/dist-packages/six.py") == ("six.py", "six")
    assert sources.place("/usr/lib/python3.13/json/encoder.py") == ("json/encoder.py", STANDARD_LIBRARY)
    assert sources.place("<frozen importlib._bootstrap>") == ("<frozen importlib._bootstrap>", STANDARD_LIBRARY)
    assert sources.place(f"{tmp_path}/app.py") == ("app.py", "app")
    assert sources.place(f"{tmp_path}/routes/users.py") == ("routes/users.py", "routes")
    assert sources.place("/elsewhere/tool.py") == ("tool.py", "tool")


def test_command_lines_with_secrets_are_left_out_even_if_they_look_like_frames() -> None:
    process = 'process 12:"python app.py --token a;b 7"'
    raw = f"{process};main (/srv/app.py:1);work (/srv/app.py:5) 2"

    (stack,) = read(raw, Sources(Path("/"), PurePosixPath("/srv")))

    assert [each.name for each in stack] == ["main", "work"]


def test_the_files_of_this_process_are_its_own() -> None:
    sources = Sources.of(os.getpid())

    assert sources.directory == PurePosixPath(Path.cwd())
    assert (sources.root / __file__.lstrip("/")).exists()
