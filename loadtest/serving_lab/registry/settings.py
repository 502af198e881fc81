"""Settings of the registry's clients; the defaults are those of .env.example."""

from typing import Annotated

import msgspec
from msgspec import Meta

from serving_lab.text.settings import Port, Text, Url

_Seconds = Annotated[float, Meta(ge=0.05, le=600)]


class RegistrySettings(msgspec.Struct, frozen=True, kw_only=True, rename="upper"):
    """Which model, and how long the registry is waited for."""

    model_name: Text = "diabetes"
    model_alias: Text = "champion"
    model_sync_timeout_seconds: _Seconds = 5.0


class SyncSettings(RegistrySettings, frozen=True, kw_only=True, rename="upper"):
    """What model-sync is told."""

    registry_url: Url
    model_updates_dir: Text
    model_sync_host: Text = "127.0.0.1"
    model_sync_port: Port = 9105
    model_sync_seconds: _Seconds = 0.5
