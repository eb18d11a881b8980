"""The multilayer perceptron of PSN and NSH."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from topolab_trainers.models.parts import linear

__all__ = ["MLP"]


class MLP(nn.Module):
    """A multilayer perceptron: linear, norm, ReLU; the last layer linear only.

    Parameters
    ----------
    n_in : int
    hidden : sequence of int
    n_out : int
    norm : {"layernorm", "none"}
        LayerNorm before every ReLU as in PSN, or plain ReLU as in NSH.

    Attributes
    ----------
    head : tuple of str
        Its linear layers, all of them.
    activation_of : dict of str to str
        Per layer the module whose output is its neurons' activation.

    Notes
    -----
    The linear layers are called fc1, fc2, ... Their weights are not initialised here: see
    `initialise`.
    """

    name = "mlp"
    needs_images = False
    summary = "Multilayer perceptron, LayerNorm and ReLU (PSN) or plain ReLU (NSH)"

    def __init__(self, n_in: int, hidden: Sequence[int], n_out: int, *, norm: str) -> None:
        super().__init__()
        widths = [n_in, *hidden, n_out]
        self.depth = len(widths) - 1
        self.norm = norm
        self.head = tuple(f"fc{i}" for i in range(1, self.depth + 1))
        self.activation_of: dict[str, str] = {}
        for i in range(1, self.depth + 1):
            setattr(self, f"fc{i}", linear(widths[i - 1], widths[i]))
            if norm == "layernorm" and i < self.depth:
                setattr(self, f"norm{i}", nn.LayerNorm(widths[i]))
            if i < self.depth:
                setattr(self, f"act{i}", nn.ReLU())
            self.activation_of[f"fc{i}"] = f"act{i}" if i < self.depth else f"fc{i}"

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (batch, n_out), of inputs of shape (batch, n_in)."""
        for i in range(1, self.depth):
            x = getattr(self, f"fc{i}")(x)
            if self.norm == "layernorm":
                x = getattr(self, f"norm{i}")(x)
            x = getattr(self, f"act{i}")(x)
        out: Tensor = getattr(self, f"fc{self.depth}")(x)
        return out
