"""What a view answers: its own errors, those of what it calls, and what a handler makes of them."""

import textwrap
from pathlib import Path

from serving_lab.inventory.of_application import of_source
from serving_lab.inventory.result import Operation
from serving_lab.inventory.source.project import Project

HEAD = "from flask import Flask, Response, abort, jsonify, request\napp = Flask(__name__)\n"


def operations(folder: Path, text: str) -> dict[str, Operation]:
    (folder / "app.py").write_text(HEAD + textwrap.dedent(text), encoding="utf-8")
    return {each.label: each for each in of_source(Project(folder)).operations}


def errors(operation: Operation) -> set[tuple[int | None, str]]:
    return {(each.status, str(each.body)) for each in operation.errors}


def test_what_is_caught_is_answered_as_it_is_caught(tmp_path: Path) -> None:
    found = operations(
        tmp_path,
        """
        def deep(data):
            if "n" not in data:
                raise ValueError("n is missing")
            return data

        @app.post("/caught")
        def caught():
            try:
                return jsonify(deep(request.get_json()))
            except Exception as error:
                return jsonify(error=str(error)), 500

        @app.post("/partly")
        def partly():
            data = request.get_json()
            try:
                n = int(data["n"])
                if n > 9:
                    raise ValueError("too large")
            except ValueError:
                return jsonify(error="bad n"), 422
            return jsonify(deep(data))
        """,
    )

    assert errors(found["POST /caught"]) == {(500, "{'error': '…'}")}
    assert errors(found["POST /partly"]) == {
        (422, "{'error': 'bad n'}"),
        (None, "n is missing"),
        (400, "None"),
        (415, "None"),
    }


def test_a_handler_says_how_an_error_is_answered(tmp_path: Path) -> None:
    found = operations(
        tmp_path,
        """
        class Problem(Exception):
            pass

        class Conflict(Problem):
            pass

        @app.errorhandler(Problem)
        def on_problem(error):
            return jsonify(message=str(error)), 409

        @app.errorhandler(404)
        def on_missing(error):
            return jsonify(message="nothing here"), 404

        @app.errorhandler(Exception)
        def on_anything(error):
            return jsonify(message="something broke"), 500

        @app.get("/a/<int:n>")
        def a(n):
            if n == 1:
                raise Conflict("taken")
            if n == 2:
                abort(404)
            if n == 3:
                raise OSError("disk")
            return jsonify(n=n)
        """,
    )

    assert errors(found["GET /a/{n}"]) == {
        (409, "{'message': 'taken'}"),
        (404, "{'message': 'nothing here'}"),
        (500, "{'message': 'something broke'}"),
    }


def test_each_method_of_a_view_has_its_own_answers(tmp_path: Path) -> None:
    found = operations(
        tmp_path,
        """
        @app.route("/by-if", methods=["GET", "POST", "DELETE"])
        def by_if():
            if request.method == "POST":
                return jsonify(made=request.get_json(force=True)["n"]), 201
            if request.method in ("DELETE",):
                return Response(status=204)
            return jsonify(all=[1])

        @app.route("/by-match", methods=["GET", "POST", "DELETE"])
        def by_match():
            match request.method:
                case "POST":
                    return jsonify(made=request.get_json(force=True)["n"]), 201
                case "DELETE" | "PURGE":
                    return Response(status=204)
                case _:
                    return jsonify(all=[1])
        """,
    )

    for path in ("/by-if", "/by-match"):
        statuses = {
            method: [each.status for each in found[f"{method} {path}"].answers] for method in ("GET", "POST", "DELETE")
        }
        assert statuses == {"GET": [200], "POST": [201], "DELETE": [204]}
        body = found[f"POST {path}"].body
        assert body is not None
        assert body.schema["required"] == ["n"]
        assert found[f"DELETE {path}"].answers[0].schema == {}


def test_what_all_answers_of_a_status_have_is_required(tmp_path: Path) -> None:
    found = operations(
        tmp_path,
        """
        @app.get("/n")
        def n():
            if request.args.get("cached"):
                return jsonify(n=1.5, cached=True)
            return jsonify({"n": float("1"), "cached": False, "version": "2"})
        """,
    )

    answer = found["GET /n"].answers[0]
    assert answer.schema == {
        "type": "object",
        "properties": {"n": {"type": "number"}, "cached": {"type": "boolean"}, "version": {"type": "string"}},
        "required": ["n", "cached"],
    }
