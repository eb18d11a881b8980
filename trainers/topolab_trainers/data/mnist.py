"""MNIST: 70,000 handwritten digits, 28 x 28, with the authors' split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from topolab_trainers.data.idx_source import IdxSource

__all__ = ["MNIST", "Mnist"]


class Mnist(IdxSource):
    """Four IDX files: see `IdxSource`. ``TOPOLAB_MNIST_URL`` names another server.

    Every file is checked by the SHA-256 of its decompressed content, a download by that of the
    gzipped file too.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86 (1998).
    """

    name = "mnist"
    summary = "28 x 28 handwritten digits, 60,000 + 10,000, local IDX files or a checked download"
    title = "MNIST"
    url = "https://ossci-datasets.s3.amazonaws.com/mnist"
    variable = "TOPOLAB_MNIST_URL"
    counts = (
        (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
        (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
    )
    files: ClassVar[Mapping[str, str | None]] = {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }
    published: ClassVar[Mapping[str, str]] = {
        "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    }


MNIST = Mnist()
