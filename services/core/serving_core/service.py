"""The service behind the web framework: everything that is the same in all adapters."""

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from model_artifact.metadata import ModelInfo

from serving_core.bounds import FEATURES
from serving_core.http.callers import Caller, address_of
from serving_core.http.cors import Cors
from serving_core.http.errors import TooManyRequestsError, UnavailableError
from serving_core.http.proxies import TrustedProxies
from serving_core.http.tokens import AuthenticationError, Tokens
from serving_core.model.predictor import Predictor, load_predictor
from serving_core.model.updates import ModelUpdates
from serving_core.runtime.handover import Handover
from serving_core.runtime.lifecycle import Lifecycle, Phase
from serving_core.runtime.logs import current_request_id
from serving_core.runtime.metrics import Metrics
from serving_core.runtime.prediction_log import LogEntry, open_prediction_log
from serving_core.runtime.service_collector import ServiceCollector
from serving_core.runtime.settings import Settings
from serving_core.store.cache_collector import CacheCollector
from serving_core.store.circuit import StoreError
from serving_core.store.stores import open_store

_logger = logging.getLogger(__name__)
_access_logger = logging.getLogger("serving_core.access")
LOGIN, PREDICT, BATCH_PREDICT = "/login", "/predict", "/batch-predict"
_CHECK_ROW = (0.0,) * FEATURES


class Prediction(NamedTuple):
    """One predicted row."""

    value: float
    cached: bool


class Batch(NamedTuple):
    """Predicted rows and the time that the model took."""

    values: list[float]
    inference_seconds: float


class Service:
    """Created once, before the fork; each worker then starts and stops its part."""

    def __init__(self, settings: Settings, run_dir: Path, *, name: str, framework: str, server: str) -> None:
        """Load the model and set up what the workers will share.

        Args:
            settings: the settings of this service.
            run_dir: an empty directory for the metrics files.
            name: the name of its instances; instances of one name share a cache if they share a store.
            framework: the web framework's distribution, such as `flask`.
            server: the server and its workers, for people.

        Raises:
            StartupError: the model cannot be used, or `run_dir` has no room.
        """
        self.settings = settings
        self.lifecycle = Lifecycle()
        self.handover = Handover()
        self.tokens = Tokens(settings)
        self.cors = Cors(settings.allowed_origins)
        self.metrics = Metrics(run_dir, settings.workers * (2 if settings.model_updates_dir else 1))
        self.updates = (
            ModelUpdates(Path(settings.model_updates_dir), settings.model_alias, self.metrics.model_reloads)
            if settings.model_updates_dir
            else None
        )
        predictor = self._first_predictor()
        store = open_store(settings, name, self.metrics)
        self.store_is_remote = store.is_remote
        self.cache = store.cache(settings.cache_max_entries, predictor.info.sha256)
        self._collector = ServiceCollector(
            framework=framework, server=server, workers=settings.workers, lifecycle=self.lifecycle
        )
        self.metrics.add_collector(self._collector)
        self.metrics.add_collector(CacheCollector(self.cache))
        self._limiter = store.limiter("default", settings.rate_limit) if settings.rate_limit else None
        self._login_limiter = store.limiter("login", settings.login_rate_limit)
        self._trusted_proxies = TrustedProxies(settings.trusted_networks, settings.trusted_names)
        self._log = open_prediction_log(settings, self.metrics.log_written, self.metrics.log_dropped)
        self.use(predictor)

    predictor: Predictor
    model: ModelInfo

    def use(self, predictor: Predictor) -> None:
        """Predict with this from now on; called in the arbiter, before a fork. In a worker, the model never changes."""
        self.predictor = predictor
        self.model = predictor.info
        self.cache.use_model(self.model.sha256)
        self._collector.set_model(self.model.version, self.model.sha256)

    def _first_predictor(self) -> Predictor:
        """The model of the alias, if there is one that can be used; else that of MODEL_DIR."""
        first = self.updates and self.updates.first()
        predictor = first or load_predictor(self.settings.model_dir)
        if self.updates:
            if first is None:
                _logger.warning("model: begins with version %s of MODEL_DIR", predictor.info.version)
            self.updates.serves(predictor)
        return predictor

    def start_worker(self) -> None:
        """Called after the fork, when the worker can answer."""
        self._trusted_proxies.refresh()
        if self._log:
            self._log.start()
        self.lifecycle.worker_is_ready()

    def stop_worker(self) -> None:
        """Called when the worker has answered its last request."""
        if self._log:
            self._log.close()

    def check_rate(self, caller: Caller, handler: str, cost: int = 1) -> None:
        """Count a request against the limits: per user of a valid token, else per address; at /login per address.

        If the store does not answer, the request is allowed.

        Args:
            caller: who sends the request.
            handler: the route.
            cost: more than 1 if a message contains several rows.

        Raises:
            TooManyRequestsError: the caller's window is full.
        """
        try:
            if handler == LOGIN:
                self._login_limiter.check(f"address {address_of(caller, self._trusted_proxies)}")
            if self._limiter:
                self._limiter.check(self._name_of(caller), cost)
        except TooManyRequestsError:
            self.metrics.rate_limited.labels(handler).inc()
            raise
        except StoreError:
            self.metrics.store_errors.labels("limits").inc()

    def authenticate(self, authorization: str | None) -> str:
        """The user of an Authorization header.

        Raises:
            AuthenticationError: no token, or an invalid one.
        """
        try:
            return self.tokens.authenticate(authorization)
        except AuthenticationError as error:
            self.metrics.auth_failures.labels(error.reason).inc()
            if error.log:
                _logger.warning(error.log)
            raise

    def log_in(self, username: str, password: str) -> str:
        """A token in exchange for credentials.

        Raises:
            AuthenticationError: `Invalid credentials`.
        """
        try:
            return self.tokens.log_in(username, password)
        except AuthenticationError as error:
            self.metrics.auth_failures.labels(error.reason).inc()
            raise

    def predict(self, features: Sequence[float], *, user: str, handler: str = PREDICT) -> Prediction:
        """Predict one valid row, from the cache if it is there; counted for the handler."""
        key = self.cache.key(features)
        value = self.cache.get(key)
        cached = value is not None
        if value is None:
            [value] = self._infer([features], handler).values
            self.cache.put(key, value)
        self.metrics.predictions[handler].inc()
        self._record([features], [value], user=user, cached=cached)
        return Prediction(value, cached)

    def predict_batch(self, samples: Sequence[Sequence[float]], *, user: str, handler: str = BATCH_PREDICT) -> Batch:
        """Predict valid rows, without the cache; counted for the handler."""
        batch = self._infer(samples, handler)
        self.metrics.predictions[handler].inc(len(samples))
        self._record(samples, batch.values, user=user, cached=False)
        return batch

    def check_ready(self) -> None:
        """Check that requests can be answered now.

        Raises:
            UnavailableError: the service is starting or draining.
        """
        if self.lifecycle.phase is not Phase.READY:
            raise UnavailableError(detail=self.lifecycle.phase.name.lower())
        self.predictor.predict([_CHECK_ROW])
        self.cache.counts()

    def observe_request(self, method: str, handler: str, status: int, seconds: float) -> None:
        """Count an answered request and, if the access log is on, log it."""
        self.metrics.observe_request(method, handler, status, seconds)
        if self.settings.access_log:
            _access_logger.info(
                "request",
                extra={"method": method, "handler": handler, "status": status, "duration_seconds": round(seconds, 6)},
            )

    def _name_of(self, caller: Caller) -> str:
        try:
            return f"user {self.tokens.authenticate(caller.authorization)}"
        except AuthenticationError:
            return f"address {address_of(caller, self._trusted_proxies)}"

    def _infer(self, rows: Sequence[Sequence[float]], handler: str) -> Batch:
        began = time.perf_counter()
        values = self.predictor.predict(rows)
        seconds = time.perf_counter() - began
        self.metrics.inference_seconds[handler].observe(seconds)
        return Batch(values, seconds)

    def _record(self, rows: Sequence[Sequence[float]], values: Sequence[float], *, user: str, cached: bool) -> None:
        if not self._log:
            return
        now = timestamp()
        for features, value in zip(rows, values, strict=True):
            self._log.record(
                LogEntry(
                    time=now,
                    request_id=current_request_id.get() or "",
                    user=user,
                    features=list(features),
                    prediction=value,
                    cached=cached,
                    model_version=self.model.version,
                )
            )


def timestamp() -> str:
    """The current time: UTC, ISO 8601."""
    return datetime.now(UTC).isoformat()
