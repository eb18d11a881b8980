"""The chain of layers: which layer reads which, and how many of its inputs belong to one neuron."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from topolab.errors import LayerError
from topolab.layers import INPUT, LayerSpec, check_layers

__all__ = ["Link", "chain_layers", "is_apart", "separate_layers", "set_apart"]

_ATTENTION = re.compile(r"(?:to_|w_?)?(?:k|v|key|value|keys|values)(?:_?(?:proj|lin|linear))?")
_APART = re.compile(r"[A-Za-z0-9_.-]{1,200}:in")


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


def separate_layers(layers: Sequence[LayerSpec]) -> tuple[Link, ...]:
    """Every layer as a graph of its own, which reads inputs of its own: ``<layer>:in``.

    Examples
    --------
    >>> [(k.source, k.repeat) for k in separate_layers([LayerSpec("fc", "linear", (2, 3))])]
    [('fc:in', 1)]
    """
    # No layer's name holds a colon, so no layer has this one.
    return tuple(Link(layer, f"{layer.name}:in", 1) for layer in layers)


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


def set_apart(layers: Sequence[LayerSpec]) -> tuple[tuple[LayerSpec, ...], tuple[str, ...]]:
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
    >>> layers, names = set_apart([
    ...     LayerSpec("fc1", "linear", (4, 6)), LayerSpec("b", "linear", (4, 6)),
    ...     LayerSpec("fc2", "linear", (2, 4))])
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
