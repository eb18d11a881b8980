"""What each layer of a series is, what it reads, and that all checkpoints have the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from checkpoints import inspect, matrix, refusal
from torch import nn
from torch.nn.utils import prune

import topolab


def test_a_network_that_does_not_chain_is_analysed_all_the_same(
    series: Path, tmp_path: Path
) -> None:
    model = nn.ModuleDict({"rnn": nn.LSTM(6, 4), "fc": nn.Linear(4, 3)})
    for step in range(3):
        for name in ("weight_ih_l0", "weight_hh_l0"):
            prune.random_unstructured(model["rnn"], name, amount=0.3)
        torch.save(model.state_dict(), series / f"step_{step}.pt")
    order = ["rnn.weight_ih_l0", "rnn.weight_hh_l0", "fc"]
    run = topolab.import_run(series, tmp_path / "run", model_order=order)
    (remark,) = [r for r in run.data["remarks"] if "inputs of their own" in r]
    assert remark.startswith("what rnn.weight_hh_l0, fc read is not known")
    tables = topolab.analyse(run)  # every analysis that there is
    degree = tables["degree"].table
    for name in order[:2]:
        mask = run[-1].masks[name]
        of_layer = degree[(degree["layer"] == name) & (degree["step"] == 2)]
        fan_in = of_layer[of_layer["direction"] == "in"].iloc[0]
        assert fan_in["n_edges"] == mask.sum() and fan_in["max"] == mask.sum(1).max()
        assert "out" not in set(of_layer["direction"])  # nobody is known to read it
    own = degree[(degree["layer"] == "rnn.weight_hh_l0:in") & (degree["step"] == 2)]
    assert set(own["direction"]) == {"out", "total"}
    said = ["rnn.weight_ih_l0", "rnn.weight_hh_l0 state:in", "fc state:in"]
    shared = topolab.import_run(series, tmp_path / "shared", model_order=said)
    graph = topolab.LayeredGraph.from_snapshot(shared[-1])
    assert graph.inputs == {"input", "state:in"}
    with pytest.raises(topolab.TopolabError, match="reads out:side, which is not a layer"):
        inspect(series, model_order=["rnn.weight_ih_l0", "fc out:side"])


def test_grouped_convolutions_are_judged_by_what_they_read(series: Path) -> None:
    shapes = {"c1": (8, 3, 3, 3), "skip": (16, 8, 1, 1), "dw": (8, 1, 3, 3), "g": (12, 4, 3, 3)}
    torch.save({f"{k}.weight": torch.randn(s) for k, s in shapes.items()}, series / "1.pt")
    seen = inspect(series, model_order=["c1", "skip c1", "dw c1", "g dw"])
    assert [layer.spec.groups for layer in seen.layers] == [1, 1, 8, 2]
    assert not any("do not chain" in r for r in seen.remarks)


def test_keys_and_values_do_not_read_each_other(series: Path) -> None:
    names = ["attn.q_proj", "attn.k_proj", "attn.v_proj", "attn.out_proj", "rnn.weight_hh_l0"]
    torch.save({f"{name}.weight": matrix_tensor(8, 8) for name in names}, series / "1.pt")
    sources = {layer.spec.name: layer.spec.source for layer in inspect(series).layers}
    assert sources["attn.k_proj"] == "attn.k_proj:in" and sources["attn.v_proj"] is not None
    assert sources["attn.q_proj"] is None and sources["attn.out_proj"] is None


def matrix_tensor(rows: int, columns: int) -> torch.Tensor:
    return torch.from_numpy(matrix(rows, columns))


@pytest.mark.parametrize("name", ["../x", "a/b", "/etc/x", "a b", "ä", "input", "", "a..b"])
def test_wild_names_are_refused(series: Path, name: str) -> None:
    torch.save({"masks": {name: torch.eye(2)}}, series / "1.pt")
    refusal(series, "1.pt", "layer name")


def test_two_layers_of_one_name_are_refused(series: Path) -> None:
    masks = {"fc.weight": torch.eye(2), "module.fc.weight": torch.eye(2)}
    torch.save({"masks": masks}, series / "1.pt")
    refusal(series, "1.pt: holds layer fc twice")


def test_checkpoints_that_do_not_go_together_are_refused(series: Path) -> None:
    torch.save({"masks": {"fc": torch.eye(2), "b": torch.eye(2)}}, series / "1.pt")
    for value, words in (
        ({"masks": {"fc": torch.eye(2)}}, "has no layer b"),
        ({"masks": {"fc": torch.eye(2), "b": torch.eye(2), "c": torch.eye(2)}}, "further layer c"),
        ({"masks": {"fc": torch.eye(3), "b": torch.eye(2)}}, "layer fc is (3, 3), but (2, 2)"),
        ({"weights": 3}, "does not follow masks-dict"),
    ):
        torch.save(value, series / "2.pt")
        refusal(series, "2.pt", words)


def test_a_convolution_that_reads_a_part_is_not_called_grouped_unless_it_is_said(
    series: Path,
) -> None:
    masks = {"a": torch.ones(8, 3, 3, 3), "b": torch.ones(8, 4, 3, 3)}
    for weight in masks.values():
        weight[0, 0] = 0
    torch.save({"masks": masks}, series / "1.pt")
    inspection = topolab.inspect_checkpoints(series)
    assert [layer.spec.groups for layer in inspection.layers] == [1, 1]
    assert any("layer b may be a convolution of 2 groups" in r for r in inspection.remarks)
    named = topolab.inspect_checkpoints(series, model_order=["a", "b a"])
    assert [layer.spec.groups for layer in named.layers] == [1, 2]
    assert "layer b is taken as a convolution of 2 groups" in named.remarks


def test_of_one_checkpoint_nothing_is_said_to_be_static(series: Path) -> None:
    torch.save({"masks": {"fc": torch.eye(3)}}, series / "1.pt")
    inspection = topolab.inspect_checkpoints(series)
    assert [layer.state for layer in inspection.layers] == ["dynamic"]
    assert "one checkpoint only: nothing can be said of change" in inspection.remarks
    torch.save({"masks": {"fc": torch.eye(3)}}, series / "2.pt")
    inspection = topolab.inspect_checkpoints(series)
    assert [layer.state for layer in inspection.layers] == ["static"]
    assert "sparse and never changing: fc" in inspection.remarks
