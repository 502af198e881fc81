"""The services under load: what the catalogue says of each, and where it answers."""

from dataclasses import dataclass

from serving_lab.targets.catalogue import Entry, Role


@dataclass(frozen=True)
class LoadedService:
    """A service under load."""

    entry: Entry
    url: str
    """Without a slash at its end."""

    @property
    def name(self) -> str:
        """The first word of its requests' names, and the label `service` of metrics."""
        return self.entry.name

    @property
    def label(self) -> str:
        """What people call it."""
        return self.entry.label

    @property
    def role(self) -> Role:
        """Baseline or candidate."""
        return self.entry.role
