"""Every convention: masks, weights and steps come back as they were, and analyses see no change."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import topolab
from topolab.importers import CheckpointContent, Importer, Inspection
from topolab.registry import find, names


def shape_of(run: topolab.Run) -> list[tuple[str, tuple[int, ...], bool]]:
    return [(layer.name, layer.shape, layer.maskable) for layer in run.layers]


def test_what_was_put_in_comes_out(layout: Any, points: list[Any], series: Path) -> None:
    layout.write(series, points)
    found = topolab.inspect_checkpoints(series, **layout.options)
    assert (found.convention, found.matches[0]) == (layout.convention, layout.convention)
    assert (found.orientation, found.bias) == (layout.orientation, layout.bias)
    run = topolab.import_run(series, series.parent / "run", **layout.options)
    assert run.state == "done" and run.verify().ok
    assert run.steps.tolist() == [point.step for point in points]
    assert shape_of(run) == [
        (name, mask.shape, original != "fc3")
        for name, (original, mask) in zip(layout.names, points[0].masks.items(), strict=True)
    ]
    for snapshot, point in zip(run, points, strict=True):
        for name, original in zip(layout.names, point.masks, strict=True):
            mask = point.masks[original]
            assert snapshot.masks[name].tobytes() == mask.tobytes()
            weights = snapshot.weights[name]
            if not layout.weights:
                assert weights is None
            else:
                assert weights is not None
                assert weights.tobytes() == point.weights[original][mask].tobytes()


def test_every_analysis_says_the_same(
    layout: Any,
    points: list[Any],
    series: Path,
    tables: dict[bool, dict[str, Any]],
    answer: Callable[[topolab.Run], dict[str, Any]],
) -> None:
    layout.write(series, points[:3])
    options = {**layout.options, "image_shape": (1, 8, 8)}
    run = topolab.import_run(series, series.parent / "run", **options)
    expected, got = tables[layout.weights], answer(run)
    assert got.keys() == expected.keys()
    renamed = dict(zip(layout.names, ("fc1", "fc2", "fc3"), strict=True))
    compared = 0
    for key, table in expected.items():
        if isinstance(table, str):
            assert isinstance(got[key], str), key
            continue
        mine = got[key].copy()
        for column in mine.columns:
            if "epoch" in column:  # some layouts have an epoch in their names
                assert column in table.columns
                mine[column] = table[column].to_numpy()
            if mine[column].dtype == object or isinstance(mine[column].dtype, pd.StringDtype):
                mine[column] = [back(value, renamed) for value in mine[column]]
        pd.testing.assert_frame_equal(
            mine.reset_index(drop=True), table.reset_index(drop=True), check_dtype=False
        )
        compared += 1
    assert compared >= 10


def back(value: Any, renamed: dict[str, str]) -> Any:
    if not isinstance(value, str):
        return value
    for name, original in renamed.items():
        value = value.replace(name, original)
    return value


# -- the contract --------------------------------------------------------------------------------

JUNK: list[Any] = [
    None, 3, "text", [], {}, (1, 2), {"a": 1}, {1: 2}, {"masks": None}, {"mask": {"masks": 3}},
    {"masks": {}}, {"masks": {"a": "b"}}, {"state_dict": None}, {"state_dict": {"a": None}},
    {"pruner": {"backward_masks": 3}}, {"backward_masks": [None, None]}, {"backward_masks": ["a"]},
    {"fc.weight_mask": torch.rand(2, 2)}, {"fc.weight": torch.zeros(())},
    {"fc.parametrizations.weight.0.mask": torch.rand(2, 2)}, {"W1": np.zeros(3)},
    {"W1": np.array(["a"])}, {"model": {"model": {"model": {}}}}, [torch.zeros(2, 2)],
    {"fc.weight": torch.empty(2, 2, device="meta")},
    {"fc.bias": torch.zeros(2), "fc.weight_mask": None},
]  # fmt: skip


@pytest.mark.parametrize("name", names("importers"))
@pytest.mark.parametrize("kind", ["torch", "safetensors", "npz", "scipy", "matlab"])
def test_junk_is_no_convention_and_no_crash(name: str, kind: Any) -> None:
    importer: Importer = find("importers", name)()
    for value in JUNK:
        assert importer.detect(CheckpointContent(kind, "junk", value)) in (True, False)
        if kind not in ("torch", "safetensors") or not isinstance(value, dict):
            continue
        if importer.detect(CheckpointContent(kind, "junk", value)):
            assert name == "dense" and "fc.weight" in value


@pytest.mark.parametrize("name", names("importers"))
def test_an_importer_says_who_it_is(name: str, layouts: dict[str, Any]) -> None:
    importer: Importer = find("importers", name)()
    assert isinstance(importer, Importer)
    assert importer.name == name and importer.summary.endswith(".")
    assert importer.order in ("out-in", "in-out") and isinstance(importer.rank, int)
    assert any(layout.convention == name for layout in layouts.values()), "has no test layout"


def test_the_most_specific_wins_and_all_are_named(points: list[Any], series: Path) -> None:
    point = points[0]
    state = {f"{n}.weight": torch.from_numpy(point.weights[n]) for n in point.masks}
    masks = {n: torch.from_numpy(point.masks[n]) for n in point.masks}
    both = {f"{n}.weight_mask": mask for n, mask in masks.items()}
    torch.save({"state_dict": {**state, **both}, "masks": masks}, series / "1.pt")
    found = topolab.inspect_checkpoints(series)
    assert found.matches == ("torch-prune", "masks-dict", "dense")
    assert topolab.inspect_checkpoints(series, format="masks-dict").convention == "masks-dict"
    with pytest.raises(topolab.TopolabError, match="does not follow nerva-npz; it follows torch-p"):
        topolab.inspect_checkpoints(series, format="nerva-npz")
    with pytest.raises(topolab.TopolabError, match="unknown convention 'x'"):
        topolab.inspect_checkpoints(series, format="x")


# -- what single conventions add -------------------------------------------------------------------


def one(folder: Path, value: Any, name: str = "ckpt_1.pt", **options: Any) -> Inspection:
    torch.save(value, folder / name)
    return topolab.inspect_checkpoints(folder, **options)


def said(found: Inspection, text: str) -> bool:
    return any(text in remark for remark in found.remarks)


def test_dense_weights_miss_a_grown_zero_and_say_so(series: Path) -> None:
    weight = torch.tensor([[1.0, 0.0], [0.5, -2.0]])
    found = one(series, {"fc.weight": weight})
    assert found.convention == "dense" and said(found, "grown at the last update")
    assert topolab.import_run(series, series / "run")[0].nnz("fc") == 3


def test_stored_zeros_of_a_sparse_tensor_are_active(series: Path) -> None:
    index = torch.tensor([[0, 1, 1], [1, 0, 0]])  # (1, 0) twice: they add up
    tensor = torch.sparse_coo_tensor(
        index, torch.tensor([0.0, 1.0, 2.0]), (2, 2), check_invariants=True
    )
    found = one(series, {"fc.weight": tensor})
    assert said(found, "stored entries of value 0")
    snapshot = topolab.import_run(series, series / "run")[0]
    assert snapshot.masks["fc"].tolist() == [[False, True], [True, False]]
    assert snapshot.weights["fc"].tolist() == [0.0, 3.0]  # type: ignore[union-attr]


def test_density_that_changes_is_said_and_what_never_changes_is_marked(series: Path) -> None:
    for step in (1, 2):
        a = torch.zeros(4, 4, dtype=torch.bool)
        a[: step + 1] = True
        b = torch.eye(4, dtype=torch.bool)
        c = torch.ones(2, 4, dtype=torch.bool)
        torch.save({"masks": {"a": a, "b": b, "c": c}}, series / f"{step}.pt")
    run = topolab.import_run(series, series.parent / "run")
    assert run.data["layers"] == {"a": "dynamic", "b": "static", "c": "dense"}
    assert [layer.maskable for layer in run.layers] == [True, True, False]
    text = " ".join(run.data["remarks"])
    assert "the density changes from step to step: a 0.5 to 0.75" in text
    assert "never changing: b" in text and "dense in every checkpoint: c" in text


def test_a_layer_that_is_dense_only_at_first_is_maskable(series: Path) -> None:
    for step, mask in ((1, torch.ones(2, 3)), (2, torch.eye(2, 3))):
        torch.save({"masks": {"fc": mask}}, series / f"{step}.pt")
    assert topolab.import_run(series, series.parent / "run").layers[0].maskable


def test_convolutions_of_all_kinds(series: Path) -> None:
    masks = {
        "c1": torch.ones(8, 3, 5), "dw": torch.ones(8, 1, 3, 3), "pw": torch.ones(6, 8, 1, 1),
    }  # fmt: skip
    masks["dw"][0] = 0
    found = one(series, {"masks": masks})
    specs = {layer.spec.name: layer.spec for layer in found.layers}
    assert specs["c1"].shape == (8, 3, 5, 1) and specs["dw"].groups == 8
    assert said(found, "one-dimensional") and said(found, "depthwise")
    assert not said(found, "do not chain")


def test_a_residual_network_is_recorded_and_what_it_costs_is_said(
    series: Path, tmp_path: Path
) -> None:
    masks = {"a": torch.eye(8, 4), "b": torch.eye(8, 8), "skip": torch.eye(8, 4),
             "out": torch.eye(2, 8)}  # fmt: skip
    found = one(series, {"masks": masks})
    assert said(found, "what skip reads is not known")
    run = topolab.import_run(series, tmp_path / "run")
    assert run.layers[2].source == "skip:in"
    assert topolab.LayeredGraph.from_snapshot(run[0]).n_edges == 4 + 8 + 4 + 2
    order = tmp_path / "names.txt"
    order.write_text("a\nb\nskip input  # the shortcut\nout b\n")
    run = topolab.import_run(series, tmp_path / "again", model_order=order)
    assert [layer.source for layer in run.layers] == [None, None, "input", "b"]
    assert topolab.LayeredGraph.from_snapshot(run[0]).n_neurons == 4 + 8 + 8 + 8 + 2


def test_an_order_of_the_user_chooses_and_sorts(series: Path, tmp_path: Path) -> None:
    masks = {"z": torch.eye(3, 5), "a": torch.eye(5, 4), "emb": torch.eye(9, 7)}
    found = one(series, {"masks": masks}, model_order=["a", "z"])
    assert [layer.spec.name for layer in found.layers] == ["a", "z"]
    with pytest.raises(topolab.TopolabError, match=r"ckpt_1.pt: has no layer b; it has z, a, emb"):
        topolab.inspect_checkpoints(series, model_order=["a", "b"])
    names_file = tmp_path / "names.txt"
    for text, words in (("a\na\n", "a is there twice"), ("", "has none"), ("a b c\n", "is more")):
        names_file.write_text(text)
        with pytest.raises(topolab.TopolabError, match=words):
            topolab.inspect_checkpoints(series, model_order=names_file)


def test_a_list_without_names_or_shapes(series: Path) -> None:
    masks = [torch.eye(3, 5), None, torch.eye(2, 3)]
    found = one(series, {"pruner": {"backward_masks": masks}})
    assert [layer.spec.name for layer in found.layers] == ["layer1", "layer3"]
    assert said(found, "layer2 is dense") and said(found, "the list has no names")
    with pytest.raises(topolab.TopolabError, match="3 masks are in the list, but 2 names"):
        topolab.inspect_checkpoints(series, model_order=["a", "b"])


def test_a_list_that_is_not_in_the_models_order_is_refused(series: Path) -> None:
    state = {"a.weight": torch.zeros(3, 5), "b.weight": torch.zeros(2, 3)}
    masks = [torch.eye(2, 3), torch.eye(3, 5)]
    with pytest.raises(topolab.TopolabError, match="not in the model's order"):
        one(series, {"model": state, "pruner": {"backward_masks": masks}})


def test_masks_of_biases_are_left_out(series: Path) -> None:
    found = one(series, {"masks": {"fc.weight": torch.eye(3), "fc.bias": torch.ones(3)}})
    assert [layer.spec.name for layer in found.layers] == ["fc"] and said(found, "biases")


def test_half_precision_and_integers_are_read(series: Path) -> None:
    state = {"fc.weight": torch.full((2, 3), 0.5, dtype=torch.bfloat16)}
    mask = torch.tensor([[1, 0, 1], [0, 1, 1]], dtype=torch.uint8)
    torch.save({"state_dict": state, "masks": {"fc.weight": mask}}, series / "1.pt")
    snapshot = topolab.import_run(series, series.parent / "run")[0]
    assert snapshot.weights["fc"].tolist() == [0.5] * 4  # type: ignore[union-attr]


def test_the_old_format_of_torch_is_read(series: Path) -> None:
    torch.save(
        {"masks": {"fc": torch.eye(3)}}, series / "1.pt", _use_new_zipfile_serialization=False
    )
    assert topolab.inspect_checkpoints(series).convention == "masks-dict"


def test_what_the_run_says_of_its_sources(points: list[Any], series: Path, layouts: Any) -> None:
    import hashlib

    layouts["SET"].write(series, points[:2])
    run = topolab.import_run(series, series.parent / "run", seed=3)
    assert run.config == {
        "method": "imported", "convention": "scipy-npz", "orientation": "in-out",
        "bias_row": False, "step_from": "name",
    }  # fmt: skip
    assert run.seed == 3 and run.data["name"] == "imported"
    files = run.data["files"]
    assert [f["name"] for f in files[:3]] == [f"epoch_000/weight_l{i}.npz" for i in range(3)]
    for item in files:
        digest = hashlib.sha256((series / item["name"]).read_bytes()).hexdigest()
        assert item["sha256"] == digest
    assert str(series) not in (run.path / "run.json").read_text().replace(str(run.path), "")
    again = topolab.import_run(series, series.parent / "again", seed=3)
    assert again.manifest["run_id"] == run.manifest["run_id"]
    assert math.isfinite(again[0].epoch)
