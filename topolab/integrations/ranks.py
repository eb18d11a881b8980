"""Several processes that train one model: one writes, and all must hold the same masks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist

from topolab.errors import LayerError, RunError

__all__ = ["Ranks"]


class Ranks:
    """The processes of a distributed training, or the only one.

    Parameters
    ----------
    together : bool
        False where one rank alone records: nothing is sent, nothing is compared.
    """

    def __init__(self, together: bool = True) -> None:
        several = together and dist.is_available() and dist.is_initialized()
        self.size = dist.get_world_size() if several else 1
        self.rank = dist.get_rank() if several else 0
        self._device = torch.device("cpu")
        if several and dist.get_backend() == "nccl":
            self._device = torch.device("cuda", torch.cuda.current_device())

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def agree(self, packed: Mapping[str, npt.NDArray[np.uint8]]) -> None:
        """Refuse masks that are not the same on all ranks.

        32 bytes a layer are exchanged, and a mask only where they differ.

        Parameters
        ----------
        packed : mapping of str to ndarray of uint8
            The masks of this rank, packed.

        Raises
        ------
        LayerError
            On every rank: the first layer that differs, and at how many positions.
        """
        if self.size == 1:
            return
        digests = b"".join(hashlib.sha256(bits.tobytes()).digest() for bits in packed.values())
        everywhere = self._gather(np.frombuffer(digests, dtype=np.uint8))
        for index, name in enumerate(packed):
            part = [ranks[32 * index : 32 * index + 32] for ranks in everywhere]
            if all(np.array_equal(part[0], other) for other in part[1:]):
                continue
            masks = self._gather(packed[name])
            counts = [int(np.bitwise_count(masks[0] ^ mask).sum()) for mask in masks]
            text = ", ".join(f"rank {r} at {n}" for r, n in enumerate(counts) if n)
            raise LayerError(
                f"layer {name}: the ranks hold different masks, against rank 0 differ {text} "
                f"positions (of {8 * len(masks[0])} at the most); broadcast the masks after each "
                "topology update, or attach on one rank with ranks=False"
            )

    def _gather(self, values: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
        mine = torch.from_numpy(values.copy()).to(self._device)
        parts = [torch.empty_like(mine) for _ in range(self.size)]
        dist.all_gather(parts, mine)
        return [part.cpu().numpy() for part in parts]

    def from_first(self, number: int) -> int:
        """The number that rank 0 has."""
        if self.size == 1:
            return number
        shared = torch.tensor([number], device=self._device)
        dist.broadcast(shared, src=0)
        return int(shared.item())

    def first_does(self, action: Callable[[], None], what: str) -> None:
        """Do something on rank 0; if it fails there, every rank gets an error.

        Raises
        ------
        RunError
            On the other ranks, if it failed on rank 0, where its own error is raised.
        """
        if self.size == 1:
            action()
            return
        error: BaseException | None = None
        if self.writes:
            try:
                action()
            except BaseException as raised:
                error = raised
        failed = torch.tensor([0 if error is None else 1], device=self._device)
        dist.broadcast(failed, src=0)
        if error is not None:
            raise error
        if failed.item():
            raise RunError(f"{what} failed on rank 0, whose message says why")

    def each_does(self, action: Callable[[], None], what: str) -> None:
        """Do something on every rank; if it fails on one, every rank gets an error.

        Raises
        ------
        RunError
            On the ranks where it did not fail; where it failed its own error is raised.
        """
        if self.size == 1:
            action()
            return
        error: BaseException | None = None
        try:
            action()
        except BaseException as raised:
            error = raised
        flags = self._gather(np.array([error is not None], dtype=np.uint8))
        if error is not None:
            raise error
        failed = [str(rank) for rank, flag in enumerate(flags) if flag[0]]
        if failed:
            raise RunError(f"{what} failed on rank {', '.join(failed)}, whose message says why")
