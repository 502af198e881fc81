"""`make exercise`: fill the tables of docs/exercise.md, from new results where a folder of them is named."""

import sys
from pathlib import Path

from exercise.page import PAGE, filled, take

if sys.argv[1:]:
    take(Path(sys.argv[1]))
PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
