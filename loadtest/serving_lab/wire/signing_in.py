"""Signing in at a service."""

from serving_lab.api.endpoint import Endpoint
from serving_lab.api.sign_in import Grant, NotSignedInError, SignIn
from serving_lab.errors import LabError
from serving_lab.wire import exchange


def sign_in(how: SignIn, endpoint: Endpoint, who: str | None = None) -> Grant:
    """What a service gives to who signs in; `who` is what an error calls the service, by default its URL.

    Raises:
        LabError: it does not answer, refuses, or its answer does not have what is to be saved.
    """
    answer = exchange.send(endpoint, how.request.filled({"host": endpoint.host}))
    try:
        return how.granted(answer.body)
    except NotSignedInError as error:
        said = f"{answer.status} {answer.body[:200].decode(errors='replace').strip()}"
        raise LabError(
            f"{who or endpoint.url} does not sign in: {error}: {said}",
            hint="compare sign_in with what the service expects; is the password right?",
        ) from None
