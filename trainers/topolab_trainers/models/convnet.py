"""NSH's small convolutional network."""

from __future__ import annotations

from torch import Tensor, nn

from topolab.errors import ConfigError
from topolab_trainers.models.parts import ImageShape, conv, linear

__all__ = ["ConvNet"]


class ConvNet(nn.Module):
    """Three 3 x 3 convolutions of 32, 64 and 128 channels, global average pool, linear.

    A 2 x 2 max-pool follows the first two convolutions; the paper does not say after which.

    Parameters
    ----------
    image_shape : tuple of int
        (C, H, W), at least 8 x 8.
    n_out : int

    References
    ----------
    D. Matab, E. Mocanu, B. Wu, "Survival of the Most Connected" (NSH).

    Examples
    --------
    >>> ConvNet((1, 8, 8), 10).head
    ('fc',)
    """

    name = "convnet"
    summary = "three 3 x 3 convolutions of 32, 64 and 128 channels, then linear (NSH)"

    def __init__(self, image_shape: ImageShape, n_out: int) -> None:
        super().__init__()
        if len(image_shape) != 3 or min(image_shape[1:]) < 8:
            raise ConfigError(f"model convnet takes images of at least 8 x 8, not {image_shape}")
        self.image_shape = image_shape
        widths = (image_shape[0], 32, 64, 128)
        self.activation_of: dict[str, str] = {}
        for i in (1, 2, 3):
            setattr(self, f"conv{i}", conv(widths[i - 1], widths[i], 3, padding=1))
            setattr(self, f"act{i}", nn.ReLU())
            self.activation_of[f"conv{i}"] = f"act{i}"
        self.pool = nn.MaxPool2d(2)
        self.fc = linear(128, n_out)
        self.activation_of["fc"] = "fc"
        self.head = ("fc",)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (batch, n_out), of flat images."""
        x = x.reshape(len(x), *self.image_shape)
        for i in (1, 2, 3):
            x = getattr(self, f"act{i}")(getattr(self, f"conv{i}")(x))
            if i < 3:
                x = self.pool(x)
        out: Tensor = self.fc(x.mean(dim=(2, 3)))
        return out
