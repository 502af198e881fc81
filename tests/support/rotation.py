"""Replacing the key that signs tokens, as docs/operations.md says, while somebody holds a token of each moment."""

from collections.abc import Callable, Mapping

from support import local_http


def rotate(
    old: str,
    new: str,
    *,
    urls: Mapping[str, str],
    credentials: Mapping[str, str],
    restart: Callable[[str, str, str], None],
) -> None:
    """Replace `old` by `new`, one service after another, and check that no token is refused before its key is gone.

    Args:
        old: The key in use.
        new: The one that takes its place.
        urls: Where each service answers.
        credentials: What /login is told.
        restart: Sets SECRET_KEY and SECRET_KEY_PREVIOUS, and restarts a service: `(service, key, previous)`.
    """

    def issued() -> list[str]:
        answers = [local_http.post(f"{url}/login", json=credentials) for url in urls.values()]
        return [answer.json()["token"] for answer in answers]

    def statuses(tokens: list[str]) -> set[int]:
        asked = [(url, token) for url in urls.values() for token in tokens]
        return {
            local_http.get(f"{url}/cache/stats", headers={"Authorization": f"Bearer {token}"}).status_code
            for url, token in asked
        }

    of_old = issued()
    tokens = list(of_old)
    for step, (key, previous) in enumerate([(old, new), (new, old)], start=1):
        for service in urls:
            restart(service, key, previous)
            tokens += issued()
            assert statuses(tokens) == {200}, f"step {step}, after {service}"
    of_new = issued()
    for service in urls:
        restart(service, new, "")
        assert statuses(of_new) == {200}, f"step 3, after {service}"
    assert statuses(of_old) == {401}
