"""AlexNet for 32 x 32 images, with NIST's head of three linear layers."""

from __future__ import annotations

from torch import Tensor, nn

from topolab_trainers.models.parts import ImageShape, conv, linear, needs_shape

__all__ = ["AlexNet"]

CHANNELS = (64, 192, 384, 256, 256)
POOLED = (1, 2, 5)


class AlexNet(nn.Module):
    """Five 3 x 3 convolutions down to 256 maps of 4 x 4, then 4096-4096-4096-n_out.

    Parameters
    ----------
    image_shape : tuple of int
        (C, 32, 32).
    n_out : int

    Notes
    -----
    The usual reduction of A. Krizhevsky, I. Sutskever, G. E. Hinton (NIPS 2012) to small images:
    kernels of 3 x 3 with stride 1, a 2 x 2 max-pool after convolutions 1, 2 and 5; no dropout.

    Examples
    --------
    >>> AlexNet((3, 32, 32), 10).fc1.in_features
    4096
    """

    name = "alexnet"
    summary = "AlexNet for 32 x 32: five convolutions, then 4096-4096-4096-C"

    def __init__(self, image_shape: ImageShape, n_out: int) -> None:
        super().__init__()
        needs_shape(self.name, image_shape, (32,))
        self.image_shape = image_shape
        self.activation_of: dict[str, str] = {}
        width = image_shape[0]
        for i, channels in enumerate(CHANNELS, start=1):
            setattr(self, f"conv{i}", conv(width, channels, 3, padding=1))
            setattr(self, f"act{i}", nn.ReLU())
            self.activation_of[f"conv{i}"] = f"act{i}"
            width = channels
        self.pool = nn.MaxPool2d(2)
        self.fc1, self.act6 = linear(256 * 4 * 4, 4096), nn.ReLU()
        self.fc2, self.act7 = linear(4096, 4096), nn.ReLU()
        self.fc3 = linear(4096, n_out)
        self.activation_of |= {"fc1": "act6", "fc2": "act7", "fc3": "fc3"}
        self.head = ("fc1", "fc2", "fc3")

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (batch, n_out), of flat images."""
        x = x.reshape(len(x), *self.image_shape)
        for i in range(1, 6):
            x = getattr(self, f"act{i}")(getattr(self, f"conv{i}")(x))
            if i in POOLED:
                x = self.pool(x)
        out: Tensor = self.fc3(self.act7(self.fc2(self.act6(self.fc1(x.flatten(1))))))
        return out
