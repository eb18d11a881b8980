"""What a convention is: `detect` says whether a checkpoint follows it, `read` takes it apart."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from topolab.errors import TopolabError

__all__ = [
    "CheckpointContent",
    "CheckpointError",
    "FileKind",
    "FoundLayer",
    "Importer",
    "Kind",
    "Order",
    "Reading",
    "UnsafeFileError",
]

Kind = Literal["torch", "safetensors", "npz", "scipy", "matlab"]
#: What a file is by its first bytes; `Kind` is what is made of it.
FileKind = Literal["torch", "legacy", "safetensors", "npz", "scipy", "matlab", "hdf5", "npy"]
Order = Literal["out-in", "in-out"]


class CheckpointError(TopolabError):
    """A checkpoint that is damaged, contradicts itself or the others, or claims too much."""


class UnsafeFileError(CheckpointError):
    """A file that cannot be read without running code from it.

    Attributes
    ----------
    globals : tuple of str
        The functions and classes it would call.
    snippet : str
        Python lines that convert it, to be run where the file is trusted.
    """

    def __init__(self, message: str, globals_: Sequence[str], snippet: str) -> None:
        super().__init__(message)
        self.globals = tuple(globals_)
        self.snippet = snippet


@dataclass(frozen=True)
class CheckpointContent:
    """One checkpoint, loaded without running anything.

    Parameters
    ----------
    kind : {"torch", "safetensors", "npz", "scipy", "matlab"}
    label : str
        The file or folder, for errors.
    value : object
        What ``torch.load`` gave; or a dict of tensors (safetensors), of arrays (npz), or of
        matrices by layer (scipy, matlab).
    max_bytes : int
        No array may claim more, and all together no more than that or four times `size`.
    size : int
        Of the file, or the files, in bytes.
    ordered : bool
        Whether the layers lie in the order of the network, as far as the file can tell.
    claims : dict of int to int
        What was read so far: bytes by the identity of the tensor. `as_array` and the like keep it.
    """

    kind: Kind
    label: str
    value: Any
    max_bytes: int = 4 * 2**30
    size: int = 0
    ordered: bool = True
    claims: dict[int, int] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class FoundLayer:
    """One layer of one checkpoint, as it lies in the file.

    Parameters
    ----------
    name : str
    mask : ndarray of bool, optional
        None for a dense layer.
    weight : ndarray, optional
        Of the same shape; there is always one of the two.
    """

    name: str
    mask: npt.NDArray[np.bool_] | None
    weight: npt.NDArray[Any] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape in the file."""
        array = self.weight if self.mask is None else self.mask
        return () if array is None else array.shape


@dataclass(frozen=True)
class Reading:
    """What `Importer.read` returns: the layers in the order of the network, and remarks."""

    layers: tuple[FoundLayer, ...]
    remarks: tuple[str, ...] = field(default=())


class Importer(ABC):
    """A convention in which people keep masks. Subclass it and name it as an entry point.

    Attributes
    ----------
    name : str
        As in the entry point.
    summary : str
        One sentence: the layout and who writes it.
    rank : int
        Of several that match, the highest is taken: the most specific.
    order : {"out-in", "in-out"}
        How the convention usually lays a weight matrix out.
    chain : bool
        Whether the orientation is found by chaining the shapes (True), or always `order`.
    remark : str
        Said of every import of this convention.
    from_zeros : bool
        Whether there are no masks: a weight that is 0 is taken as absent.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    rank: ClassVar[int]
    order: ClassVar[Order] = "out-in"
    chain: ClassVar[bool] = False
    remark: ClassVar[str] = ""
    from_zeros: ClassVar[bool] = False

    @abstractmethod
    def detect(self, content: CheckpointContent) -> bool:
        """Whether this checkpoint follows the convention; never raises, whatever is in it."""

    @abstractmethod
    def read(self, content: CheckpointContent, order: Sequence[str] | None = None) -> Reading:
        """Take the layers out.

        Parameters
        ----------
        content : CheckpointContent
        order : sequence of str, optional
            The names of the layers in the order of the network, where the user gave them.

        Raises
        ------
        CheckpointError
            Naming the file and the layer.
        """
