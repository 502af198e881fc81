"""Where the project lies."""

from dataclasses import dataclass
from pathlib import Path

from serving_lab.errors import LabError


@dataclass(frozen=True)
class Project:
    """A checkout, found from the directory a command is run in."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None, *, otherwise: str | None = None) -> "Project":
        """Return the checkout that holds `start` (default: the working directory).

        Args:
            start: a directory.
            otherwise: options with which a command needs no checkout, for the hint.

        Raises:
            LabError: there is none.
        """
        start = (start or Path.cwd()).resolve()
        for directory in (start, *start.parents):
            if (directory / ".env.example").is_file() and (directory / "loadtest" / "locustfile.py").is_file():
                return cls(directory)
        hint = "cd to the directory that holds .env.example"
        if otherwise:
            hint = f"name the services: {otherwise}; or, for the services of a checkout, {hint}"
        raise LabError(f"{start} is not inside a checkout of the lab", hint=hint)

    @property
    def env_file(self) -> Path:
        """This checkout's own settings."""
        return self.root / ".env"

    @property
    def env_example(self) -> Path:
        """Every setting with its default."""
        return self.root / ".env.example"

    @property
    def compose_file(self) -> Path:
        """The stack in containers."""
        return self.root / "compose.yaml"

    @property
    def locustfile(self) -> Path:
        """The load, relative to the root, where Locust runs: it takes a path with a comma for two."""
        return Path("loadtest", "locustfile.py")

    @property
    def catalogue(self) -> Path:
        """The services under test."""
        return self.root / "loadtest" / "catalogue.yaml"

    @property
    def api_file(self) -> Path:
        """The description of their API."""
        return self.root / "loadtest" / "api.yaml"

    @property
    def parity_profile(self) -> Path:
        """What a comparison must know of the services here."""
        return self.root / "loadtest" / "parity" / "profile.yaml"

    @property
    def model_intended(self) -> Path:
        """What another version of the model may answer otherwise."""
        return self.parity_profile.parent / "intended" / "model_version.yaml"

    @property
    def bench_profile(self) -> Path:
        """What is sent to the services here to measure them."""
        return self.root / "loadtest" / "bench" / "scenarios.yaml"

    @property
    def footprint_file(self) -> Path:
        """How the services here are started and loaded to measure what they cost, and where their code lies."""
        return self.root / "loadtest" / "footprint.yaml"

    @property
    def rollout_file(self) -> Path:
        """The stages in which traffic moves over here."""
        return self.root / "loadtest" / "rollout.yaml"

    @property
    def monitoring(self) -> Path:
        """Configuration of Prometheus and Grafana."""
        return self.root / "monitoring"

    @property
    def dashboards(self) -> Path:
        """Grafana's dashboards, without the colours of the services."""
        return self.monitoring / "grafana" / "dashboards"

    @property
    def config_dir(self) -> Path:
        """The configuration of Prometheus and Grafana that `lab up` writes; it stays, as its secrets' files do."""
        return self.root / "build" / "written-by-make-up"

    @property
    def model_dir(self) -> Path:
        """The model the services on the host answer with."""
        return self.root / "build" / "model"

    @property
    def models_dir(self) -> Path:
        """The models that the registry gives to services on the host, beside the one above."""
        return self.root / "build" / "models"

    @property
    def registry_project(self) -> Path:
        """What the registry of models is installed from."""
        return self.root / "deploy" / "registry"

    @property
    def registry_dir(self) -> Path:
        """The registry on the host: its environment, and what it stores, which stays when the lab goes down."""
        return self.root / "build" / "registry"

    @property
    def forwards_dir(self) -> Path:
        """What ports that lead to a cluster need while they are open."""
        return self.root / ".run-kubernetes"

    @property
    def cluster_file(self) -> Path:
        """Which kubectl context has the lab; there is none while no cluster has it."""
        return self.root / "build" / "kubernetes-context"

    @property
    def run_dir(self) -> Path:
        """What the stack on the host needs while it runs; gone when it is down."""
        return self.root / ".run"
