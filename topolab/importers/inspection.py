"""What was recognised in a series of checkpoints, as a person asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from topolab.importers.base import Order
from topolab.layers import LayerSpec

__all__ = ["Inspection", "LayerReport", "Source"]


@dataclass(frozen=True)
class Source:
    """One file of the series.

    Parameters
    ----------
    name : str
        Below the folder that all files share.
    sha256 : str
    step : int
    """

    name: str
    sha256: str
    step: int


@dataclass(frozen=True)
class LayerReport:
    """What a layer is over the series.

    Parameters
    ----------
    spec : LayerSpec
    state : {"dynamic", "static", "dense"}
        Its mask changes; is sparse and never changes; or is all ones in every checkpoint.
    density_first, density_last : float
        Active share of its weights.
    weights : bool
        Whether every checkpoint holds its weights.
    """

    spec: LayerSpec
    state: Literal["dynamic", "static", "dense"]
    density_first: float
    density_last: float
    weights: bool


@dataclass(frozen=True)
class Inspection:
    """What was recognised, and what an import would make of it.

    Parameters
    ----------
    convention : str
        The one that is taken.
    matches : tuple of str
        All that match, the most specific first.
    orientation : {"out-in", "in-out"}
    bias : bool
        Whether a last row (or column) of bias is cut off.
    how : str
        How the orientation was found.
    layers : tuple of LayerReport
    steps : tuple of int
    epochs : tuple of float, optional
    metrics : tuple of str
        Names of what is recorded besides.
    sources : tuple of Source
    remarks : tuple of str
        Everything a reader of the run should know.
    """

    convention: str
    matches: tuple[str, ...]
    orientation: Order
    bias: bool
    how: str
    layers: tuple[LayerReport, ...]
    steps: tuple[int, ...]
    epochs: tuple[float, ...] | None
    metrics: tuple[str, ...]
    sources: tuple[Source, ...]
    remarks: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            "convention": self.convention,
            "matches": list(self.matches),
            "orientation": self.orientation,
            "bias": self.bias,
            "how": self.how,
            "layers": [
                {**layer.spec.to_dict(), "state": layer.state, "weights": layer.weights,
                 "density_first": layer.density_first, "density_last": layer.density_last}
                for layer in self.layers
            ],
            "steps": list(self.steps),
            "epochs": None if self.epochs is None else list(self.epochs),
            "metrics": list(self.metrics),
            "files": [
                {"name": s.name, "sha256": s.sha256, "step": s.step} for s in self.sources
            ],
            "remarks": list(self.remarks),
        }  # fmt: skip
