"""MATLAB's files: read as scipy reads them, and no further than they go."""

from __future__ import annotations

import io
import resource
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from checkpoints import inspect, refusal

from topolab.importers import CheckpointError
from topolab.importers.matfile import read_matrices


def test_a_matlab_bomb_is_not_unpacked(series: Path) -> None:
    """An entry may say that it is small and unpack to much: no more than allowed is unpacked."""
    scipy.io.savemat(series / "1.mat", {"A": np.zeros((2000, 2000))}, do_compression=True)
    data = bytearray((series / "1.mat").read_bytes())
    body = bytearray(zlib.decompress(bytes(data[136:])))
    shape = body.index(struct.pack("<ii", 2000, 2000))
    body[shape : shape + 8] = struct.pack("<ii", 2, 2)
    packed = zlib.compress(bytes(body))
    data[128:] = struct.pack("<II", 15, len(packed)) + packed
    (series / "1.mat").write_bytes(data)
    refusal(series, "1.mat: damaged", max_bytes=2**16)


def test_gigabytes_of_nothing_behind_a_matlab_file_take_no_time(series: Path) -> None:
    """Found by the mutation job: entries of no kind were skipped one by one."""
    path = series / "1.mat"
    scipy.io.savemat(path, {"A": np.eye(3)})
    size = path.stat().st_size
    with path.open("ab") as file:
        file.truncate(size + 2**33)  # a hole: it takes no room on the disk
    refusal(series, "1.mat: damaged", "an entry of no kind")
    with path.open("r+b") as file:
        file.truncate(size)
        file.seek(size)
        file.write(struct.pack("<IIQ", 1, 8, 0) * 100_001)
    refusal(series, "1.mat: damaged", "more than 100,000 entries")


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize(
    "matrix",
    [
        np.arange(12.0).reshape(3, 4), np.arange(12, dtype=np.int16).reshape(4, 3),
        np.eye(5) > 0, np.ones((1, 2), dtype=np.float32), sp.csc_matrix(np.eye(4, 3) * 2.5),
        sp.csr_matrix((3, 2)), np.arange(6, dtype=np.uint8).reshape(3, 2),
    ],
)  # fmt: skip
def test_matlab_files_are_read_as_scipy_reads_them(
    series: Path, matrix: Any, compressed: bool
) -> None:
    path = series / "1.mat"
    others = {"text": "abc", "s": {"x": 1}, "c": np.array(["a"], dtype=object)}
    values = {"A": matrix, **others, "a_much_longer_name": matrix}
    scipy.io.savemat(path, values, do_compression=compressed)
    expected = scipy.io.loadmat(path)
    found = read_matrices(path, 2**30)
    assert list(found) == ["A", "a_much_longer_name"]
    for name, value in found.items():
        wanted = expected[name]
        if sp.issparse(wanted):
            wanted, value = wanted.toarray(), value.toarray()
        assert value.shape == wanted.shape and (value == wanted).all()


def test_a_matlab_file_of_a_huge_shape_is_refused(series: Path) -> None:
    scipy.io.savemat(series / "1.mat", {"adjacency_matrix": np.eye(64)})
    refusal(series, "1.mat", "adjacency_matrix claims the shape (64, 64)", max_bytes=2**10)


def test_a_matlab_file_is_unpacked_as_far_as_its_shape_goes(series: Path) -> None:
    whole = io.BytesIO()
    scipy.io.savemat(whole, {"a": np.ones((5000, 5000))}, do_compression=True)
    import struct
    import zlib

    data = whole.getvalue()
    body = zlib.decompress(data[136:])
    at = body.index(struct.pack("<2i", 5000, 5000))
    small = body[:at] + struct.pack("<2i", 2, 2) + body[at + 8 :]
    packed = zlib.compress(small)
    path = series / "1.mat"
    path.write_bytes(data[:128] + struct.pack("<2I", 15, len(packed)) + packed)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError, match="damaged"):
        inspect(series)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024
