"""Nothing of a foreign file is run or believed, and a failed import leaves nothing behind."""

from __future__ import annotations

import ast
import io
import os
import pickle
import shutil
import struct
import tempfile
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
import torch
from safetensors.torch import save_file

import topolab
from topolab.importers import CheckpointError, UnsafeFileError
from topolab.importers.loading import pickle_globals
from topolab.importers.matfile import read_matrices

SOURCE = Path(topolab.__file__).parent


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


def refused(folder: Path, *words: str, **options: Any) -> str:
    """The import fails with these words, and leaves nothing."""
    out = folder.parent / "run"
    with pytest.raises(topolab.TopolabError) as caught:
        topolab.import_run(folder, out, **options)
    message = str(caught.value)
    for word in words:
        assert word in message, message
    assert "\n" not in message
    assert not out.exists()
    assert not [p for p in folder.parent.iterdir() if p.name.startswith(".")]
    return message


# -- code ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("new", [True, False], ids=["zip", "old"])
def test_a_torch_file_with_code_is_refused_and_not_run(series: Path, new: bool) -> None:
    made = series.parent / "made"
    torch.save(
        {"masks": {"fc": torch.eye(3)}, "args": Payload(made)}, series / "1.pt",
        _use_new_zipfile_serialization=new,
    )  # fmt: skip
    with pytest.raises(UnsafeFileError) as caught:
        topolab.inspect_checkpoints(series)
    assert not made.exists()
    assert any(name.endswith(".mkdir") for name in caught.value.globals), caught.value.globals
    assert "mkdir" in str(caught.value) and "1.pt: refused" in str(caught.value)


def test_the_snippet_converts(series: Path) -> None:
    import argparse

    from numpy import float64

    value = {"masks": {"fc": torch.eye(3)}, "args": argparse.Namespace(lr=1), "acc": float64(0.5)}
    torch.save(value, series / "1.pt")
    with pytest.raises(UnsafeFileError) as caught:
        topolab.inspect_checkpoints(series)
    assert "argparse.Namespace" in caught.value.globals
    exec(compile(caught.value.snippet, "snippet", "exec"), {})
    (series / "1.pt").unlink()
    assert topolab.inspect_checkpoints(series).convention == "masks-dict"


def test_numpy_files_with_objects_are_refused_and_not_run(series: Path) -> None:
    made = series.parent / "made"
    objects = np.array([Payload(made), np.eye(2)], dtype=object)
    np.save(series / "w.npy", objects)
    with pytest.raises(UnsafeFileError, match="mkdir"):
        topolab.inspect_checkpoints(series / "w.npy")
    np.savez(series / "w_1.npz", W1=objects)
    with pytest.raises(UnsafeFileError, match="mkdir"):
        topolab.inspect_checkpoints(series / "w_1.npz")
    with (series / "p_1.pkl").open("wb") as file:
        pickle.dump({"masks": Payload(made)}, file)
    with pytest.raises(UnsafeFileError, match="mkdir"):
        topolab.inspect_checkpoints(series / "p_1.pkl")
    assert not made.exists()


def test_the_snippet_for_numpy_converts(series: Path) -> None:
    layers = np.empty(2, dtype=object)
    layers[:] = [np.ones((6, 4)) * 2, np.ones((4, 3)) * 2]
    np.save(series / "w_1.npy", layers)
    with pytest.raises(UnsafeFileError) as caught:
        topolab.inspect_checkpoints(series)
    exec(compile(caught.value.snippet, "snippet", "exec"), {})
    (series / "w_1.npy").unlink()
    assert topolab.inspect_checkpoints(series).orientation == "in-out"


@pytest.mark.parametrize("protocol", range(6))
def test_globals_are_found_in_every_protocol(protocol: int) -> None:
    data = pickle.dumps([Path("a"), Payload(Path("x")), Path("b"), {"k": slice(1)}], protocol)
    found = pickle_globals(data)
    assert any(name.endswith(".mkdir") for name in found), found
    assert any("Path" in name for name in found), found


def test_no_loader_of_ours_may_run_code() -> None:
    """No call anywhere has weights_only or allow_pickle set to anything that runs code."""
    seen = 0
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            given = {k.arg: k.value for k in node.keywords}
            name = ast.unparse(node.func)
            if name in ("torch.load", "np.load"):
                assert ast.unparse(given["weights_only"]) == "True", path
                seen += 1
            assert ast.unparse(given.get("allow_pickle", ast.Constant(False))) == "False", path
            assert name not in ("pickle.load", "pickle.loads", "pickle.Unpickler"), path
    assert seen == 1


# -- claims ----------------------------------------------------------------------------------


def member(shape: tuple[int, ...], dtype: str = "<f4", data: bytes = b"") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return file.getvalue() + data


def archive(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(series: Path) -> None:
    size = 2**12
    archive(series / "1.npz", {"W1.npy": member((size, size), data=bytes(4 * size * size))})
    assert (series / "1.npz").stat().st_size < 2**20
    refused(series, "1.npz", "would unpack to 0.1 GiB", max_bytes=2**20)


def test_a_shape_larger_than_its_file_is_refused(series: Path) -> None:
    archive(series / "1.npz", {"W1.npy": member((10**6, 10**6))})
    refused(series, "1.npz", "W1 claims the shape (1000000, 1000000)")


def test_a_torch_tensor_of_a_huge_shape_is_refused(series: Path) -> None:
    torch.save({"fc.weight": torch.zeros(1).expand(10**6, 10**6)}, series / "1.pt")
    refused(series, "1.pt", "layer fc claims the shape (1000000, 1000000)", "--max-gib")


def test_a_sparse_tensor_of_a_huge_shape_is_refused(series: Path) -> None:
    tensor = torch.sparse_coo_tensor(torch.zeros(2, 1, dtype=torch.long), torch.ones(1),
                                     (10**6, 10**6), check_invariants=True)  # fmt: skip
    torch.save({"fc.weight": tensor}, series / "1.pt")
    refused(series, "1.pt", "layer fc claims the shape")


def test_a_scipy_matrix_of_a_huge_shape_or_wild_indices_is_refused(series: Path) -> None:
    matrix = sp.csr_matrix(([1.0], ([0], [0])), shape=(10**6, 10**6))
    sp.save_npz(series / "l1.npz", matrix)
    refused(series, "layer l1 claims the shape")
    np.savez(series / "l1.npz", format=b"csr", shape=[2, 2], data=np.ones(1),
             indices=np.array([7]), indptr=np.array([0, 1, 1]))  # fmt: skip
    refused(series, "l1.npz: damaged")
    np.savez(series / "l1.npz", format=b"coo", shape=[2, 2], data=np.ones(1),
             row=np.array([0]), col=np.array([-5]))  # fmt: skip
    refused(series, "l1")


def test_sparse_tensors_with_wild_indices_are_refused(series: Path) -> None:
    """torch itself would read beyond the memory of these."""
    wild = torch.sparse_coo_tensor(
        torch.tensor([[0, 9], [0, -3]]), torch.ones(2), (2, 2), check_invariants=False
    )
    torch.save({"fc.weight": wild}, series / "1.pt")
    refused(series, "1.pt", "layer fc is damaged, its indices do not fit (2, 2)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its CSR layout a beta
        wild = torch.sparse_csr_tensor(
            torch.tensor([0, 1, 9]), torch.tensor([0, 7]), torch.ones(2), (2, 2),
            check_invariants=False,
        )  # fmt: skip
        torch.save({"fc.weight": wild}, series / "1.pt")
    refused(series, "1.pt", "layer fc is damaged")


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
    refused(series, "1.mat: damaged", max_bytes=2**16)


def test_gigabytes_of_nothing_behind_a_matlab_file_take_no_time(series: Path) -> None:
    """Found by the mutation job: entries of no kind were skipped one by one."""
    path = series / "1.mat"
    scipy.io.savemat(path, {"A": np.eye(3)})
    size = path.stat().st_size
    with path.open("ab") as file:
        file.truncate(size + 2**33)  # a hole: it takes no room on the disk
    refused(series, "1.mat: damaged", "an entry of no kind")
    with path.open("r+b") as file:
        file.truncate(size)
        file.seek(size)
        file.write(struct.pack("<IIQ", 1, 8, 0) * 100_001)
    refused(series, "1.mat: damaged", "more than 100,000 entries")


def test_what_is_no_plain_file_is_said(series: Path) -> None:
    """Nothing is left out without a word, and a pipe is not waited for."""
    for step in (1, 2):
        torch.save({"masks": {"fc": torch.eye(3)}}, series / f"{step}.pt")
    (series / "3.pt").symlink_to(series / "nowhere.pt")
    refused(series, "3.pt: no plain file")
    (series / "3.pt").unlink()
    os.mkfifo(series / "3.pt")
    refused(series, "3.pt: no plain file")
    with pytest.raises(CheckpointError, match="no plain file"):
        topolab.inspect_checkpoints(series / "3.pt")
    (series / "3.pt").unlink()
    (series / "3.pt").mkdir()
    refused(series, "3.pt: an empty folder where a checkpoint should be")


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
    refused(series, "1.mat", "adjacency_matrix claims the shape (64, 64)", max_bytes=2**10)


# -- contradictions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (torch.tensor([[0.0, 0.5]]), "holds 0.5"),
        (torch.tensor([[0.0, float("nan")]]), "holds nan"),
        (torch.tensor([[0, 2]]), "holds 2"),
        (torch.tensor([[1j, 0]]), "complex64, no numbers"),
        (torch.empty(0, 3), "is empty"),
        (torch.zeros(2, 2, 2, 2, 2), "a layer has 2, 3 or 4 sizes"),
    ],
)
def test_what_is_no_mask_is_refused_by_file_and_layer(
    series: Path, mask: torch.Tensor, words: str
) -> None:
    torch.save({"masks": {"fc1": mask, "fc2": torch.eye(2)}}, series / "net_5.pt")
    refused(series, "net_5.pt", "fc1", words)


@pytest.mark.parametrize("name", ["../x", "a/b", "/etc/x", "a b", "ä", "input", "", "a..b"])
def test_wild_names_are_refused(series: Path, name: str) -> None:
    torch.save({"masks": {name: torch.eye(2)}}, series / "1.pt")
    refused(series, "1.pt", "layer name")


def test_two_layers_of_one_name_are_refused(series: Path) -> None:
    masks = {"fc.weight": torch.eye(2), "module.fc.weight": torch.eye(2)}
    torch.save({"masks": masks}, series / "1.pt")
    refused(series, "1.pt: holds layer fc twice")


def test_a_mask_of_another_shape_than_its_weight_is_refused(series: Path) -> None:
    value = {"state_dict": {"fc.weight": torch.zeros(2, 3)}, "masks": {"fc": torch.eye(2)}}
    torch.save(value, series / "1.pt")
    refused(series, "1.pt", "layer fc", "(2, 2)", "(2, 3)")


def test_checkpoints_that_do_not_go_together_are_refused(series: Path) -> None:
    torch.save({"masks": {"fc": torch.eye(2), "b": torch.eye(2)}}, series / "1.pt")
    for value, words in (
        ({"masks": {"fc": torch.eye(2)}}, "has no layer b"),
        ({"masks": {"fc": torch.eye(2), "b": torch.eye(2), "c": torch.eye(2)}}, "further layer c"),
        ({"masks": {"fc": torch.eye(3), "b": torch.eye(2)}}, "layer fc is (3, 3), but (2, 2)"),
        ({"weights": 3}, "does not follow masks-dict"),
    ):
        torch.save(value, series / "2.pt")
        refused(series, "2.pt", words)


# -- damage ----------------------------------------------------------------------------------------


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
    refused(series, "1.pt: damaged", "neither as a zip archive nor as a pickle")
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
    refused(series, "1.pt: damaged", "CRC")


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
    refused(series, "no checkpoint was found")
    with pytest.raises(CheckpointError, match=r"notes.txt: no checkpoint of a kind"):
        topolab.inspect_checkpoints(series / "notes.txt")
    (series / "1.pt").write_bytes(b"")
    refused(series, "1.pt: damaged")
    (series / "1.pt").unlink()
    (series / "1.mat").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 40)
    refused(series, "1.mat", "HDF5", "-v7")
    (series / "1.mat").unlink()
    (series / "1.safetensors").write_bytes(struct.pack("<Q", 2**40) + b"{}")
    refused(series, "1.safetensors: damaged")


def test_nothing_is_overwritten_and_a_failure_while_writing_leaves_nothing(
    series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (1, 2, 3):
        torch.save({"masks": {"fc": torch.eye(3)}}, series / f"{step}.pt")
    out = series.parent / "run"
    out.mkdir()
    (out / "precious").write_text("mine")
    with pytest.raises(topolab.TopolabError, match="something is already there"):
        topolab.import_run(series, out)
    assert (out / "precious").read_text() == "mine"
    (out / "precious").unlink()
    out.rmdir()
    real = topolab.Recorder.record
    for error in (OSError(28, "No space left on device"), KeyboardInterrupt()):

        def failing(self: Any, step: int, *args: Any, _error: Any = error, **rest: Any) -> None:
            if step == 2:
                raise _error
            real(self, step, *args, **rest)

        monkeypatch.setattr(topolab.Recorder, "record", failing)
        with pytest.raises((topolab.TopolabError, KeyboardInterrupt)):
            topolab.import_run(series, out)
        assert [p.name for p in series.parent.iterdir()] == ["checkpoints"]
    monkeypatch.undo()
    out.mkdir()  # an empty folder is no obstacle
    assert len(topolab.import_run(series, out)) == 3


def test_a_file_that_changes_meanwhile_is_noticed(series: Path) -> None:
    for step in (1, 2):
        torch.save({"masks": {"fc": torch.eye(3)}}, series / f"{step}.pt")

    def meddle(what: str, done: int, total: int) -> None:
        if (what, done) == ("recording", 1):
            torch.save({"masks": {"fc": torch.ones(3, 3)}}, series / "2.pt")

    refused(series, "2.pt: was changed", progress=meddle)
