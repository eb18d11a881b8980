"""The data sets themselves, where they are on this machine."""

from __future__ import annotations

import pytest

from topolab_trainers.data.cifar import CIFAR10, CIFAR100
from topolab_trainers.data.covertype import COVERTYPE
from topolab_trainers.data.emnist import EMNIST_BALANCED
from topolab_trainers.data.mnist import MNIST

REAL = {"mnist": MNIST, "emnist-balanced": EMNIST_BALANCED, "cifar10": CIFAR10,
        "cifar100": CIFAR100, "covertype": COVERTYPE}  # fmt: skip
HERE = {name: source.where() for name, source in REAL.items()}


@pytest.mark.parametrize("name", list(REAL))
def test_the_real_ones(name: str) -> None:
    if HERE[name] is None:
        pytest.skip(f"{name} is not on this machine")
    data = REAL[name].load()
    sizes = {"mnist": (60_000, 10_000), "emnist-balanced": (112_800, 18_800),
             "covertype": (11_340, 565_892)}  # fmt: skip
    assert (len(data.x_train), len(data.x_test)) == sizes.get(name, (50_000, 10_000))


def test_published_figures() -> None:
    assert MNIST.counts[0] == (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
    assert MNIST.counts[1] == (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    assert set(MNIST.published) == set(MNIST.files)
    assert EMNIST_BALANCED.counts == ((2400,) * 47, (400,) * 47) and EMNIST_BALANCED.transposed
    assert (CIFAR10.classes, CIFAR10.label_bytes) == (10, 1)
    assert (CIFAR100.classes, CIFAR100.label_bytes) == (100, 2)
    assert COVERTYPE.counts == (211840, 283301, 35754, 2747, 9493, 17367, 20510)
