"""docs/guide.md, followed as it stands there: its files, its commands, and the shop that it is about."""

import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

from support.page import Page, Reader

GUIDE = Page("docs/guide.md")
SHOP = GUIDE.block("python", "class Shop")


class ShopReader(Reader):
    """A reader who has saved the shop."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, 5001, 5002, environment={"SHOP_PASSWORD": "let me in"})
        self.save("shop.py", SHOP)

    def shop(self, port: str, version: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """The shop of this version, while it answers."""
        return self.running(f"python3 shop.py {port} {version}", port)
