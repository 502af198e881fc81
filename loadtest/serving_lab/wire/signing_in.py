"""Signing in at a service."""

from serving_lab.api.endpoint import Endpoint
from serving_lab.api.sign_in import Grant, NotSignedInError, SignIn
from serving_lab.errors import LabError
from serving_lab.text.secrets import without_tokens
from serving_lab.wire import exchange

_SHOWN_CHARACTERS = 200


def sign_in(how: SignIn, endpoint: Endpoint, who: str | None = None) -> Grant:
    """What a service gives to who signs in; `who` is what an error calls the service, by default its URL.

    Raises:
        LabError: it does not answer, refuses, or its answer does not have what is to be saved.
    """
    answer = exchange.send(endpoint, how.request.filled({"host": endpoint.host}))
    try:
        return how.granted(answer.body, answer.headers)
    except NotSignedInError as error:
        said = without_tokens(answer.body.decode(errors="replace").strip())
        said = f"{answer.status} {said if len(said) <= _SHOWN_CHARACTERS else f'{said[:_SHOWN_CHARACTERS]}…'}"
        raise LabError(
            f"{who or endpoint.url} does not sign in: {error}: {said}",
            hint="compare sign_in with what the service expects; is the password right?",
        ) from None
