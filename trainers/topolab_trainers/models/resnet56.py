"""ResNet-56 for 32 x 32 images."""

from __future__ import annotations

from torch import Tensor, nn

from topolab_trainers.models.parts import ImageShape, conv, linear, needs_shape

__all__ = ["ResNet56"]

STAGES = (16, 32, 64)
BLOCKS = 9


class ResNet56(nn.Module):
    """Three stages of nine blocks of two 3 x 3 convolutions, with parameter-free shortcuts.

    Where a stage begins, the shortcut takes every second pixel and fills new channels with 0
    (option A of the paper). Shortcuts have no weights, so masks, and the layered graph, see the
    chain of convolutions only.

    Parameters
    ----------
    image_shape : tuple of int
        (C, 32, 32).
    n_out : int

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR 2016.

    Examples
    --------
    >>> len(ResNet56((3, 32, 32), 10).activation_of)
    56
    """

    name = "resnet56"
    summary = "ResNet-56 for 32 x 32, shortcuts without weights"

    def __init__(self, image_shape: ImageShape, n_out: int) -> None:
        super().__init__()
        needs_shape(self.name, image_shape, (32,))
        self.image_shape = image_shape
        self.activation_of: dict[str, str] = {}
        self._add("conv0", conv(image_shape[0], 16, 3, padding=1, bias=False))
        width = 16
        for s, channels in enumerate(STAGES, start=1):
            for b in range(1, BLOCKS + 1):
                stride = 2 if s > 1 and b == 1 else 1
                first = conv(width, channels, 3, stride=stride, padding=1, bias=False)
                self._add(f"s{s}b{b}a", first)
                self._add(f"s{s}b{b}b", conv(channels, channels, 3, padding=1, bias=False))
                width = channels
        self.fc = linear(64, n_out)
        self.activation_of["fc"] = "fc"
        self.head = ("fc",)

    def _add(self, name: str, layer: nn.Conv2d) -> None:
        setattr(self, name, layer)
        setattr(self, f"norm_{name}", nn.BatchNorm2d(layer.out_channels))
        setattr(self, f"act_{name}", nn.ReLU())
        self.activation_of[name] = f"act_{name}"

    def _normed(self, name: str, x: Tensor) -> Tensor:
        out: Tensor = getattr(self, f"norm_{name}")(getattr(self, name)(x))
        return out

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (batch, n_out), of flat images."""
        x = x.reshape(len(x), *self.image_shape)
        x = getattr(self, "act_conv0")(self._normed("conv0", x))  # noqa: B009
        for s in range(1, len(STAGES) + 1):
            for b in range(1, BLOCKS + 1):
                name = f"s{s}b{b}"
                inner = getattr(self, f"act_{name}a")(self._normed(f"{name}a", x))
                inner = self._normed(f"{name}b", inner)
                x = getattr(self, f"act_{name}b")(inner + _shortcut(x, inner))
        out: Tensor = self.fc(x.mean(dim=(2, 3)))
        return out


def _shortcut(x: Tensor, like: Tensor) -> Tensor:
    if x.shape == like.shape:
        return x
    x = x[:, :, ::2, ::2]
    return nn.functional.pad(x, (0, 0, 0, 0, 0, like.shape[1] - x.shape[1]))
