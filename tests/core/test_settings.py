"""Settings from the environment."""

from ipaddress import ip_network
from pathlib import Path

import pytest
from serving_core.runtime.settings import SECRETS, Settings, SettingsError

GOOD = {"SECRET_KEY": "k" * 32, "API_USERNAME": "lab", "API_PASSWORD": "secret"}


def read(**given: str) -> Settings:
    return Settings.from_environment(GOOD | given, default_port=5000)


def test_only_the_secrets_must_be_set() -> None:
    settings = read()
    assert (settings.port, settings.workers, settings.cache_max_entries) == (5000, 4, 10_000)


def test_values_have_types() -> None:
    settings = read(PORT="8123", ACCESS_LOG="true", DRAIN_SECONDS="0.5", LOG_LEVEL="debug")
    assert (settings.port, settings.access_log, settings.drain_seconds) == (8123, True, 0.5)


def test_an_empty_value_is_one_that_is_not_set() -> None:
    assert read(WORKERS="", RATE_LIMIT="").workers == 4


def test_what_is_not_a_setting_is_left_alone() -> None:
    assert read(PATH="/bin", WORKER="9").workers == 4


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "http", "expected `int`"),
        ("THREADS", "0", "expected `int` >= 1"),
        ("TOKEN_LIFETIME_SECONDS", "0", "expected `int` >= 1"),
        ("MAX_BODY_BYTES", "1MiB", "expected `int`"),
        ("PREDICTION_LOG_QUEUE_ENTRIES", "0", "expected `int` >= 1"),
        ("CACHE_TIMEOUT_SECONDS", "for ever", "expected `float`"),
        ("DRAIN_SECONDS", "soon", "expected `float`"),
        ("DRAIN_SECONDS", "nan", "expected"),
        ("GRACEFUL_TIMEOUT_SECONDS", "-1", "expected `int` >= 1"),
        ("KEEP_ALIVE_SECONDS", "never", "expected `int`"),
        ("WEBSOCKET_TOKEN_SECONDS", "0", "expected `float` > 0"),
        ("WEBSOCKET_IDLE_SECONDS", "never", "expected `float`"),
        ("LOGIN_RATE_LIMIT", "0/minute", "expected a rate such as 30/minute"),
        ("CORS_ORIGINS", "app.example.org", "expected origins such as https://app.example.org"),
        ("CORS_ORIGINS", "https://app.example.org/path", "expected origins such as https://app.example.org"),
        ("WORKERS", "0", "expected `int` >= 1"),
        ("WORKERS", "four", "expected `int`"),
        ("WORKERS", "4.5", "expected `int`"),
        ("PORT", "65536", "expected `int` <= 65535"),
        ("ACCESS_LOG", "perhaps", "expected `bool`"),
        ("LOG_LEVEL", "loud", "invalid enum value"),
        ("DRAIN_SECONDS", "-1", "expected `float` >= 0"),
        ("SECRET_KEY", "s3cr3t-but-short", "expected at least 32 bytes"),
        ("RATE_LIMIT", "lots", "expected a rate such as 100/minute"),
        ("RATE_LIMIT", "0/minute", "expected a rate such as 100/minute"),
        ("LOGIN_RATE_LIMIT", "none", "expected a rate such as 30/minute"),
        ("TRUSTED_PROXIES", "proxy.example.org/24", "expected addresses, networks and names"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "expected addresses, networks and names"),
        ("TRUSTED_PROXIES", "10.0.0.300", "expected addresses, networks and names"),
        ("TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/40", "expected addresses, networks and names"),
        ("SECRET_KEY_PREVIOUS", "s3cr3t-but-short", "expected at least 32 bytes"),
        ("DOCUMENTATION", "perhaps", "expected `bool`"),
        ("CORS_ORIGINS", "*", "expected origins such as https://app.example.org"),
        ("CORS_ORIGINS", "https://one.example,two.example", "expected origins such as"),
        ("CACHE_MAX_ENTRIES", "0", "expected `int` >= 1"),
        ("CACHE_URL", "memcached://s3cr3t@host", "expected a URL such as redis://:password@host:6379/0"),
        ("CACHE_URL", "redis://", "expected a URL such as"),
        ("CACHE_URL", "redis://host/cache", "expected a URL such as"),
        ("CACHE_URL", "redis://user:s3cr3t", "expected a URL such as"),
        ("CACHE_URL", "redis://:s3cr3t/2@host", "expected a URL such as"),
        ("CACHE_URL", "redis://:s3cr3t@host:70000", "expected a URL such as"),
        ("CACHE_URL", "redis://:s3cr3t@host?pool=large", "expected a URL such as"),
        ("CACHE_URL", "redis://:s3cr3t@host?db=one", "expected a URL such as"),
        ("CACHE_URL", "rediss://:s3cr3t@host?ssl_cert_reqs=some", "expected a URL such as"),
        ("CACHE_URL", "unix://socket", "expected a URL such as"),
        ("CACHE_TIMEOUT_SECONDS", "0", "expected `float` >= 0.001"),
        ("WEBSOCKET_IDLE_SECONDS", "0", "expected `float` > 0"),
        ("PREDICTION_LOG_MAX_BYTES", "10", "expected `int` >= 4096"),
    ],
)
def test_a_wrong_value_is_named_in_one_line(name: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(**{name: value})
    text = str(refused.value)
    assert text.startswith(f"{name}: ")
    assert says in text
    assert "s3cr3t" not in text
    assert "\n" not in text


def test_trusted_proxies_are_addresses_networks_and_names() -> None:
    assert (read().trusted_networks, read().trusted_names) == ((), ())
    assert read(TRUSTED_PROXIES="gateway, proxy-1.example.org,").trusted_names == ("gateway", "proxy-1.example.org")
    assert read(TRUSTED_PROXIES="gateway, fd00::/8").trusted_networks == (ip_network("fd00::/8"),)
    assert read(TRUSTED_PROXIES=" 127.0.0.1, fd00::/8,").trusted_networks == (
        ip_network("127.0.0.1/32"),
        ip_network("fd00::/8"),
    )


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_secret_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: not set$"):
        read(**{name: ""})


def test_a_secrets_value_is_never_shown() -> None:
    with pytest.raises(SettingsError) as refused:
        read(SECRET_KEY="s3cr3t-but-short")
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_may_stand_in_a_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "secret"
    secret = "redis://:password@host" if name == "CACHE_URL" else "f" * 40
    path.write_text(secret + "\n")
    environment = {key: value for key, value in GOOD.items() if key != name}

    settings = Settings.from_environment(environment | {f"{name}_FILE": str(path)}, default_port=5000)

    assert getattr(settings, name.lower()) == secret


@pytest.mark.parametrize(
    "url",
    ["redis://host", "redis://:p@host:6379/1", "rediss://u:p@host?ssl_cert_reqs=none", "unix://:p@/run/redis.sock"],
)
def test_a_cache_url_has_one_of_these_forms(url: str) -> None:
    assert read(CACHE_URL=url).cache_url == url


def test_a_secret_is_set_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^API_PASSWORD: API_PASSWORD_FILE is set too: set only one of them$"):
        read(API_PASSWORD_FILE=str(tmp_path))


def test_a_secrets_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xff" * 40)
    for path, says in (
        (tmp_path / "nowhere", "No such file"),
        (tmp_path, "Is a directory"),
        (tmp_path / "latin", "UTF-8"),
    ):
        with pytest.raises(SettingsError, match=f"^SECRET_KEY_PREVIOUS_FILE: .*{says}"):
            read(SECRET_KEY_PREVIOUS_FILE=str(path))


def test_an_empty_secrets_file_sets_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(SettingsError, match=r"^SECRET_KEY: not set$"):
        read(SECRET_KEY="", SECRET_KEY_FILE=str(tmp_path / "empty"))


def test_origins_are_taken_apart() -> None:
    settings = read(CORS_ORIGINS="https://one.example, http://[::1]:8080,")
    assert settings.allowed_origins == {"https://one.example", "http://[::1]:8080"}


def test_a_key_is_measured_in_bytes() -> None:
    assert read(SECRET_KEY="ü" * 16).secret_key
