"""LeNet-5, with NIST's head of three linear layers."""

from __future__ import annotations

from torch import Tensor, nn

from topolab_trainers.models.parts import ImageShape, conv, linear, needs_shape

__all__ = ["LeNet5"]


class LeNet5(nn.Module):
    """Two 5 x 5 convolutions of 6 and 16 channels with max-pooling, then 400-120-84-n_out.

    Parameters
    ----------
    image_shape : tuple of int
        (C, 28, 28), padded by 2 as in the original, or (C, 32, 32).
    n_out : int

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86 (1998); ReLU and max-pooling in place of its own.

    Examples
    --------
    >>> LeNet5((1, 28, 28), 10).head
    ('fc1', 'fc2', 'fc3')
    """

    name = "lenet5"
    summary = "LeNet-5: two convolutions, then 400-120-84-C"

    def __init__(self, image_shape: ImageShape, n_out: int) -> None:
        super().__init__()
        needs_shape(self.name, image_shape, (28, 32))
        self.image_shape = image_shape
        self.conv1 = conv(image_shape[0], 6, 5, padding=2 if image_shape[1] == 28 else 0)
        self.act1 = nn.ReLU()
        self.conv2 = conv(6, 16, 5)
        self.act2 = nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.fc1, self.act3 = linear(400, 120), nn.ReLU()
        self.fc2, self.act4 = linear(120, 84), nn.ReLU()
        self.fc3 = linear(84, n_out)
        self.head = ("fc1", "fc2", "fc3")
        self.activation_of = {
            "conv1": "act1", "conv2": "act2", "fc1": "act3", "fc2": "act4", "fc3": "fc3",
        }  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (batch, n_out), of flat images."""
        x = x.reshape(len(x), *self.image_shape)
        x = self.pool(self.act1(self.conv1(x)))
        x = self.pool(self.act2(self.conv2(x))).flatten(1)
        out: Tensor = self.fc3(self.act4(self.fc2(self.act3(self.fc1(x)))))
        return out
