"""Files that hold one layer each, and which of them make one checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from checkpoints import inspect, matrix, shapes_of

import topolab


def test_layers_and_epochs_in_one_folder(series: Path) -> None:
    for epoch in (0, 10, 2):
        for layer in (1, 2):
            matrix = np.eye(6, 4) if layer == 1 else np.eye(4, 3)
            scipy.io.savemat(series / f"layer{layer}_epoch{epoch}.mat", {"A": matrix})
    found = topolab.inspect_checkpoints(series)
    assert found.steps == (0, 2, 10)
    assert [layer.spec.name for layer in found.layers] == ["layer1", "layer2"]


def test_one_epoch_or_one_layer_alone(series: Path) -> None:
    for layer in (1, 2, 10):
        (series / "epoch_4").mkdir(exist_ok=True)
        sp.save_npz(series / "epoch_4" / f"w{layer}.npz", sp.csr_array(np.eye(5)))
    found = topolab.inspect_checkpoints(series / "epoch_4")
    assert found.steps == (4,)
    assert [layer.spec.name for layer in found.layers] == ["w1", "w2", "w10"]
    (series / "adj_1").mkdir()
    for epoch in (3, 20):
        scipy.io.savemat(series / "adj_1" / f"{epoch}.mat", {"adjacency_matrix": np.eye(5)})
    found = topolab.inspect_checkpoints(series / "adj_1")
    assert found.steps == (3, 20) and found.layers[0].spec.name == "adj_1"


def test_a_missing_layer_file_is_noticed(series: Path) -> None:
    for epoch in (1, 2):
        (series / f"epoch_{epoch}").mkdir()
        for layer in range(3 - epoch):
            sp.save_npz(series / f"epoch_{epoch}" / f"w{layer}.npz", sp.csr_array(np.eye(5)))
    with pytest.raises(topolab.TopolabError, match=r"epoch_2.w0.npz: has no layer w1"):
        topolab.inspect_checkpoints(series)


def test_several_matrices_in_one_matlab_file(series: Path) -> None:
    for epoch in (1, 2):
        matrices = {"W1": sp.csc_matrix(np.eye(6, 4) * 3), "W2": np.eye(4, 3) > 0, "lr": 0.1}
        scipy.io.savemat(series / f"net{epoch}.mat", matrices)
    run = topolab.import_run(series, series.parent / "run")
    assert [layer.shape for layer in run.layers] == [(4, 6), (3, 4)]
    assert run[0].weights["W1"].tolist() == [3.0] * 4  # type: ignore[union-attr]
    assert run[0].weights["W2"] is None


def test_flat_files_are_layers_and_steps(series: Path) -> None:
    for name, shape in (("fc1", (20, 10)), ("fc2", (10, 5))):
        for step in (100, 200):
            sp.save_npz(series / f"{name}_{step}.npz", sp.csr_array(matrix(*shape)))
    seen = inspect(series)
    assert seen.steps == (100, 200) and list(shapes_of(seen)) == ["fc1", "fc2"]


def test_one_matrix_at_a_time_or_three_layers(series: Path) -> None:
    for index in (1, 2, 3):
        scipy.io.savemat(series / f"adj_{index}.mat", {"a": matrix(10, 10)})
    with pytest.raises(topolab.TopolabError, match="layers of one checkpoint, or one layer at"):
        inspect(series)
    for index in (1, 2, 3):
        (series / f"adj_{index}.mat").rename(series / f"adj_step{index}.mat")
    assert inspect(series).steps == (1, 2, 3)
