"""Secrets: from files, in no log and no error text, and replaced without locking anybody out."""

from pathlib import Path

import pytest
from support.answers import assert_error
from support.services import PASSWORD, SECRET_KEY, SERVICE_NAMES, Setting, running_service
from support.tokens import claims, sign
from support.wire import Request, send

PREVIOUS = "the-key-that-was-in-use-until-it-was-replaced-0123456789"


@pytest.mark.parametrize("name", SERVICE_NAMES)
def test_secrets_from_files_work_and_are_seen_nowhere(model_dir: Path, tmp_path: Path, name: str) -> None:
    files: dict[str, Setting] = {}
    for secret, value in (("SECRET_KEY", SECRET_KEY), ("SECRET_KEY_PREVIOUS", PREVIOUS), ("API_PASSWORD", PASSWORD)):
        (tmp_path / secret).write_text(f"{value}\n")
        files |= {secret: None, f"{secret}_FILE": tmp_path / secret}
    log = tmp_path / "predictions.jsonl"
    with running_service(name, model_dir, **files, LOG_LEVEL="debug", ACCESS_LOG="true", PREDICTION_LOG=log) as service:
        with service.client() as client:
            token = client.post("/login", json={"username": service.username, "password": PASSWORD}).json()["token"]
            refused = client.post("/login", json={"username": service.username, "password": "wrong"})
        asked = [
            send(service, Request("GET", "/cache/stats", headers=(("Authorization", f"Bearer {each}"),)))
            for each in (token, sign(claims(), PREVIOUS), sign(claims(), SECRET_KEY[::-1]))
        ]
        said = service.stdout() + service.stderr() + refused.text + "".join(answer.text for answer in asked)

    assert [answer.status_code for answer in asked] == [200, 200, 401]
    assert_error(refused, 401, "Invalid credentials")
    assert not [secret for secret in (SECRET_KEY, PREVIOUS, PASSWORD, token) if secret in said]
