"""The live page and its JSON, added to Locust's web UI, and the tab that leads to it."""

import json
import posixpath
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import gevent
from flask import Blueprint, Flask, Response, abort, render_template, request, send_file, url_for
from locust.env import Environment
from locust.web import WebUI

from serving_lab.live.runs import as_csv
from serving_lab.live.sampler import HISTORY_SECONDS, INTERVAL_SECONDS, Sampler
from serving_lab.live.series import WINDOW_SECONDS
from serving_lab.load.services import LoadedService
from serving_lab.load.totals import Totals
from serving_lab.load.vitals import VitalsMonitor
from serving_lab.load.workers import WorkerWatch

KEY, TITLE = "live", "Live"
_HERE = Path(__file__).parent
_YEAR_SECONDS = 31_536_000


@dataclass(frozen=True)
class _Plotly:
    """Plotly's own script, taken out of its Python package, of which nothing is imported."""

    version: str
    script: Path

    @classmethod
    def find(cls) -> "_Plotly":
        package = distribution("plotly")
        return cls(package.version, Path(str(package.locate_file("plotly/package_data/plotly.min.js"))))


def add_page(
    environment: Environment,
    services: Sequence[LoadedService],
    totals: Totals,
    vitals: VitalsMonitor,
    workers: WorkerWatch,
) -> None:
    """Serve the page at /live, link it from the main page, and begin to sample the services, the baseline first.

    Does nothing in a headless run and on a worker, which have no web UI.
    """
    web_ui, options = environment.web_ui, environment.parsed_options
    if web_ui is None or web_ui.app is None or environment.runner is None:
        return
    sampler = Sampler(environment, environment.runner, services, totals, vitals, workers)
    base = (options.web_base_path if options else None) or ""
    web_ui.app.register_blueprint(_blueprint(web_ui, sampler), url_prefix=f"{base}/{KEY}")
    web_ui.template_args["extended_tabs"] = [{"title": TITLE, "key": KEY}]
    _add_script_to_main_page(web_ui.app)
    gevent.spawn(sampler.run)


def _blueprint(web_ui: WebUI, sampler: Sampler) -> Blueprint:
    blueprint = Blueprint(KEY, __name__, template_folder=str(_HERE / "templates"), static_folder=str(_HERE / "static"))
    blueprint.before_request(web_ui.auth_required_if_enabled(lambda: None))
    plotly = _Plotly.find()

    @blueprint.get("")
    def page() -> str:
        return render_template("live.html", address=_address, plotly_version=plotly.version)

    @blueprint.get("/plotly-<version>.min.js")
    def plotly_script(version: str) -> Response:
        if version != plotly.version:
            abort(404)
        return send_file(plotly.script, mimetype="text/javascript", max_age=_YEAR_SECONDS)

    @blueprint.get("/data")
    def data() -> Response:
        since = request.args.get("since", "0")
        if not (since.isascii() and since.isdecimal()):
            return _json({"error": f"since must be a whole number, not {since!r}"}, status=400)
        # Sequence numbers of an earlier session mean nothing in this one.
        known = int(since) if request.args.get("session") == sampler.session else 0
        head = {
            "session": sampler.session,
            "time": time.time(),
            "interval_seconds": INTERVAL_SECONDS,
            "window_seconds": WINDOW_SECONDS,
            "history_seconds": HISTORY_SECONDS,
            "services": sampler.services(),
            "conditions": sampler.conditions(),
            "runs": [run.describe() for run in sampler.log.runs],
        }
        points = ",".join(point.json for point in sampler.since(known))
        return Response(f'{json.dumps(head)[:-1]}, "points": [{points}]}}', content_type="application/json")

    @blueprint.get("/runs/<run_id>.<kind>")
    def download(run_id: str, kind: str) -> Response:
        run = sampler.log.find(run_id)
        if run is None or kind not in {"csv", "json"}:
            return _json({"error": "no such run"}, status=404)
        points = [json.loads(point.json) for point in sampler.points_of(run)]
        if kind == "csv":
            response = Response(as_csv(points), content_type="text/csv; charset=utf-8")
        else:
            response = _json(
                {
                    "run": run.describe(),
                    "services": sampler.services(),
                    "conditions": sampler.conditions(),
                    "points": points,
                }
            )
        response.headers["Content-Disposition"] = f'attachment; filename="run-{run.id}.{kind}"'
        return response

    return blueprint


def _add_script_to_main_page(app: Flask) -> None:
    """Locust's tabs can show only its own tables: a script turns this one into a link."""

    @app.after_request
    def add_script(response: Response) -> Response:
        if request.endpoint == "locust.index" and response.mimetype == "text/html":
            source = _address(f"{KEY}.static", filename="tab.js")
            tag = f'<script type="module" src="{source}" data-page="{_address(f"{KEY}.page")}"></script>'
            response.set_data(response.get_data(as_text=True).replace("</body>", f"{tag}</body>"))
        return response


def _address(endpoint: str, **values: Any) -> str:  # noqa: ANN401 - as url_for has it
    """The address of a page, relative to the one that is asked for: a proxy may have taken a prefix off the path."""
    url = url_for(endpoint, **values)
    return posixpath.relpath(url, posixpath.dirname(request.path)) + ("/" if url.endswith("/") else "")


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
