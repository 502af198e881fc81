"""MLflow's registry as the lab uses it: one registered model, its versions, and aliases that say which one serves.

Each version belongs to a run, which has its metrics, its parameters and its files
(https://mlflow.org/docs/latest/api_reference/rest-api.html).
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from serving_lab.registry.calls import Calls, RegistryError
from serving_lab.registry.reasons import Reason

EXPERIMENT = "models"
"""Where the runs of pushed models are."""
FOLDER = "model"
"""Where the files of a model are, below those of its run."""
ARTIFACT_SHA256, MODEL_SHA256, DATASET_SHA256 = "artifact_sha256", "model_sha256", "dataset_sha256"
MODEL_VERSION, MODEL_TYPE, SIGNATURE = "model_version", "model_type", "signature"
"""Tags of a version: the digests of model.json (which has those of all other files), of the graph and of the data, and
what model.json says of it."""
_DIGEST = re.compile("[0-9a-f]{64}")
_PAGE = 200
_MOST_TEXT = 6000
"""How long a value of a parameter may be in MLflow."""
_SOURCE = re.compile(r"mlflow-artifacts:/+([A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*)/?")
_NOT_THERE = "RESOURCE_DOES_NOT_EXIST"
_THERE_ALREADY = "RESOURCE_ALREADY_EXISTS"


class _Pair(msgspec.Struct, frozen=True):
    key: str
    value: str = ""


class Version(msgspec.Struct, frozen=True):
    """A version of the registered model; MLflow counts them from 1."""

    version: str
    source: str
    run_id: str = ""
    creation_timestamp: int = 0
    """When it was pushed, in milliseconds since 1970."""
    tags: tuple[_Pair, ...] = ()

    def tag(self, name: str) -> str:
        """What was noted of it under this name; empty where nothing was."""
        return next((pair.value for pair in self.tags if pair.key == name), "")

    @property
    def artifact(self) -> str:
        """The digest that stands for all of its files.

        Raises:
            RegistryError: it has none.
        """
        digest = self.tag(ARTIFACT_SHA256)
        if not _DIGEST.fullmatch(digest):
            raise RegistryError(
                Reason.ANSWER,
                f"version {self.version} has no tag {ARTIFACT_SHA256}: it was not pushed by lab model push",
                hint="push it: lab model push DIR",
            )
        return digest

    @property
    def pushed(self) -> datetime:
        """When it was pushed."""
        return datetime.fromtimestamp(self.creation_timestamp / 1000, UTC)

    @property
    def folder(self) -> str:
        """Where its files are below the artifacts of the registry.

        Raises:
            RegistryError: they are somewhere else.
        """
        found = _SOURCE.fullmatch(self.source)
        if not found:
            raise RegistryError(
                Reason.ANSWER,
                f"version {self.version} is at {self.source!r}, which is not among the registry's own files",
                hint="push it again: lab model push DIR",
            )
        return found[1]


class Run(msgspec.Struct, frozen=True):
    """How a version was made."""

    metrics: Mapping[str, float]
    params: Mapping[str, str]


class _Alias(msgspec.Struct, frozen=True):
    alias: str
    version: str


class _Registered(msgspec.Struct, frozen=True):
    name: str
    aliases: tuple[_Alias, ...] = ()


class _RegisteredModel(msgspec.Struct, frozen=True):
    registered_model: _Registered


class _OneVersion(msgspec.Struct, frozen=True):
    model_version: Version


class _Versions(msgspec.Struct, frozen=True):
    model_versions: tuple[Version, ...] = ()
    next_page_token: str = ""


class _ExperimentId(msgspec.Struct, frozen=True):
    experiment_id: str


class _Experiment(msgspec.Struct, frozen=True):
    experiment: _ExperimentId


class _RunInfo(msgspec.Struct, frozen=True):
    run_id: str
    artifact_uri: str


class _Metric(msgspec.Struct, frozen=True):
    key: str
    value: float


class _RunData(msgspec.Struct, frozen=True):
    metrics: tuple[_Metric, ...] = ()
    params: tuple[_Pair, ...] = ()


class _RunBody(msgspec.Struct, frozen=True):
    info: _RunInfo
    data: _RunData = _RunData()


class _Run(msgspec.Struct, frozen=True):
    run: _RunBody


class _Nothing(msgspec.Struct, frozen=True):
    """An answer of which nothing is needed."""


@dataclass(frozen=True)
class Registry:
    """One registered model of an MLflow server; every method raises RegistryError where that does not do its part."""

    calls: Calls
    name: str

    def aliases(self) -> Mapping[str, str]:
        """The version that each alias stands for; empty before anything was pushed."""
        try:
            found = self.calls.get("registered-models/get", _RegisteredModel, name=self.name)
        except RegistryError as error:
            if error.code == _NOT_THERE:
                return {}
            raise
        return {each.alias: each.version for each in found.registered_model.aliases}

    def version(self, number: str) -> Version:
        """One version."""
        try:
            found = self.calls.get("model-versions/get", _OneVersion, name=self.name, version=number)
        except RegistryError as error:
            if error.code in {_NOT_THERE, "INVALID_PARAMETER_VALUE"}:
                message = f"the registry has no version {number} of {self.name}"
                raise RegistryError(error.reason, message, hint="lab model list shows those there are") from error
            raise
        if found.model_version.version != number:
            message = f"the registry answers with version {found.model_version.version}, asked for {number}"
            raise RegistryError(Reason.ANSWER, message)
        return found.model_version

    def versions(self) -> list[Version]:
        """All versions, the latest first."""
        found: list[Version] = []
        token = ""
        while True:
            page = self.calls.get(
                "model-versions/search",
                _Versions,
                filter=f"name='{self.name}'",
                max_results=str(_PAGE),
                page_token=token,
            )
            found += page.model_versions
            token = page.next_page_token
            if not token or not page.model_versions:
                return sorted(found, key=lambda each: int(each.version), reverse=True)

    def run(self, version: Version) -> Run:
        """How a version was made."""
        data = self.calls.get("runs/get", _Run, run_id=version.run_id).run.data
        return Run({each.key: each.value for each in data.metrics}, {each.key: each.value for each in data.params})

    def download(self, version: Version, name: str, most_bytes: int) -> bytes:
        """One of its files."""
        return self.calls.download(f"{version.folder}/{name}", most_bytes)

    def set_alias(self, alias: str, number: str) -> None:
        """Let an alias stand for a version."""
        content = {"name": self.name, "alias": alias, "version": number}
        self.calls.post("registered-models/alias", _Nothing, content)

    def add(
        self,
        title: str,
        files: Mapping[str, bytes],
        run: Run,
        tags: Mapping[str, str],
    ) -> Version:
        """Store a model as the next version, which is there only once all of it is.

        Args:
            title: What people see in MLflow's list of runs.
            files: Content by path below the model's folder.
            run: How it was made.
            tags: Of the version.
        """
        self._register()
        info = self.calls.post(
            "runs/create",
            _Run,
            {"experiment_id": self._experiment(), "run_name": title, "start_time": _now()},
        ).run.info
        self.calls.post("runs/log-batch", _Nothing, _batch(info.run_id, run))
        source = f"{info.artifact_uri}/{FOLDER}"
        folder = Version("", source).folder
        for path, content in files.items():
            self.calls.upload(f"{folder}/{path}", content)
        self.calls.post("runs/update", _Nothing, {"run_id": info.run_id, "status": "FINISHED", "end_time": _now()})
        created = {"name": self.name, "source": source, "run_id": info.run_id, "tags": _pairs(tags)}
        return self.calls.post("model-versions/create", _OneVersion, created).model_version

    def _register(self) -> None:
        try:
            self.calls.post("registered-models/create", _Nothing, {"name": self.name})
        except RegistryError as error:
            if error.code != _THERE_ALREADY:
                raise

    def _experiment(self) -> str:
        try:
            return self.calls.post("experiments/create", _ExperimentId, {"name": EXPERIMENT}).experiment_id
        except RegistryError as error:
            if error.code != _THERE_ALREADY:
                raise
        found = self.calls.get("experiments/get-by-name", _Experiment, experiment_name=EXPERIMENT)
        return found.experiment.experiment_id


def _batch(run_id: str, run: Run) -> Mapping[str, object]:
    metrics = [{"key": key, "value": value, "timestamp": _now()} for key, value in run.metrics.items()]
    params = _pairs({key: value[:_MOST_TEXT] for key, value in run.params.items()})
    return {"run_id": run_id, "metrics": metrics, "params": params}


def _pairs(values: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _now() -> int:
    return int(time.time() * 1000)
