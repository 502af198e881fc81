"""Our own services: traffic to the baseline is mirrored to a candidate, recorded, and sent to the candidate again."""

from pathlib import Path

import pytest
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.profile_file import read_description
from serving_lab.results import files
from serving_lab.tap.replay.result import ReplayResult
from serving_lab.tap.surface import Surface, WithoutSecrets
from support import local_http
from support.checkout import REPOSITORY
from support.command import lab
from support.services import CANDIDATES, RunningService, StartedService

from tap.running import tapping

API = REPOSITORY / "loadtest" / "api.yaml"
ROW = [59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87]


@pytest.mark.service
def test_what_a_candidate_answers_to_recorded_traffic(
    tmp_path: Path, baseline: RunningService, started_service: StartedService
) -> None:
    candidate = started_service(CANDIDATES[0])
    surface = Surface.of(read_description(API, WithoutSecrets()))
    endpoints = Endpoint.parse(baseline.base_url), Endpoint.parse(candidate.base_url)
    with tapping(endpoints[0], tmp_path, endpoints[1], surface, again=1.0) as tap:
        with local_http.client(base_url=f"http://127.0.0.1:{tap.port}") as client:
            credentials = {"username": baseline.username, "password": baseline.password}
            token = client.post("/login", json=credentials).json()["token"]
            signed_in = {"Authorization": f"Bearer {token}"}
            for path, body in (("/predict", {"features": ROW}), ("/batch-predict", {"samples": [ROW] * 3})):
                assert client.post(path, json=body, headers=signed_in).status_code == 200
            assert client.get("/model-info", headers=signed_in).status_code == 200
            assert client.post("/predict", json={"features": ROW}).status_code == 401
            assert client.head("/health").status_code == 200
        recorded = sorted(tap.recorded(), key=lambda each: each.at)

    content = tap.record.read_bytes()
    assert all(secret.encode() not in content for secret in (token, baseline.password, token.split(".")[2]))
    sides = [(each.primary, each.candidate, each.again) for each in recorded]
    assert [side and side.status for side in sides[0]] == [200, None, None]  # signing in is not repeatable
    for primary, *others in sides[1:]:
        assert [side and side.status for side in others] == [primary.status, primary.status]
    assert len({each.session for each in recorded[1:4]}) == 1

    ended = lab(
        *("replay", tap.record, "--to", candidate.base_url, "--description", API, "--output", tmp_path / "replay.json"),
        environment={"API_USERNAME": candidate.username, "API_PASSWORD": candidate.password},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert files.read(tmp_path / "replay.json", ReplayResult).sent == 6
