"""Random generators, each for one purpose, all from the run's seed.

A generator is made anew for each use (an epoch's batches, one layer's update at one step), so that
nothing about them has to be saved to continue a training, and no use depends on how much another
has drawn. Drawing always happens on the CPU: a mask is the same on every device.
"""

from __future__ import annotations

import hashlib

import torch

__all__ = ["generator"]


def generator(seed: int, *purpose: str | int) -> torch.Generator:
    """A CPU generator for a purpose, say ``generator(seed, "topology", "fc1", 400)``.

    Examples
    --------
    >>> a, b = (generator(1, "batches", epoch) for epoch in (0, 1))
    >>> bool(torch.equal(torch.randperm(50, generator=a), torch.randperm(50, generator=b)))
    False
    """
    text = "/".join(str(part) for part in (seed, *purpose))
    digest = hashlib.sha256(text.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
