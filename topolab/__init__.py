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
    from topolab.api import Results, analyse
    from topolab.comparison import compare
    from topolab.describe import show
    from topolab.errors import TopolabError
    from topolab.exporters import export
    from topolab.graph import LayeredGraph
    from topolab.importers import import_run, inspect_checkpoints
    from topolab.integrations.attach import attach
    from topolab.layers import LayerSpec, layers_of
    from topolab.listing import analyses
    from topolab.progress import Progress
    from topolab.recorder import Recorder
    from topolab.run import Run, open_run, open_runs, runs, verify
    from topolab.snapshot import Snapshot
    from topolab.tables import Column

__all__ = [
    "Analysis",
    "Column",
    "LayerSpec",
    "LayeredGraph",
    "Progress",
    "Recorder",
    "Result",
    "Results",
    "Run",
    "SequentialAnalysis",
    "Snapshot",
    "TopolabError",
    "__version__",
    "analyse",
    "analyses",
    "attach",
    "compare",
    "export",
    "import_run",
    "inspect_checkpoints",
    "layers_of",
    "metrics",
    "open_run",
    "open_runs",
    "run_analysis",
    "runs",
    "show",
    "verify",
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
    "Progress": "progress",
    "Recorder": "recorder",
    "Result": "analysis",
    "Results": "api",
    "Run": "run",
    "SequentialAnalysis": "analysis",
    "Snapshot": "snapshot",
    "TopolabError": "errors",
    "analyse": "api",
    "analyses": "listing",
    "attach": "integrations.attach",
    "compare": "comparison",
    "import_run": "importers",
    "inspect_checkpoints": "importers",
    "export": "exporters",
    "layers_of": "layers",
    "open_run": "run",
    "open_runs": "run",
    "run_analysis": "analysis",
    "runs": "run",
    "show": "describe",
    "verify": "run",
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
        from topolab.errors import ConfigError

        try:
            twin = twin_of(name)
        except ConfigError as error:  # what asks for every name goes on after this error only
            raise AttributeError(f"topolab.{name}: {error}") from error
        if twin is not None:
            return twin
    raise AttributeError(f"module 'topolab' has no attribute {name!r}")


def __dir__() -> list[str]:
    from topolab.registry import names

    return sorted({*__all__, *(name.replace("-", "_") for name in names("commands"))} - {"import"})
