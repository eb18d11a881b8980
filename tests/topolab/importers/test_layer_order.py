"""The order of layers: from the file, from numbers, from what chains, or from the user."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from checkpoints import inspect, matrix, shapes_of
from safetensors.torch import save_file

import topolab
from topolab.importers import CheckpointError


def test_the_order_of_layers_is_found_where_names_do_not_tell(series: Path) -> None:
    for epoch in (1, 2):
        folder = series / f"epoch_{epoch}"
        folder.mkdir()
        sp.save_npz(folder / "input_hidden.npz", sp.csr_array(matrix(784, 100)))
        sp.save_npz(folder / "hidden_output.npz", sp.csr_array(matrix(100, 10)))
    for options in ({}, {"image_shape": (1, 28, 28)}):
        seen = inspect(series, **options)
        assert shapes_of(seen) == {"input_hidden": (100, 784), "hidden_output": (10, 100)}
        assert seen.orientation == "in-out"
        assert any("input_hidden -> hidden_output chains" in r for r in seen.remarks)
    as_asked = inspect(series, model_order=["hidden_output", "input_hidden"], orientation="out-in")
    assert list(shapes_of(as_asked)) == ["hidden_output", "input_hidden"]


def test_an_order_that_cannot_be_told_is_asked_for(series: Path, tmp_path: Path) -> None:
    square = {f"{name}.weight": torch.randn(8, 8) for name in ("stem", "body", "head")}
    save_file(square, series / "a_1.safetensors")
    with pytest.raises(CheckpointError, match=r"several chain: .* -> .* or .*model_order"):
        inspect(series)
    order = tmp_path / "names.txt"
    order.write_text("stem\nbody\nhead\n")
    run = topolab.import_run(series, tmp_path / "run", model_order=order)
    assert [layer.name for layer in run.layers] == ["stem", "body", "head"]


def test_numbers_tell_the_order_within_a_stage(series: Path) -> None:
    sizes = {
        "features.0": (8, 3, 3, 3),
        "features.3": (16, 8, 3, 3),
        "features.10": (16, 16, 3, 3),
        "features.12": (16, 16, 3, 3),
        "classifier.1": (12, 64),
        "classifier.4": (12, 12),
    }
    save_file({f"{k}.weight": torch.randn(s) for k, s in sizes.items()}, series / "1.safetensors")
    assert list(shapes_of(inspect(series))) == list(sizes)


def test_npz_keeps_the_order_in_which_it_was_saved(series: Path) -> None:
    np.savez(series / "a_1.npz", inp=matrix(8, 6), hidden=matrix(8, 8), final=matrix(4, 8))
    assert list(shapes_of(inspect(series))) == ["inp", "hidden", "final"]
    np.savez(series / "a_1.npz", w10=matrix(8, 8), w2=matrix(8, 8), w1=matrix(8, 6))
    assert list(shapes_of(inspect(series))) == ["w1", "w2", "w10"]


def test_an_order_that_follows_from_nothing_links_nothing(series: Path) -> None:
    """By their names fc would read conv1, as flattened maps."""
    shapes = {"conv1": (8, 3, 3, 3), "fc": (10, 16), "layer1.0.conv1": (16, 8, 3, 3),
              "layer1.0.downsample.0": (16, 8, 1, 1)}  # fmt: skip
    tensors = {f"{name}.weight": torch.randn(shape) for name, shape in shapes.items()}
    save_file(tensors, series / "1.safetensors")
    run = topolab.import_run(series, series.parent / "run", image_shape=None)
    graph = topolab.LayeredGraph.from_snapshot(run[0])
    assert graph.inputs == {f"{name}:in" for name in shapes}
    assert any("follows from nothing" in remark for remark in run.data["remarks"])
    order = ["conv1", "layer1.0.conv1", "layer1.0.downsample.0 conv1", "fc"]
    assert inspect(series, model_order=order).layers[3].spec.source is None


@pytest.mark.parametrize(
    "order", [["a p:in", "b p:in", "e p:in"], ["a", "c a"]], ids=["shared", "source"]
)
def test_an_order_of_the_user_that_cannot_be_is_refused(series: Path, order: list[str]) -> None:
    shapes = {"a": (8, 8), "b": (8, 8), "c": (4, 6), "e": (8, 6)}
    torch.save({f"{n}.weight": torch.randn(s) for n, s in shapes.items()}, series / "1.pt")
    with pytest.raises(topolab.TopolabError, match="model_order: the layers do not chain"):
        inspect(series, model_order=order)


def test_input_may_be_read_anywhere(series: Path) -> None:
    torch.save({f"{n}.weight": torch.randn(8, 8) for n in "abcd"}, series / "1.pt")
    run = topolab.import_run(series, series.parent / "run",
                             model_order=["a p:in", "b p:in", "c input", "d"])  # fmt: skip
    graph = topolab.LayeredGraph.from_snapshot(run[0])
    assert graph.inputs == {"p:in", "input"} and graph.source_of("d") == "c"


def test_a_source_that_is_not_there_is_refused(series: Path) -> None:
    torch.save({"fc1.weight": torch.randn(8, 6), "fc2.weight": torch.randn(4, 8)}, series / "1.pt")
    with pytest.raises(topolab.TopolabError, match=r"fc2 reads fc9, which is not a layer before"):
        inspect(series, model_order=["fc1", "fc2 fc9"])
