"""MobileNetV1 for 32 x 32 images, with NIST's sparse head."""

from __future__ import annotations

from torch import Tensor, nn

from topolab_trainers.models.parts import ImageShape, conv, linear, needs_shape

__all__ = ["MobileNetV1"]

# Channels and stride of the thirteen blocks. The original (for 224 x 224) has stride 2 in the
# first convolution and in block 2 as well; both are 1 here, so that 32 x 32 ends in maps of 4 x 4.
BLOCKS = (
    (64, 1), (128, 1), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip


class MobileNetV1(nn.Module):
    """Depthwise separable convolutions with batch norm, then NIST's 1024-100-200-n_out.

    Parameters
    ----------
    image_shape : tuple of int
        (C, 32, 32).
    n_out : int

    References
    ----------
    A. G. Howard et al., "MobileNets", arXiv 1704.04861 (2017); the head is NIST's.

    Examples
    --------
    >>> MobileNetV1((3, 32, 32), 10).head
    ('fc1', 'fc2', 'fc3')
    """

    name = "mobilenet"
    summary = "MobileNetV1 for 32 x 32 with NIST's head 1024-100-200-C"

    def __init__(self, image_shape: ImageShape, n_out: int) -> None:
        super().__init__()
        needs_shape(self.name, image_shape, (32,))
        self.image_shape = image_shape
        self.activation_of: dict[str, str] = {}
        self._add("conv0", conv(image_shape[0], 32, 3, padding=1, bias=False))
        width = 32
        for i, (channels, stride) in enumerate(BLOCKS, start=1):
            self._add(
                f"depth{i}",
                conv(width, width, 3, stride=stride, padding=1, groups=width, bias=False),
            )
            self._add(f"point{i}", conv(width, channels, 1, bias=False))
            width = channels
        self.fc1, self.act_fc1 = linear(1024, 100), nn.ReLU()
        self.fc2, self.act_fc2 = linear(100, 200), nn.ReLU()
        self.fc3 = linear(200, n_out)
        self.activation_of |= {"fc1": "act_fc1", "fc2": "act_fc2", "fc3": "fc3"}
        self.head = ("fc1", "fc2", "fc3")

    def _add(self, name: str, layer: nn.Conv2d) -> None:
        setattr(self, name, layer)
        setattr(self, f"norm_{name}", nn.BatchNorm2d(layer.out_channels))
        setattr(self, f"act_{name}", nn.ReLU())
        self.activation_of[name] = f"act_{name}"

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (batch, n_out), of flat images."""
        x = x.reshape(len(x), *self.image_shape)
        for name, act in self.activation_of.items():
            if name.startswith("fc"):
                break
            x = getattr(self, act)(getattr(self, f"norm_{name}")(getattr(self, name)(x)))
        x = x.mean(dim=(2, 3))
        out: Tensor = self.fc3(self.act_fc2(self.fc2(self.act_fc1(self.fc1(x)))))
        return out
