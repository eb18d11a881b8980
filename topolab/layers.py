"""Layers: what a mask belongs to, and how a convolution becomes edges.

A *linear* layer of weight shape ``(m, n)`` is a bipartite graph of n inputs and m outputs with
one edge per active weight. A *convolution* of weight shape ``(m, n / groups, kh, kw)`` is a
bipartite graph of **channels**: there is an edge from input channel j to output channel i where
any weight of that kernel is active, and the number of active weights is the edge's weight.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from topolab.errors import LayerError

if TYPE_CHECKING:
    import torch

__all__ = ["LayerSpec", "apart", "chain_layers", "is_apart", "layers_of"]

Kind = Literal["linear", "conv"]
INPUT = "input"
_ATTENTION = re.compile(r"(?:to_|w_?)?(?:k|v|key|value|keys|values)(?:_?(?:proj|lin|linear))?")
_APART = re.compile(r"[A-Za-z0-9_.-]{1,200}:in")


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


@dataclass(frozen=True)
class Link:
    """How a layer reads the neurons of its source.

    ``repeat`` consecutive inputs of the layer belong to one neuron of the source: 1 in a chain
    of linear layers, H * W where a linear layer reads a flattened H x W map per channel.
    """

    layer: LayerSpec
    source: str
    repeat: int


def chain_layers(layers: Sequence[LayerSpec]) -> tuple[Link, ...]:
    """Say for every layer whose outputs it reads.

    Parameters
    ----------
    layers : sequence of LayerSpec
        In the order of the network.

    Returns
    -------
    tuple of Link

    Raises
    ------
    LayerError
        If two layers have one name, a source is unknown, or the sizes do not chain.

    Examples
    --------
    >>> [(k.source, k.repeat) for k in chain_layers([
    ...     LayerSpec("conv", "conv", (4, 1, 3, 3)), LayerSpec("fc", "linear", (10, 4 * 49))])]
    [('input', 1), ('conv', 49)]
    """
    check_layers(layers)
    sizes: dict[str, int] = {}
    kinds = {layer.name: layer.kind for layer in layers}
    links: list[Link] = []
    previous = INPUT
    for layer in layers:
        source = layer.source or previous
        if source not in sizes and (is_apart(source) or source == INPUT):
            sizes[source] = layer.n_in
        if source not in sizes:
            raise LayerError(
                f"layer {layer.name}: its source {source!r} is not an earlier layer; "
                f"known: {', '.join(sizes) or 'none'}"
            )
        width = sizes[source]
        repeat = _repeat(layer, width, kinds.get(source))
        if not repeat:
            raise LayerError(
                f"layer {layer.name} takes {layer.n_in} inputs but {source} has {width} neurons; "
                "give LayerSpec(source=...) the layer it reads from"
            )
        links.append(Link(layer, source, repeat))
        sizes[layer.name] = layer.n_out
        previous = layer.name
    return tuple(links)


def _beside(name: str, before: str) -> bool:
    """Whether the name says that this does not read the layer before it.

    Keys and values of an attention read what its queries read; the recurrent weights of a cell
    read the cell.

    Examples
    --------
    >>> _beside("attn.k_proj", "attn.q_proj"), _beside("attn.out", "attn.value")
    (True, False)
    """
    (over, _, last), (others, _, _) = name.rpartition("."), before.rpartition(".")
    return over == others and (
        _ATTENTION.fullmatch(last) is not None or last.startswith("weight_hh")
    )


def is_apart(source: str) -> bool:
    """Whether this names a group of inputs apart.

    Examples
    --------
    >>> is_apart("skip:in"), is_apart("input"), is_apart("skip")
    (True, False, False)
    """
    return _APART.fullmatch(source) is not None


def _repeat(layer: LayerSpec, width: int, kind: str | None) -> int:
    """How many inputs of a layer belong to one neuron of what it reads; 0 if it does not fit."""
    repeat, rest = divmod(layer.n_in, width)
    # Only the maps of a convolution are laid out as several inputs each.
    maps = kind == "conv" and layer.kind == "linear"
    return 0 if rest or (repeat > 1 and not maps) else repeat


def apart(layers: Sequence[LayerSpec]) -> tuple[tuple[LayerSpec, ...], tuple[str, ...]]:
    """Give inputs of their own to layers that do not fit the one before them.

    What such a layer reads is not known: it begins a part of the graph that hangs together with
    nothing before it. Layers that say what they read are left as they are.

    Parameters
    ----------
    layers : sequence of LayerSpec
        In the order of the network.

    Returns
    -------
    layers : tuple of LayerSpec
    names : tuple of str
        Those that were changed.

    Examples
    --------
    >>> layers, names = apart([LayerSpec("fc1", "linear", (4, 6)), LayerSpec("b", "linear", (4, 6)),
    ...                        LayerSpec("fc2", "linear", (2, 4))])
    >>> names, layers[1].source, [link.source for link in chain_layers(layers)]
    (('b',), 'b:in', ['input', 'b:in', 'b'])
    """
    out: list[LayerSpec] = []
    names = []
    for layer in layers:
        before = out[-1] if out else None
        alone = layer.source is None and before is not None
        if (
            alone
            and before is not None
            and (_beside(layer.name, before.name) or not _repeat(layer, before.n_out, before.kind))
        ):
            layer = replace(layer, source=f"{layer.name}:in")
            names.append(layer.name)
        out.append(layer)
    return tuple(out), tuple(names)


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
