"""Fashion-MNIST: 70,000 images of clothes, 28 x 28, with the authors' split."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from topolab_trainers.data.idx_source import IdxSource

__all__ = ["FASHION_MNIST", "FashionMnist"]

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


class FashionMnist(IdxSource):
    """Four IDX files: see `IdxSource`; also from Debian's package dataset-fashion-mnist.

    ``TOPOLAB_FASHION_MNIST_URL`` names another server for the download.

    References
    ----------
    H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine
    learning algorithms", arXiv 1708.07747 (2017).
    """

    name = "fashion-mnist"
    summary = "28 x 28 images of clothes, 60,000 + 10,000, local IDX files or a checked download"
    title = "Fashion-MNIST"
    url = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
    variable = "TOPOLAB_FASHION_MNIST_URL"
    advice = "get it with: apt-get install dataset-fashion-mnist, or "
    counts = ((6_000,) * 10, (1_000,) * 10)
    debian: ClassVar[Path] = DEBIAN
    # SHA-256 of the decompressed files.
    files: ClassVar[Mapping[str, str | None]] = {
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    }

    def elsewhere(self) -> list[Path]:
        """The folder of Debian's package."""
        return [self.debian]


FASHION_MNIST = FashionMnist()
