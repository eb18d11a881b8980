"""No size that a file claims is believed before it is checked."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from checkpoints import archive, inspect, member, refusal

from topolab.importers import CheckpointError


def test_a_zip_bomb_is_refused_before_it_is_unpacked(series: Path) -> None:
    size = 2**12
    archive(series / "1.npz", {"W1.npy": member((size, size), data=bytes(4 * size * size))})
    assert (series / "1.npz").stat().st_size < 2**20
    refusal(series, "1.npz", "would unpack to 0.1 GiB", max_bytes=2**20)


def test_a_shape_larger_than_its_file_is_refused(series: Path) -> None:
    archive(series / "1.npz", {"W1.npy": member((10**6, 10**6))})
    refusal(series, "1.npz", "W1 claims the shape (1000000, 1000000)")


def test_a_torch_tensor_of_a_huge_shape_is_refused(series: Path) -> None:
    torch.save({"fc.weight": torch.zeros(1).expand(10**6, 10**6)}, series / "1.pt")
    refusal(series, "1.pt", "layer fc claims the shape (1000000, 1000000)", "max_bytes")


def test_a_sparse_tensor_of_a_huge_shape_is_refused(series: Path) -> None:
    tensor = torch.sparse_coo_tensor(torch.zeros(2, 1, dtype=torch.long), torch.ones(1),
                                     (10**6, 10**6), check_invariants=True)  # fmt: skip
    torch.save({"fc.weight": tensor}, series / "1.pt")
    refusal(series, "1.pt", "layer fc claims the shape")


def test_a_scipy_matrix_of_a_huge_shape_or_wild_indices_is_refused(series: Path) -> None:
    matrix = sp.csr_matrix(([1.0], ([0], [0])), shape=(10**6, 10**6))
    sp.save_npz(series / "l1.npz", matrix)
    refusal(series, "layer l1 claims the shape")
    np.savez(series / "l1.npz", format=b"csr", shape=[2, 2], data=np.ones(1),
             indices=np.array([7]), indptr=np.array([0, 1, 1]))  # fmt: skip
    refusal(series, "l1.npz: damaged")
    np.savez(series / "l1.npz", format=b"coo", shape=[2, 2], data=np.ones(1),
             row=np.array([0]), col=np.array([-5]))  # fmt: skip
    refusal(series, "l1")


def test_sparse_tensors_with_wild_indices_are_refused(series: Path) -> None:
    """torch itself would read beyond the memory of these."""
    wild = torch.sparse_coo_tensor(
        torch.tensor([[0, 9], [0, -3]]), torch.ones(2), (2, 2), check_invariants=False
    )
    torch.save({"fc.weight": wild}, series / "1.pt")
    refusal(series, "1.pt", "layer fc is damaged, its indices do not fit (2, 2)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its CSR layout a beta
        wild = torch.sparse_csr_tensor(
            torch.tensor([0, 1, 9]), torch.tensor([0, 7]), torch.ones(2), (2, 2),
            check_invariants=False,
        )  # fmt: skip
        torch.save({"fc.weight": wild}, series / "1.pt")
    refusal(series, "1.pt", "layer fc is damaged")


def peak_of(lines: str, path: Path, gib: float) -> int:
    """Growth of the largest resident memory, MiB, in a process of its own that must refuse."""
    code = f"""
import resource, sys
import numpy, scipy.sparse, torch, topolab, topolab.importers
from safetensors import safe_open
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    topolab.inspect_checkpoints({str(path)!r}, max_bytes=int({gib} * 2**30))
except topolab.TopolabError as error:
    assert "max_bytes" in str(error), error
else:
    raise SystemExit("accepted")
{lines}
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_claims_are_held_against_the_limit_before_they_are_looked_at(series: Path) -> None:
    wide = torch.ones(1, 1, dtype=torch.int8).expand(16384, 16384)
    torch.save({"fc.weight": wide}, series / "1.pt")
    assert peak_of("", series, 0.001) < 100
    with pytest.raises(CheckpointError, match="claims the shape"):
        inspect(series, format="auto", max_bytes=2**20)


def test_claims_are_summed(series: Path) -> None:
    layers = {f"l{i}.weight": torch.ones(1, 1).expand(4096, 4096) for i in range(64)}
    torch.save(layers, series / "1.pt")
    assert peak_of("", series, 0.08) < 300
