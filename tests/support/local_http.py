"""HTTP to this machine: without proxies, and without TLS, for which httpx would read certificates for every client."""

import ssl
from typing import Any

import httpx

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody, but is made in no time: httpx's own takes 20 to 40 ms


def client(**options: Any) -> httpx.Client:  # noqa: ANN401 - httpx's own
    """A client; the options are httpx's."""
    return httpx.Client(verify=NO_TLS, trust_env=False, **options)


def get(url: str, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
    """Ask once."""
    return httpx.get(url, verify=NO_TLS, trust_env=False, **options)


def post(url: str, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
    """Send once."""
    return httpx.post(url, verify=NO_TLS, trust_env=False, **options)
