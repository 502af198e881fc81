"""What a user of a service does: sign in, ask what the description says, and check every answer."""

import json
import random
import time
from collections.abc import Mapping
from typing import ClassVar

import gevent
from locust import FastHttpUser
from locust.contrib.fasthttp import ResponseContextManager
from locust.env import Environment

from serving_lab.api import json_path, values
from serving_lab.api.description import Call
from serving_lab.api.endpoint import Endpoint
from serving_lab.api.expectations import Expectation
from serving_lab.api.sign_in import Grant, NotSignedInError
from serving_lab.api.values import Source
from serving_lab.load.consistency import Consistency
from serving_lab.load.drafts import Draft, Drawn
from serving_lab.load.profile import LoadProfile
from serving_lab.load.settings import LoadSettings

UNAUTHORIZED = 401
# What a sign-in gave is renewed after nine tenths of its lifetime, less a second: times of a token are whole seconds.
RENEW_AFTER = 0.9
RENEW_MARGIN_SECONDS = 1.0
SIGN_IN_RETRY_SECONDS = 1.0
_NO_VALUES: Mapping[str, str] = {}


class WrongAnswer(ValueError):  # noqa: N818 - it is what Locust lists, and a wrong answer is what it is
    """An answer is not what is expected. The message holds no value of the answer, so that like failures add up."""


class ServiceUser(FastHttpUser):
    """A user who signs in at one service.

    A subclass says which service, where it is, and what users share. Requests are named ``<service> <path>``; an answer
    that is not what is expected is a failure.
    """

    abstract = True
    connection_timeout = 10.0
    network_timeout = 30.0

    service: ClassVar[str]
    base_url: ClassVar[str]
    settings: ClassVar[LoadSettings]
    profile: ClassVar[LoadProfile]
    sources: ClassVar[Mapping[str, Source]]
    consistency: ClassVar[Consistency]
    cookie: ClassVar[str | None] = None
    """The name of a cookie that has another value for each user; None: there is none."""

    @classmethod
    def share(cls, settings: LoadSettings, profile: LoadProfile) -> None:
        """Give all users what they share."""
        cls.settings = settings
        cls.profile = profile.repeating(settings.repeat_share, settings.repeat_pool_size)
        cls.sources = values.sources(cls.profile.api.values)
        cls.consistency = Consistency(cls.profile.api)

    def __init__(self, environment: Environment) -> None:
        # Locust's one host field would send the users of all services to one of them, under several names.
        self.host = self.base_url
        super().__init__(environment)
        self._chance = random.Random()  # noqa: S311
        self._here = {"host": Endpoint.parse(self.base_url).host}
        self._variables: Mapping[str, str] = self._here
        self._renew_at = 0.0
        self._drafts: dict[str, Draft] = {}
        self._own_headers = {"Cookie": f"{self.cookie}={self._chance.getrandbits(64):x}"} if self.cookie else {}

    def wait_time(self) -> float:
        """Think time in seconds."""
        return self._chance.uniform(self.settings.think_time_min_seconds, self.settings.think_time_max_seconds)

    def on_start(self) -> None:
        """Sign in before the first task."""
        self._sign_in()

    def _is_signed_in(self) -> bool:
        """Sign in where that is needed, and say whether it succeeded."""
        return time.monotonic() < self._renew_at or self._sign_in()

    def _sign_in(self) -> bool:
        """Sign in, and say whether that succeeded; where not, pause before the service is asked again."""
        how = self.profile.api.sign_in
        if how is None:
            self._renew_at = float("inf")
            return True
        asked_at = time.monotonic()
        draft = Draft.of(Call("sign-in", how.request, how.expectation), self._here, self.sources)
        with self._send(how.request.method, how.request.target, draft.draw(self._chance)) as response:
            grant = self._granted(response)
        self._drafts = {}
        if grant is None:
            self._variables, self._renew_at = self._here, 0.0
            gevent.sleep(SIGN_IN_RETRY_SECONDS)
            return False
        self._variables = {**self._here, **grant.variables}
        lifetime = grant.lifetime_seconds
        self._renew_at = float("inf") if lifetime is None else asked_at + RENEW_AFTER * lifetime - RENEW_MARGIN_SECONDS
        return True

    def _granted(self, response: ResponseContextManager) -> Grant | None:
        how = self.profile.api.sign_in
        if how is None or not self._judged(response, how.expectation, _NO_VALUES):
            return None
        try:
            return how.granted(response.content, (response.headers or {}).items())
        except NotSignedInError as error:
            response.failure(str(error))
            return None

    def _draft(self, call: Call) -> Draft:
        if call.name not in self._drafts:
            self._drafts[call.name] = Draft.of(call, self._variables, self.sources)
        return self._drafts[call.name]

    def _send(self, method: str, name: str, drawn: Drawn) -> ResponseContextManager:
        return self.client.request(
            method,
            drawn.path,
            name=f"{self.service} {name}",
            headers={**drawn.headers, **self._own_headers},
            data=drawn.body or None,  # type: ignore[arg-type]  # it takes bytes, as it says
            catch_response=True,
        )

    def _judged(self, response: ResponseContextManager, expected: Expectation, sent: Mapping[str, str]) -> bool:
        """Whether the response is right; where not, it is reported as a failure."""
        if response.headers is None:
            return False  # no response at all: Locust reports the connection's own error
        wrong = expected.checker.knowing(sent).wrong(response.status_code, response.content)
        if wrong and response.status_code not in expected.statuses:
            message = error_message(self.profile, response.content)
            wrong += f": {message}" if message else ""
        wrong = wrong or expected.header_checker.wrong(response.headers.get)
        if wrong:
            response.failure(wrong)
        return wrong is None


class RequestUser(ServiceUser):
    """Sends the requests of a mix, by their weights."""

    abstract = True

    def ask(self, name: str) -> None:
        """Send a request; where the sign-in is refused, sign in afresh and repeat it once."""
        call = self.profile.api.requests[name]
        if call.signed_in and not self._is_signed_in():
            return
        drawn = self._draft(call).draw(self._chance)
        with self._send(call.request.method, call.request.target, drawn) as response:
            refused = call.signed_in and response.status_code == UNAUTHORIZED
            if refused:
                response.success()  # the repeated request is the one that counts for or against the service
            else:
                self._judge(call, response, drawn)
        if refused and self._sign_in():
            repeated = self._draft(call).filled(drawn.sent)
            with self._send(call.request.method, call.request.target, repeated) as response:
                self._judge(call, response, repeated)

    def _judge(self, call: Call, response: ResponseContextManager, drawn: Drawn) -> None:
        if self._judged(response, call.expectation, drawn.sent) and (
            wrong := self.consistency.wrong(call, drawn.sent, response.content)
        ):
            response.failure(wrong)


def error_message(profile: LoadProfile, content: bytes) -> str | None:
    """What an error answer says; None where it is not JSON with a text at the path of error messages."""
    path = profile.api.error_message
    if path is None:
        return None
    try:
        message = json_path.value_at(json.loads(content), path)
    except (ValueError, LookupError):
        return None
    return message if isinstance(message, str) else None
