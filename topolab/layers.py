"""Layers: what a mask belongs to, and how a convolution becomes edges.

A *linear* layer of weight shape ``(m, n)`` is a bipartite graph of n inputs and m outputs with
one edge per active weight. A *convolution* of weight shape ``(m, n / groups, kh, kw)`` is a
bipartite graph of **channels**: there is an edge from input channel j to output channel i where
any weight of that kernel is active, and the number of active weights is the edge's weight.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from topolab.errors import LayerError

if TYPE_CHECKING:
    import torch

__all__ = ["INPUT", "LayerSpec", "check_layers", "layers_of"]

Kind = Literal["linear", "conv"]
#: The inputs of the network, as a source of layers.
INPUT = "input"


@dataclass(frozen=True)
class LayerSpec:
    """One layer of weights.

    Parameters
    ----------
    name : str
        Unique in the run; letters, digits, ``_``, ``-`` and ``.`` (a module path).
    kind : {"linear", "conv"}
    shape : tuple of int
        Shape of the weight, and so of the mask: ``(m, n)`` or ``(m, n / groups, kh, kw)``.
    maskable : bool
        False for a layer that is kept dense and never updated; its mask is all ones.
    image_shape : tuple of int, optional
        ``(C, H, W)``: how the inputs of a *first* layer are laid out as an image.
    groups : int
        Groups of a convolution; ``groups == n`` is depthwise.
    source : str, optional
        The layer whose outputs this one reads. Without it: the layer before it in the table.
        ``"input"`` are the inputs of the network; a name that ends in ``:in``, such as
        ``"skip:in"``, is a group of inputs apart, for layers of which it is not known what they
        read.

    Raises
    ------
    LayerError
        If the name, kind, shape, groups or image shape cannot be.

    Examples
    --------
    >>> layer = LayerSpec("conv1", "conv", (8, 3, 5, 5))
    >>> layer.n_out, layer.n_in, layer.size
    (8, 3, 600)
    """

    name: str
    kind: Kind
    shape: tuple[int, ...]
    maskable: bool = True
    image_shape: tuple[int, int, int] | None = None
    groups: int = 1
    source: str | None = None

    def __post_init__(self) -> None:
        _check_name(self.name)
        object.__setattr__(self, "shape", tuple(int(s) for s in self.shape))
        expected = {"linear": 2, "conv": 4}.get(self.kind)
        if expected is None:
            raise LayerError(f"layer {self.name}: kind {self.kind!r} is neither linear nor conv")
        if len(self.shape) != expected or min(self.shape) < 1:
            raise LayerError(
                f"layer {self.name}: a {self.kind} layer needs {expected} positive sizes, "
                f"got shape {self.shape}"
            )
        if self.groups < 1 or (self.kind == "linear" and self.groups != 1):
            raise LayerError(f"layer {self.name}: groups={self.groups} is not possible here")
        if self.shape[0] % self.groups:
            raise LayerError(
                f"layer {self.name}: {self.shape[0]} output channels do not divide into "
                f"{self.groups} groups"
            )
        if self.image_shape is not None:
            image = tuple(int(s) for s in self.image_shape)
            object.__setattr__(self, "image_shape", image)
            inputs = math.prod(image) if self.kind == "linear" else image[0]
            if len(image) != 3 or min(image) < 1 or inputs != self.n_in:
                raise LayerError(
                    f"layer {self.name}: image shape {image} does not hold its {self.n_in} inputs"
                )

    @property
    def n_out(self) -> int:
        """Number of output neurons, or output channels."""
        return self.shape[0]

    @property
    def n_in(self) -> int:
        """Number of inputs, or input channels."""
        return self.shape[1] * self.groups

    @property
    def size(self) -> int:
        """Number of weights, active or not."""
        return math.prod(self.shape)

    def edges(self, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Active weights per edge of the bipartite graph.

        Parameters
        ----------
        mask : ndarray of bool, shape `self.shape`

        Returns
        -------
        ndarray of int64, shape (n_out, n_in)
            0 where there is no edge, 1 for an active weight of a linear layer, the number of
            active weights in the kernel for a convolution.

        Raises
        ------
        LayerError
            If the mask has another shape.

        Examples
        --------
        >>> layer = LayerSpec("conv", "conv", (1, 2, 2, 1))
        >>> layer.edges(np.array([[[[True], [True]], [[False], [False]]]]))
        array([[2, 0]])
        """
        if mask.shape != self.shape:
            raise LayerError(
                f"layer {self.name}: a mask of shape {mask.shape} where {self.shape} was expected"
            )
        if self.kind == "linear":
            return mask.astype(np.int64)
        kernels = mask.sum(axis=(2, 3), dtype=np.int64)
        if self.groups == 1:
            return np.asarray(kernels, dtype=np.int64)
        out = np.zeros((self.n_out, self.n_in), dtype=np.int64)
        group = np.arange(self.n_out) // (self.n_out // self.groups)
        columns = group[:, None] * self.shape[1] + np.arange(self.shape[1])[None, :]
        np.put_along_axis(out, columns, kernels, axis=1)
        return out

    def to_dict(self) -> dict[str, Any]:
        """The layer as JSON-able values, in the order of the format's layer table."""
        return {
            "name": self.name,
            "kind": self.kind,
            "shape": list(self.shape),
            "maskable": self.maskable,
            "image_shape": None if self.image_shape is None else list(self.image_shape),
            "groups": self.groups,
            "source": self.source,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> LayerSpec:
        """Read what `to_dict` wrote.

        Raises
        ------
        LayerError
            If a key is missing or a value is not possible.
        """
        try:
            image = data.get("image_shape")
            return cls(
                name=str(data["name"]),
                kind=data["kind"],
                shape=tuple(int(s) for s in data["shape"]),
                maskable=bool(data.get("maskable", True)),
                image_shape=None
                if image is None
                else (int(image[0]), int(image[1]), int(image[2])),
                groups=int(data.get("groups", 1)),
                source=None if data.get("source") is None else str(data["source"]),
            )
        except (
            KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError,
        ) as error:  # fmt: skip
            raise LayerError(f"not a layer description: {data!r:.200} ({error})") from error


def _check_name(name: str) -> None:
    allowed = isinstance(name, str) and 0 < len(name) <= 200
    if not allowed or not all(c.isascii() and (c.isalnum() or c in "_-.") for c in name):
        raise LayerError(
            f"layer name {name!r}: use 1 to 200 ASCII letters, digits, '_', '-' or '.'"
        )
    if name == INPUT or name.startswith(".") or ".." in name:
        raise LayerError(f"layer name {name!r} is reserved or could be read as a path")


def check_layers(layers: Sequence[LayerSpec]) -> None:
    """Refuse an empty table and two layers of one name."""
    if not layers:
        raise LayerError("a run needs at least one layer; none was given")
    counts = Counter(layer.name for layer in layers)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        raise LayerError(f"layer names must be unique; given twice: {', '.join(twice)}")


def layers_of(
    model: torch.nn.Module,
    *,
    image_shape: tuple[int, int, int] | None = None,
    dense: Iterable[str] = (),
) -> tuple[LayerSpec, ...]:
    """The layer table of a torch model: its Linear and Conv2d modules in definition order.

    Parameters
    ----------
    model : torch.nn.Module
    image_shape : tuple of int, optional
        ``(C, H, W)`` of the input, given to the first layer.
    dense : iterable of str
        Names of layers that stay dense and are never updated.

    Returns
    -------
    tuple of LayerSpec

    Raises
    ------
    LayerError
        If the model has no such layer, or `dense` names one that is not there.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    >>> [(layer.name, layer.shape) for layer in layers_of(model, dense=["2"])]
    [('0', (3, 4)), ('2', (2, 3))]
    """
    import torch

    dense = set(dense)
    found: list[LayerSpec] = []
    for path, module in model.named_modules():
        name = path or type(module).__name__
        image = image_shape if not found else None
        if isinstance(module, torch.nn.Linear):
            shape = (module.out_features, module.in_features)
            found.append(LayerSpec(name, "linear", shape, name not in dense, image))
        elif isinstance(module, torch.nn.Conv2d):
            # not of `weight`, which a parametrization would compute anew
            kernel = (module.kernel_size[0], module.kernel_size[1])
            shape4 = (module.out_channels, module.in_channels // module.groups, *kernel)
            found.append(LayerSpec(name, "conv", shape4, name not in dense, image, module.groups))
    if not found:
        raise LayerError("the model has no Linear and no Conv2d module, so there is no mask")
    unknown = dense - {layer.name for layer in found}
    if unknown:
        raise LayerError(
            f"dense layers {sorted(unknown)} are not in the model; "
            f"it has {', '.join(layer.name for layer in found)}"
        )
    return tuple(found)
