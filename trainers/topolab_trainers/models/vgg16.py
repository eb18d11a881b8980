"""VGG16 for 32 x 32 images, with NIST's head of three linear layers."""

from __future__ import annotations

from torch import Tensor, nn

from topolab_trainers.models.parts import ImageShape, conv, linear, needs_shape

__all__ = ["VGG16"]

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


class VGG16(nn.Module):
    """Thirteen 3 x 3 convolutions with batch norm in five stages, then 512-4096-4096-n_out.

    Parameters
    ----------
    image_shape : tuple of int
        (C, 32, 32).
    n_out : int

    References
    ----------
    K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image
    recognition", ICLR 2015; batch norm and the smaller first linear layer are the usual
    reduction to 32 x 32. No dropout.

    Examples
    --------
    >>> len(VGG16((3, 32, 32), 10).activation_of)
    16
    """

    name = "vgg16"
    summary = "VGG16 for 32 x 32: 13 convolutions with batch norm, then 512-4096-4096-C"

    def __init__(self, image_shape: ImageShape, n_out: int) -> None:
        super().__init__()
        needs_shape(self.name, image_shape, (32,))
        self.image_shape = image_shape
        self.activation_of: dict[str, str] = {}
        width, i = image_shape[0], 0
        for channels, count in STAGES:
            for _ in range(count):
                i += 1
                setattr(self, f"conv{i}", conv(width, channels, 3, padding=1, bias=False))
                setattr(self, f"norm{i}", nn.BatchNorm2d(channels))
                setattr(self, f"act{i}", nn.ReLU())
                self.activation_of[f"conv{i}"] = f"act{i}"
                width = channels
        self.pool = nn.MaxPool2d(2)
        self.fc1, self.act14 = linear(512, 4096), nn.ReLU()
        self.fc2, self.act15 = linear(4096, 4096), nn.ReLU()
        self.fc3 = linear(4096, n_out)
        self.activation_of |= {"fc1": "act14", "fc2": "act15", "fc3": "fc3"}
        self.head = ("fc1", "fc2", "fc3")

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (batch, n_out), of flat images."""
        x = x.reshape(len(x), *self.image_shape)
        i = 0
        for _, count in STAGES:
            for _ in range(count):
                i += 1
                x = getattr(self, f"norm{i}")(getattr(self, f"conv{i}")(x))
                x = getattr(self, f"act{i}")(x)
            x = self.pool(x)
        out: Tensor = self.fc3(self.act15(self.fc2(self.act14(self.fc1(x.flatten(1))))))
        return out
