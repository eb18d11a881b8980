"""Other people's checkpoints as runs: see ``docs/import.md``.

A convention is one small class with a `detect` and a `read`, found through the entry-point group
``topolab.importers``. No file is ever unpickled in a way that could run code.
"""

from topolab.importers.api import import_run, inspect_checkpoints
from topolab.importers.base import (
    CheckpointContent,
    CheckpointError,
    FoundLayer,
    Importer,
    Reading,
    UnsafeFileError,
)
from topolab.importers.inspection import Inspection

__all__ = [
    "CheckpointContent",
    "CheckpointError",
    "FoundLayer",
    "Importer",
    "Inspection",
    "Reading",
    "UnsafeFileError",
    "import_run",
    "inspect_checkpoints",
]
