"""The environment as files refer to it with `${env:NAME}`."""

from collections.abc import Iterator, Mapping

from serving_lab.text.settings import secret


class Environment(Mapping[str, str]):
    """Variables by name, each its own value or what the file holds that NAME_FILE names; knows which were read."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.read: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        """Raises KeyError: it is not set; SettingError: it is set twice, or its file cannot be read."""
        self.read[name] = secret(name, self._variables) if self._has_file(name) else self._variables[name]
        return self.read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __contains__(self, name: object) -> bool:
        return name in self._variables or self._has_file(name)

    def _has_file(self, name: object) -> bool:
        return bool(self._variables.get(f"{name}_FILE"))
