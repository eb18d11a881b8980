"""topolab: how does the wiring of a sparse neural network change while it learns?

A training writes snapshots of its masks with a `Recorder`; `open_run` reads them back;
a `LayeredGraph` turns one into a graph; `analyse` turns a run into tables.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import topolab.metrics as metrics
    from topolab.analysis import Analysis, Result, SequentialAnalysis, run_analysis
    from topolab.api import analyse
    from topolab.comparison import compare
    from topolab.errors import TopolabError
    from topolab.exporters import export
    from topolab.graph import LayeredGraph
    from topolab.importers import import_run, inspect_checkpoints
    from topolab.integrations.attach import attach
    from topolab.layers import LayerSpec, layers_of
    from topolab.recorder import Recorder
    from topolab.run import Run, open_run, runs
    from topolab.snapshot import Snapshot
    from topolab.tables import Column

__all__ = [
    "Analysis",
    "Column",
    "LayerSpec",
    "LayeredGraph",
    "Recorder",
    "Result",
    "Run",
    "SequentialAnalysis",
    "Snapshot",
    "TopolabError",
    "__version__",
    "analyse",
    "attach",
    "compare",
    "export",
    "import_run",
    "inspect_checkpoints",
    "layers_of",
    "metrics",
    "open_run",
    "run_analysis",
    "runs",
]

try:
    __version__ = version("topolab")
except PackageNotFoundError:  # a source tree on the path, not installed
    __version__ = "0+unknown"

# Names are imported when first used, so that `topolab --help` answers without numpy or scipy.
_HOMES = {
    "Analysis": "analysis",
    "Column": "tables",
    "LayerSpec": "layers",
    "LayeredGraph": "graph",
    "Recorder": "recorder",
    "Result": "analysis",
    "Run": "run",
    "SequentialAnalysis": "analysis",
    "Snapshot": "snapshot",
    "TopolabError": "errors",
    "analyse": "api",
    "attach": "integrations.attach",
    "compare": "comparison",
    "import_run": "importers",
    "inspect_checkpoints": "importers",
    "export": "exporters",
    "layers_of": "layers",
    "open_run": "run",
    "run_analysis": "analysis",
    "runs": "run",
}


def __getattr__(name: str) -> Any:
    if name == "metrics":
        return import_module("topolab.metrics")
    if name in _HOMES:
        value = getattr(import_module(f"topolab.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    # The commands of the other packages, and of strangers, are functions of topolab too.
    if not name.startswith("_"):
        from topolab.commands import twin_of

        if (twin := twin_of(name)) is not None:
            return twin
    raise AttributeError(f"module 'topolab' has no attribute {name!r}")


def __dir__() -> list[str]:
    from topolab.registry import names

    return sorted({*__all__, *(name.replace("-", "_") for name in names("commands"))} - {"import"})
