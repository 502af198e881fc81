"""Where the code of a service answers which operation, as `lab inventory` reads it."""

from collections.abc import Mapping
from pathlib import Path

from serving_lab.gate import sarif
from serving_lab.gate.kept import Keeper
from serving_lab.inventory.result import InventoryResult, Place
from serving_lab.results import files
from serving_lab.stack.programs import tool


def read(source: str, keeper: Keeper, environment: Mapping[str, str], output: Path) -> dict[str, Place]:
    """Return the place of each operation, by files relative to the working directory.

    Args:
        source: What `lab inventory` takes: a file, a folder, or a module. Nothing of it is imported.
        keeper: What starts the command.
        environment: All that it sees.
        output: A folder.

    Raises:
        LabError: it cannot be read.
    """
    folder = output / "inventory"
    command = [tool("lab"), "inventory", source, "--source", "--force", "--output", str(folder)]
    keeper.run(command, environment, Path.cwd(), output / "logs" / "inventory.log", hint="--source app.py")
    found = sarif.places_of(files.read(folder / "inventory.json", InventoryResult))
    target = Path(source.partition(":")[0])
    roots = [target, *target.parents]
    return {operation: _here(place, roots) for operation, place in found.items()}


def _here(place: Place, roots: list[Path]) -> Place:
    """The place with its file relative to the working directory: inventories name files relative to what they read."""
    file = next((root / place.file for root in roots if (root / place.file).is_file()), Path(place.file))
    return Place(file.as_posix(), place.line)
