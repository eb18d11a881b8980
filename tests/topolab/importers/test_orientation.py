"""Which way round a matrix lies, and whether it carries the bias."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import inspect, matrix, shapes_of

import topolab
from topolab.importers.orientation import choose


@pytest.mark.parametrize("binary", [False, True])
def test_matrices_by_anybody_are_chained(series: Path, binary: bool) -> None:
    arrays = {"dense1.kernel": matrix(64, 256), "dense2.kernel": matrix(256, 128)}
    if binary:
        arrays = {name: array != 0 for name, array in arrays.items()}
    np.savez(series / "g_1.npz", **arrays)
    seen = inspect(series)
    assert shapes_of(seen) == {"dense1": (256, 64), "dense2": (128, 256)}
    assert seen.orientation == "in-out"
    numbered = {"W1": matrix(784, 100) != 0, "W2": matrix(100, 10) != 0}
    np.savez(series / "g_1.npz", **numbered)
    assert shapes_of(inspect(series)) == {"W1": (100, 784), "W2": (10, 100)}


@pytest.mark.parametrize(
    ("shapes", "order", "bias", "words"),
    [
        ([(784, 100), (100, 10)], "in-out", False, r"only \(in, out\) chains"),
        ([(100, 784), (10, 100)], "out-in", False, r"only \(out, in\) chains"),
        ([(785, 100), (101, 10)], "in-out", True, "bias as the last row"),
        ([(100, 785), (10, 101)], "out-in", True, "bias as the last column"),
        ([(50, 50), (50, 50)], "in-out", False, "chain in 2 ways"),
        ([(50, 40), (30, 20)], "in-out", False, "chain in no way"),
        ([(50, 40)], "in-out", False, "chain in 4 ways"),
    ],
)
def test_chaining(shapes: list[tuple[int, int]], order: str, bias: bool, words: str) -> None:
    import re

    found = choose(shapes, usual="in-out", chain=True)
    assert (found.order, found.bias) == (order, bias)
    assert re.search(words, found.how), found.how


def test_the_number_of_inputs_decides_between_square_layers() -> None:
    shapes = [(64, 50), (50, 50), (50, 64)]
    assert choose(shapes, usual="out-in", chain=True, inputs=64).order == "in-out"
    assert choose([(65, 10)], usual="out-in", chain=True, inputs=64).bias
    assert choose([(10, 65)], usual="in-out", chain=True, inputs=64).bias


def test_the_user_overrules(series: Path) -> None:
    rng = np.random.default_rng(1)
    matrix = rng.random((5, 5)) + 0.5
    matrix[np.triu_indices(5, 1)] = 0
    np.savez(series / "1.npz", W1=matrix, W2=matrix)
    plain = topolab.inspect_checkpoints(series)
    assert plain.orientation == "out-in" and "chain in 2 ways" in plain.how
    run = topolab.import_run(series, series.parent / "a", orientation="in-out")
    assert run[0].masks["W1"].tolist() == (matrix.T != 0).tolist()
    assert run.config["orientation"] == "in-out"
    cut = topolab.import_run(series, series.parent / "b", orientation="in-out", bias_row=True)
    assert cut.layers[0].shape == (5, 4) and cut.config["bias_row"]
    assert cut[0].masks["W1"].tolist() == (matrix[:-1].T != 0).tolist()
    assert any("what W2 reads is not known" in remark for remark in cut.data["remarks"])


def test_conventions_of_torch_are_not_turned_by_chaining(series: Path) -> None:
    """A wrong order would chain when turned: (10, 100) before (100, 784)."""
    masks = {"fc2": torch.eye(10, 100), "fc1": torch.eye(100, 784)}
    torch.save({"masks": masks}, series / "1.pt")
    found = topolab.inspect_checkpoints(series)
    assert found.orientation == "out-in"
    assert any("what fc1 reads is not known" in remark for remark in found.remarks)
    turned = topolab.inspect_checkpoints(series, orientation="in-out")
    assert [layer.spec.shape for layer in turned.layers] == [(100, 10), (784, 100)]
    assert topolab.inspect_checkpoints(series, model_order=["fc1", "fc2"]).layers[0].spec.n_in
