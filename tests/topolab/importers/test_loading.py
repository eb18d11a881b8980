"""Damaged and foreign files are refused by name."""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
import torch
from checkpoints import inspect, matrix, refusal
from safetensors.torch import save_file

import topolab
from topolab.importers import CheckpointError


def test_what_is_no_plain_file_is_said(series: Path) -> None:
    """Nothing is left out without a word, and a pipe is not waited for."""
    for step in (1, 2):
        torch.save({"masks": {"fc": torch.eye(3)}}, series / f"{step}.pt")
    (series / "3.pt").symlink_to(series / "nowhere.pt")
    refusal(series, "3.pt: no plain file")
    (series / "3.pt").unlink()
    os.mkfifo(series / "3.pt")
    refusal(series, "3.pt: no plain file")
    with pytest.raises(CheckpointError, match="no plain file"):
        topolab.inspect_checkpoints(series / "3.pt")
    (series / "3.pt").unlink()
    (series / "3.pt").mkdir()
    refusal(series, "3.pt: an empty folder where a checkpoint should be")


def test_damaged_files_are_refused_by_name(series: Path) -> None:
    """Cut or altered anywhere, a file is refused by name or reads as something; never a crash."""
    torch.save({"masks": {"fc": torch.eye(64)}}, series / "a_1.pt")
    save_file({"fc.weight_mask": torch.eye(64), "fc.weight": torch.eye(64)},
              series / "b_1.safetensors")  # fmt: skip
    np.savez_compressed(series / "c_1.npz", W1=np.eye(64) * 2)
    scipy.io.savemat(series / "d_1.mat", {"adjacency_matrix": np.eye(64)})
    sp.save_npz(series / "e_1.npz", sp.csr_array(np.eye(64)))
    rng = np.random.default_rng(5)
    outcomes = {"refused": 0, "read": 0}
    for path in sorted(series.iterdir()):
        whole = path.read_bytes()
        for _ in range(40):
            data = bytearray(whole)
            if rng.random() < 0.4:
                data = data[: int(rng.integers(1, len(data)))]
            else:
                for place in rng.integers(0, min(len(data), 600), 4):
                    data[place] = int(rng.integers(0, 256))
            path.write_bytes(data)
            try:
                topolab.inspect_checkpoints(path)
                outcomes["read"] += 1
            except topolab.TopolabError as error:
                assert path.name in str(error) or "layer" in str(error), error
                outcomes["refused"] += 1
        path.write_bytes(whole)
        topolab.inspect_checkpoints(path)
    assert outcomes["refused"] > 100, outcomes


def test_torch_unpacks_no_tar_archive(series: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For whatever is no pickle it tries tar, and makes a folder before it refuses."""
    made: list[str] = []
    mkdtemp = tempfile.mkdtemp

    def counted() -> str:
        made.append("x")
        return mkdtemp()

    monkeypatch.setattr(tempfile, "mkdtemp", counted)
    (series / "1.pt").write_bytes(bytes(10_240))  # what a cut file may begin with: an empty tar
    with pytest.raises(RuntimeError, match="tar"):
        torch.load(series / "1.pt", weights_only=True)
    assert made == ["x"]
    refusal(series, "1.pt: damaged", "neither as a zip archive nor as a pickle")
    assert made == ["x"]


def test_a_flipped_bit_in_a_torch_file_is_noticed(series: Path) -> None:
    """torch itself does not look at the checksums that it writes."""
    path = series / "1.pt"
    torch.save({"masks": {"fc": torch.ones(64, 64)}}, path)
    data = bytearray(path.read_bytes())
    at = data.index(struct.pack("<64f", *[1.0] * 64))
    data[at : at + 4] = bytes(4)
    path.write_bytes(data)
    assert torch.load(path, weights_only=True)["masks"]["fc"][0, 0] == 0
    refusal(series, "1.pt: damaged", "CRC")


@pytest.mark.parametrize("kind", ["torch", "npz", "compressed npz", "scipy"])
def test_no_flipped_bit_of_an_archive_goes_unnoticed(series: Path, kind: str) -> None:
    """It is refused, or changes nothing that is read."""
    rng = np.random.default_rng(8)
    matrices = {"W1": rng.random((6, 9)).round(), "W2": rng.random((4, 6)).round()}
    path = series / ("1.pt" if kind == "torch" else "1.npz")
    if kind == "torch":
        torch.save({"masks": {n: torch.from_numpy(m) for n, m in matrices.items()}}, path)
    elif kind == "scipy":
        sp.save_npz(path, sp.csr_array(matrices["W1"]))
    else:
        (np.savez if kind == "npz" else np.savez_compressed)(path, **matrices)
    whole = path.read_bytes()
    expected = topolab.import_run(series, series.parent / "whole")[0]
    refusals = 0
    for at in rng.permutation(len(whole))[:100]:
        data = bytearray(whole)
        data[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(data)
        out = series.parent / f"run{at}"
        try:
            run = topolab.import_run(series, out)
        except topolab.TopolabError:
            refusals += 1
            continue
        for name, mask in expected.masks.items():
            assert (run[0].masks[name] == mask).all(), (at, name)
        shutil.rmtree(out)
    assert refusals > 30


def test_a_torch_file_without_checksums_is_read(series: Path) -> None:
    torch.serialization.set_crc32_options(False)
    try:
        torch.save({"masks": {"fc": torch.eye(3)}}, series / "1.pt")
    finally:
        torch.serialization.set_crc32_options(True)
    assert topolab.inspect_checkpoints(series).layers[0].density_first == pytest.approx(1 / 3)


def test_files_that_are_no_checkpoints(series: Path) -> None:
    (series / "notes.txt").write_text("text")
    refusal(series, "no checkpoint was found")
    with pytest.raises(CheckpointError, match=r"notes.txt: no checkpoint of a kind"):
        topolab.inspect_checkpoints(series / "notes.txt")
    (series / "1.pt").write_bytes(b"")
    refusal(series, "1.pt: damaged")
    (series / "1.pt").unlink()
    (series / "1.mat").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 40)
    refusal(series, "1.mat", "HDF5", "-v7")
    (series / "1.mat").unlink()
    (series / "1.safetensors").write_bytes(struct.pack("<Q", 2**40) + b"{}")
    refusal(series, "1.safetensors: damaged")


@pytest.mark.parametrize("content", [b"", b"PK", b"GIF89a", b"PK\x05\x06" + bytes(18)])
def test_a_damaged_file_is_not_left_out_of_its_series(series: Path, content: bytes) -> None:
    np.savez(series / "a_1.npz", W1=matrix(4, 6), W2=matrix(3, 4))
    (series / "a_2.npz").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a_2.npz: damaged"):
        inspect(series)


def test_an_archive_that_counts_other_parts_than_it_lists_is_damaged(series: Path) -> None:
    np.savez(series / "1.npz", W1=np.eye(3), W2=np.eye(3))
    data = bytearray((series / "1.npz").read_bytes())
    assert data[-22:-18] == b"PK\x05\x06" and data[-12] == 2
    data[-12] = 3
    (series / "1.npz").write_bytes(data)
    refusal(series, "1.npz: damaged, 3 parts are expected in its archive")
