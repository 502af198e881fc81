"""A service's own address in its answers, which the other side cannot have."""

from dataclasses import replace

from serving_lab.wire.message import Answer, Exchange

_NEUTRAL_URL = "http://service"


def without_address(exchange: Exchange, url: str) -> Exchange:
    """The exchange with a service's own base URL replaced by a neutral one, in headers and bodies.

    Exchanges are judged in this form: redirects and links of two services differ otherwise.
    """
    return replace(exchange, answers=tuple(_neutral(answer, url) for answer in exchange.answers))


def _neutral(answer: Answer, url: str) -> Answer:
    headers = tuple((name, value.replace(url, _NEUTRAL_URL)) for name, value in answer.headers)
    return Answer(answer.status, headers, answer.body.replace(url.encode(), _NEUTRAL_URL.encode()))
