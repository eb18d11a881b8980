"""Networks whose layers are masked, one file each, and how their weights start.

They are found by entry point, in the group ``topolab.models``. A network takes flat inputs
``(batch, C * H * W)`` and gives logits. It says which of its layers form the ``head`` (its last
linear layers) and, in ``activation_of``, after which module each layer's neurons have their
activation. Its class is made as ``cls(image_shape, n_out)``; one that takes any inputs says
``needs_images = False`` and is made as ``cls(n_in, hidden, n_out, norm=norm)``.
"""

from __future__ import annotations

from torch import nn

from topolab.errors import ConfigError
from topolab.registry import find
from topolab_trainers.models.initialise import initialise
from topolab_trainers.models.mlp import MLP

__all__ = ["MLP", "build", "initialise"]


def build(
    name: str,
    *,
    n_in: int,
    image_shape: tuple[int, int, int] | None,
    n_out: int,
    hidden: tuple[int, ...],
    norm: str,
) -> nn.Module:
    """A network by name, its weights not yet initialised.

    Raises
    ------
    ConfigError
        If the network needs images and the data has none, or of another size.

    Examples
    --------
    >>> model = build("mlp", n_in=6, image_shape=None, n_out=2, hidden=(4,), norm="none")
    >>> model.head
    ('fc1', 'fc2')
    """
    model = find("models", name)
    if not getattr(model, "needs_images", True):
        flat: nn.Module = model(n_in, hidden, n_out, norm=norm)
        return flat
    if image_shape is None:
        raise ConfigError(f"model {name} needs images, and this data set has none; use --model mlp")
    network: nn.Module = model(image_shape, n_out)
    return network
