"""What the load takes from its environment."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from serving_lab.text.settings import read

ThinkTime = Annotated[float, Meta(ge=0, le=3600)]


class LoadSettings(msgspec.Struct, frozen=True, kw_only=True, rename="upper"):
    """Settings of the load."""

    think_time_min_seconds: ThinkTime = 0.1
    think_time_max_seconds: ThinkTime = 0.5
    """A pause is drawn evenly between the two."""
    websocket_share: Annotated[float, Meta(ge=0, le=10)] = 0.0
    """Users of a service's WebSocket for each user of its other endpoints."""
    load_through: Literal["services", "gateway"] = "services"
    """Whether users are shared out between the services, or all ask the gateway, each as a person of their own."""
    gateway_url: str | None = None
    gateway_user_cookie: str = "lab-user"
    """The cookie by which the gateway tells users apart."""
    repeat_share: Annotated[float, Meta(ge=0, le=1)] = 0.5
    """The share of values that are taken from a fixed pool, so that a service's cache can answer them."""
    repeat_pool_size: Annotated[int, Meta(ge=1, le=1_000_000)] = 500

    def __post_init__(self) -> None:
        """Raises ValueError: two settings contradict each other."""
        if self.think_time_min_seconds > self.think_time_max_seconds:
            raise ValueError("THINK_TIME_MIN_SECONDS must not be above THINK_TIME_MAX_SECONDS")
        if self.load_through == "gateway" and self.gateway_url is None:
            raise ValueError("LOAD_THROUGH=gateway needs GATEWAY_URL, which `make load` sets")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "LoadSettings":
        """Read the settings; an empty value counts as absent. Raises SettingError for the first one that is wrong."""
        return read(environment, cls)
