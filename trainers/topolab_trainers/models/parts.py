"""What the convolutional networks share."""

from __future__ import annotations

from torch import nn

from topolab.errors import ConfigError

__all__ = ["conv", "linear", "needs_shape"]

ImageShape = tuple[int, int, int]


def conv(
    n_in: int, n_out: int, kernel: int, *, stride: int = 1, padding: int = 0, groups: int = 1,
    bias: bool = True,
) -> nn.Conv2d:  # fmt: skip
    """A convolution whose weights are not initialised."""
    layer: nn.Conv2d = nn.utils.skip_init(  # type: ignore[no-untyped-call]
        nn.Conv2d, n_in, n_out, kernel, stride=stride, padding=padding, groups=groups, bias=bias
    )
    return layer


def linear(n_in: int, n_out: int) -> nn.Linear:
    """A linear layer whose weights are not initialised."""
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, n_in, n_out)  # type: ignore[no-untyped-call]
    return layer


def needs_shape(name: str, shape: ImageShape, sizes: tuple[int, ...]) -> None:
    """Refuse images of another size.

    Raises
    ------
    ConfigError
        Naming the sizes that are possible.
    """
    if len(shape) != 3 or shape[1] != shape[2] or shape[1] not in sizes:
        possible = " or ".join(f"{size} x {size}" for size in sizes)
        raise ConfigError(
            f"model {name} takes images of {possible}, and these are "
            f"{' x '.join(map(str, shape[1:]))}"
        )
