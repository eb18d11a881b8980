"""Networks whose layers are masked, one file each, and how their weights start.

A network takes flat inputs ``(batch, C * H * W)`` and gives logits. It says which of its layers
form the ``head`` (its last linear layers) and, in ``activation_of``, after which module each
layer's neurons have their activation.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from topolab.errors import ConfigError
from topolab_trainers.models.alexnet import AlexNet
from topolab_trainers.models.convnet import ConvNet
from topolab_trainers.models.initialise import WEIGHT_INITS, initialise
from topolab_trainers.models.lenet5 import LeNet5
from topolab_trainers.models.mlp import MLP, NORMS
from topolab_trainers.models.mobilenet import MobileNetV1
from topolab_trainers.models.resnet56 import ResNet56
from topolab_trainers.models.vgg16 import VGG16

__all__ = ["MLP", "MODELS", "NORMS", "WEIGHT_INITS", "build", "initialise"]

MODELS: dict[str, Any] = {
    cls.name: cls for cls in (MLP, ConvNet, LeNet5, AlexNet, VGG16, MobileNetV1, ResNet56)
}


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
    if name == MLP.name:
        return MLP(n_in, hidden, n_out, norm=norm)
    if image_shape is None:
        raise ConfigError(f"model {name} needs images, and this data set has none; use --model mlp")
    network: nn.Module = MODELS[name](image_shape, n_out)
    return network
