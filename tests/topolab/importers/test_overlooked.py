"""What would be a wrong network if it were overlooked or guessed: it is read right, or refused."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import resource
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

import topolab
from topolab.importers import CheckpointError, UnsafeFileError
from topolab.importers.loading import pickle_globals

DRAW = np.random.default_rng(11)


def mask(n_out: int, n_in: int) -> torch.Tensor:
    """Half of it, and at least one in every layer."""
    drawn = torch.from_numpy(DRAW.random((n_out, n_in)) < 0.5)
    drawn[0, 0], drawn[-1, -1] = True, False
    return drawn


def matrix(rows: int, columns: int) -> np.ndarray:
    return mask(rows, columns).numpy() * np.float32(2.5)


def found(series: Path, **options: Any) -> topolab.Inspection:
    return topolab.inspect_checkpoints(series, **options)


def named(seen: topolab.Inspection) -> dict[str, tuple[int, ...]]:
    return {layer.spec.name: layer.spec.shape for layer in seen.layers}


# -- masks that lie elsewhere -------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".mask", "_mask", ".weight_mask"])
@pytest.mark.parametrize("kind", [torch.bool, torch.float32])
def test_a_mask_beside_the_weight_is_found(
    series: Path, tmp_path: Path, ending: str, kind: torch.dtype
) -> None:
    """Where it is applied in `forward`, the weight has no zeros."""
    masks = {"fc1": mask(8, 6), "fc2": mask(4, 8)}
    state = {f"{name}.weight": torch.randn(m.shape) for name, m in masks.items()}
    state |= {f"{name}{ending}": m.to(kind) for name, m in masks.items()}
    torch.save({"state_dict": state}, series / "a_1.pt")
    run = topolab.import_run(series, tmp_path / "run")
    for name, expected in masks.items():
        assert (run[0].masks[name] == expected.numpy()).all()
        assert (run[0].weights[name] == state[f"{name}.weight"][expected].numpy()).all()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state, masks: {"model": state, "masks": list(masks.values())},
        lambda state, masks: {"state_dict": state, "pruner": {"masks": masks}},
        lambda state, masks: {"masks": {**masks, "drop": 0.1, "epoch": None}, "state_dict": state},
        lambda state, masks: {
            "masks": masks, "state_dict": {f"model.{k}": v for k, v in state.items()}
        },
    ],
    ids=["list", "nested", "a number among them", "another prefix"],
)  # fmt: skip
def test_masks_by_layer_are_found(series: Path, tmp_path: Path, wrap: Any) -> None:
    masks = {"fc1.weight": mask(8, 8), "fc2.weight": mask(8, 8)}
    state = OrderedDict((name, torch.randn(8, 8)) for name in masks)
    torch.save(wrap(state, masks), series / "a_1.pt")
    run = topolab.import_run(series, tmp_path / "run")
    assert len(run.layers) == 2
    for layer, (name, expected) in zip(run.layers, masks.items(), strict=True):
        assert (run[0].masks[layer.name] == expected.numpy()).all()
        assert run[0].weights[layer.name][0] == state[name][0, 0]


def test_a_mask_that_fits_two_weights_is_refused(series: Path) -> None:
    state = {"a.fc.weight": torch.randn(8, 8), "b.fc.weight": torch.randn(8, 8)}
    torch.save({"masks": {"fc.weight": mask(8, 8)}, "model": state}, series / "1.pt")
    with pytest.raises(CheckpointError, match=r"the mask fc fits several weights \(a.fc, b.fc\)"):
        found(series)


def test_masks_that_nothing_reads_are_refused_unless_asked(series: Path) -> None:
    state = {"fc1.weight": torch.randn(8, 6), "fc2.weight": torch.randn(4, 8)}
    torch.save({"state_dict": state, "keep_mask": [["fc1", mask(8, 6)]]}, series / "1.pt")
    with pytest.raises(CheckpointError, match=r"1.pt: holds masks \(keep_mask/0/1\).*--format"):
        found(series)
    seen = found(series, format="dense")
    assert any("masks that dense does not read: keep_mask/0/1" in r for r in seen.remarks)


def test_what_is_left_out_is_named(series: Path) -> None:
    state = {"fc1.weight": torch.randn(8, 6), "embed.table": torch.randn(5, 5)}
    optimizer = {"state": {0: {"exp_avg": torch.randn(8, 6)}}}
    torch.save({"state_dict": state, "optimizer": optimizer}, series / "1.pt")
    (remark,) = [r for r in found(series).remarks if "left out" in r]
    assert remark == "left out: embed.table"


def test_masks_that_begin_later_are_not_overlooked(series: Path) -> None:
    state = {"fc1.weight": torch.randn(8, 6)}
    torch.save({"state_dict": state}, series / "ser_0.pt")
    torch.save({"state_dict": state, "masks": {"fc1.weight": mask(8, 6)}}, series / "ser_1.pt")
    with pytest.raises(CheckpointError, match=r"ser_1.pt: follows masks-dict, but .*ser_0.pt only"):
        found(series)
    assert found(series, format="dense").convention == "dense"
    seen = found(series, format="masks-dict")
    assert seen.layers[0].density_first == 1 and seen.layers[0].density_last < 1
    assert any("ser_0.pt holds no masks: its layers are dense" in r for r in seen.remarks)
    run = topolab.import_run(series, series.parent / "run", format="masks-dict")
    assert run[0].masks["fc1"].all() and not run[1].masks["fc1"].all()


def test_an_lstm_is_not_lost_beside_a_linear_layer(series: Path) -> None:
    model = nn.ModuleDict({"rnn": nn.LSTM(5, 3), "fc": nn.Linear(3, 2)})
    for name in ("weight_ih_l0", "weight_hh_l0"):
        prune.random_unstructured(model["rnn"], name, amount=0.5)
    prune.random_unstructured(model["fc"], "weight", amount=0.5)
    torch.save(model.state_dict(), series / "1.pt")
    shapes = named(found(series))
    assert shapes == {"rnn.weight_ih_l0": (12, 5), "rnn.weight_hh_l0": (12, 3), "fc": (2, 3)} or (
        set(shapes) == {"rnn.weight_ih_l0", "rnn.weight_hh_l0", "fc"}
    )


@pytest.mark.parametrize("old", [False, True])
def test_a_layer_in_the_middle_is_not_lost(series: Path, old: bool) -> None:
    model = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 6))
    for layer in (model[0], model[2]):
        prune.random_unstructured(layer, "weight", amount=0.5)
    state = model.state_dict()
    if old:
        del state["1.weight"]
        state |= {"1.weight_g": torch.ones(6, 1), "1.weight_v": torch.randn(6, 6)}
    else:
        parametrizations.weight_norm(model[1])
        state = model.state_dict()
    torch.save(state, series / "1.pt")
    with pytest.raises(CheckpointError, match=r"layer 1 is kept in the two parts of weight_norm"):
        found(series)
    assert list(named(found(series, model_order=["0", "2"]))) == ["0", "2"]


class Masked(nn.Module):
    def __init__(self, keep: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", keep)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight * self.mask


def test_several_masks_of_one_weight_all_count(series: Path, tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(8, 6))
    masks = [mask(6, 8), mask(6, 8)]
    for one in masks:
        parametrize.register_parametrization(model[0], "weight", Masked(one))
    torch.save(model.state_dict(), series / "1.pt")
    run = topolab.import_run(series, tmp_path / "run")
    assert (run[0].masks["0"] == (masks[0] & masks[1]).numpy()).all()


def test_bare_masks_may_have_those_of_biases(series: Path) -> None:
    bare = {"fc1.weight": mask(8, 6), "fc1.bias": torch.ones(8, dtype=torch.bool)}
    torch.save(bare, series / "1.pt")
    seen = found(series)
    assert seen.convention == "masks-dict" and not seen.layers[0].weights


# -- order and orientation ----------------------------------------------------------------------


def test_the_order_of_layers_is_found_where_names_do_not_tell(series: Path) -> None:
    for epoch in (1, 2):
        folder = series / f"epoch_{epoch}"
        folder.mkdir()
        sp.save_npz(folder / "input_hidden.npz", sp.csr_array(matrix(784, 100)))
        sp.save_npz(folder / "hidden_output.npz", sp.csr_array(matrix(100, 10)))
    for options in ({}, {"image_shape": (1, 28, 28)}):
        seen = found(series, **options)
        assert named(seen) == {"input_hidden": (100, 784), "hidden_output": (10, 100)}
        assert seen.orientation == "in-out"
        assert any("input_hidden -> hidden_output chains" in r for r in seen.remarks)
    as_asked = found(series, model_order=["hidden_output", "input_hidden"], orientation="out-in")
    assert list(named(as_asked)) == ["hidden_output", "input_hidden"]


def test_an_order_that_cannot_be_told_is_asked_for(series: Path, tmp_path: Path) -> None:
    square = {f"{name}.weight": torch.randn(8, 8) for name in ("stem", "body", "head")}
    save_file(square, series / "a_1.safetensors")
    with pytest.raises(CheckpointError, match=r"several chain: .* -> .* or .*--model-order"):
        found(series)
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
    assert list(named(found(series))) == list(sizes)


def test_npz_keeps_the_order_in_which_it_was_saved(series: Path) -> None:
    np.savez(series / "a_1.npz", inp=matrix(8, 6), hidden=matrix(8, 8), final=matrix(4, 8))
    assert list(named(found(series))) == ["inp", "hidden", "final"]
    np.savez(series / "a_1.npz", w10=matrix(8, 8), w2=matrix(8, 8), w1=matrix(8, 6))
    assert list(named(found(series))) == ["w1", "w2", "w10"]


@pytest.mark.parametrize("binary", [False, True])
def test_matrices_by_anybody_are_chained(series: Path, binary: bool) -> None:
    arrays = {"dense1.kernel": matrix(64, 256), "dense2.kernel": matrix(256, 128)}
    if binary:
        arrays = {name: array != 0 for name, array in arrays.items()}
    np.savez(series / "g_1.npz", **arrays)
    seen = found(series)
    assert named(seen) == {"dense1": (256, 64), "dense2": (128, 256)}
    assert seen.orientation == "in-out"
    numbered = {"W1": matrix(784, 100) != 0, "W2": matrix(100, 10) != 0}
    np.savez(series / "g_1.npz", **numbered)
    assert named(found(series)) == {"W1": (100, 784), "W2": (10, 100)}


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
        found(series, model_order=["rnn.weight_ih_l0", "fc out:side"])


def test_grouped_convolutions_are_judged_by_what_they_read(series: Path) -> None:
    shapes = {"c1": (8, 3, 3, 3), "skip": (16, 8, 1, 1), "dw": (8, 1, 3, 3), "g": (12, 4, 3, 3)}
    torch.save({f"{k}.weight": torch.randn(s) for k, s in shapes.items()}, series / "1.pt")
    seen = found(series, model_order=["c1", "skip c1", "dw c1", "g dw"])
    assert [layer.spec.groups for layer in seen.layers] == [1, 1, 8, 2]
    assert not any("do not chain" in r for r in seen.remarks)


def test_a_source_that_is_not_there_is_refused(series: Path) -> None:
    torch.save({"fc1.weight": torch.randn(8, 6), "fc2.weight": torch.randn(4, 8)}, series / "1.pt")
    with pytest.raises(topolab.TopolabError, match=r"fc2 reads fc9, which is not a layer before"):
        found(series, model_order=["fc1", "fc2 fc9"])


# -- steps and metrics --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "steps"),
    [
        (["model_1_92.41", "model_2_93.10", "model_10_91.05"], [1, 2, 10]),
        (["step999", "step1e3", "step2e3"], [999, 1000, 2000]),
        (["net_5_acc91", "net_10_acc90", "net_15_acc91"], [5, 10, 15]),
        (["net_20240101_1", "net_20240101_2", "net_20240102_3"], [1, 2, 3]),
        (["seed3_100", "seed3_200"], [100, 200]),
        (["mlp_s42e3", "mlp_s42e4"], [3, 4]),
        (["step500", "step5k", "step1M"], [500, 5000, 1_000_000]),
        (["net_500", "net_1.5k", "net_2e3"], [500, 1500, 2000]),
        (["val_10", "val_20"], [10, 20]),
        (["model.v1.10", "model.v1.20"], [10, 20]),
        (["model_v1", "model_v2"], [1, 2]),
    ],
)
def test_steps_are_not_other_numbers(series: Path, names: list[str], steps: list[int]) -> None:
    for name in names:
        torch.save({"masks": {"fc": torch.eye(3)}}, series / f"{name}.pt")
    assert list(found(series).steps) == steps


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["net_12-00-30", "net_12-05-10"], "several numbers could be the step"),
        (["net_12-00-30", "net_12-00-50", "net_12-05-10"], "several numbers change"),
        (["epoch_1", "epoch_2", "best_91"], "only one name says of what its number is"),
        (["seed0/final", "seed1/final"], "several seeds or folds are several runs"),
        (["epoch0.5", "epoch1.5"], "0.5 is no whole step"),
        (["net_1", "net_2_best3"], "different counts of numbers"),
    ],
)
def test_steps_are_not_guessed(series: Path, names: list[str], words: str) -> None:
    for name in names:
        path = series / f"{name}.pt"
        path.parent.mkdir(exist_ok=True)
        torch.save({"masks": {"fc": torch.eye(3)}}, path)
    with pytest.raises(topolab.TopolabError, match=words):
        found(series)


def test_flat_files_are_layers_and_steps(series: Path) -> None:
    for name, shape in (("fc1", (20, 10)), ("fc2", (10, 5))):
        for step in (100, 200):
            sp.save_npz(series / f"{name}_{step}.npz", sp.csr_array(matrix(*shape)))
    seen = found(series)
    assert seen.steps == (100, 200) and list(named(seen)) == ["fc1", "fc2"]


def test_one_matrix_at_a_time_or_three_layers(series: Path) -> None:
    for index in (1, 2, 3):
        scipy.io.savemat(series / f"adj_{index}.mat", {"a": matrix(10, 10)})
    with pytest.raises(topolab.TopolabError, match="layers of one checkpoint, or one layer at"):
        found(series)
    for index in (1, 2, 3):
        (series / f"adj_{index}.mat").rename(series / f"adj_step{index}.mat")
    assert found(series).steps == (1, 2, 3)


def test_per_cent_is_decided_for_the_series(series: Path) -> None:
    for step, accuracy in enumerate([0.9, 1.0, 45, 91]):
        torch.save({"masks": {"fc": torch.eye(3)}, "test_acc": accuracy}, series / f"{step}.pt")
    run = topolab.import_run(series, series.parent / "run")
    assert [s.metrics["test_accuracy"] for s in run] == pytest.approx([0.009, 0.01, 0.45, 0.91])


# -- files that mean ill ------------------------------------------------------------------------


def test_many_small_pickles_take_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was quadratic, minutes: counted are the pickles taken apart and the bytes copied."""
    looks: list[Any] = []
    copied: list[int] = []

    class Counted(bytes):
        def __getitem__(self, key: Any) -> Any:
            found = super().__getitem__(key)
            copied.append(len(found) if isinstance(key, slice) else 1)
            return found

    def taken_apart(stream: Any, genops: Any = pickletools.genops) -> Any:
        looks.append(stream)
        return genops(stream)

    monkeypatch.setattr(pickletools, "genops", taken_apart)
    assert pickle_globals(Counted(b"\x80\x02." * 1_600_000)) == set()
    assert len(looks) <= 64 and sum(copied) <= 64


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
    assert "--max-gib" in str(error), error
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
        found(series, format="auto", max_bytes=2**20)


def test_claims_are_summed(series: Path) -> None:
    layers = {f"l{i}.weight": torch.ones(1, 1).expand(4096, 4096) for i in range(64)}
    torch.save(layers, series / "1.pt")
    assert peak_of("", series, 0.08) < 300


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
        found(series)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


def test_numbers_that_are_none(series: Path) -> None:
    masks = {"masks": {"fc": torch.eye(3)}}
    for step, value in enumerate([torch.empty((), device="meta"), 10**400]):
        torch.save({**masks, "epoch": value, "test_acc": 10**400}, series / f"{step}.pt")
    seen = found(series)
    assert seen.epochs is None and seen.metrics == ()


def test_a_name_of_thousands_of_digits(series: Path) -> None:
    with zipfile.ZipFile(series / "a_1.npz", "w") as archive:
        for name in ("9" * 5000, "1"):
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, matrix(3, 3))
    try:
        found(series)
    except topolab.TopolabError as error:
        assert "a_1.npz" in str(error)


def test_names_cannot_command_the_terminal(series: Path) -> None:
    model = {
        "bn\x1b[31m\x07.weight": torch.ones(4),
        "bn\x1b[31m\x07.weight_mask": torch.ones(4),
        "[bold]fc.weight": torch.randn(3, 3),
        "[bold]fc.weight_mask": torch.eye(3),
        "left\x1b[2J": torch.ones(2, 2),
    }
    torch.save(model, series / "1.pt")
    done = subprocess.run(
        [sys.executable, "-m", "topolab", "import", str(series), "--inspect"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "\x1b" not in done.stdout + done.stderr and "\x07" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


# -- converting, and what is left behind --------------------------------------------------------


@pytest.mark.parametrize("case", ["pickle", "model", "ragged"])
def test_the_lines_that_convert_work(series: Path, case: str) -> None:
    if case == "pickle":
        with (series / "a_1.pkl").open("wb") as file:
            pickle.dump({"masks": {"fc1": np.eye(4), "fc2": np.ones((2, 4))}}, file)
    elif case == "model":
        model = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 2))
        prune.random_unstructured(model[0], "weight", amount=0.5)
        torch.save(model, series / "a_1.pt")
    else:
        layers = np.empty(2, dtype=object)
        layers[:] = [matrix(6, 4), matrix(4, 3)]
        np.savez(series / "a_1.npz", W=layers)
    (file,) = series.iterdir()
    with pytest.raises(UnsafeFileError) as caught:
        found(series)
    exec(compile(caught.value.snippet, "snippet", "exec"), {})
    file.unlink()
    seen = found(series)
    assert len(seen.layers) == 2


def small(series: Path) -> None:
    for step in (1, 2):
        torch.save({"masks": {"fc": torch.eye(3)}}, series / f"step_{step}.pt")


def test_what_a_killed_import_left_is_swept(series: Path, tmp_path: Path) -> None:
    small(series)
    code = f"""
import os, signal, topolab
from topolab.importers import survey
read = survey.Survey.read
def dies(self, index):
    if index:
        os.kill(os.getpid(), signal.SIGTERM)
    return read(self, index)
survey.Survey.read = dies
topolab.import_run({str(series)!r}, {str(tmp_path / "run")!r})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == -15
    (left,) = tmp_path.glob(".importing-run-*")
    other = tmp_path / ".importing-running-12345678"
    other.mkdir()
    topolab.import_run(series, tmp_path / "run")
    assert not left.exists() and other.exists()


def test_a_full_disk_says_that_nothing_is_left(
    series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(series)
    out = tmp_path / "new" / "folder" / "run"
    write = os.fsync

    def full(handle: int) -> None:
        if any(tmp_path.rglob("*.safetensors*")):
            raise OSError(28, "No space left on device")
        write(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(topolab.TopolabError) as caught:
        topolab.import_run(series, out)
    message = str(caught.value)
    assert message.startswith(f"{out}: cannot be written (No space left on device)")
    assert "intact" not in message and ".importing" not in message
    assert not (tmp_path / "new").exists()


def test_a_file_that_vanishes_is_named(
    series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(series)

    def vanish(what: str, done: int, total: int) -> None:
        if what == "reading" and done == total:
            (series / "step_2.pt").unlink()

    with pytest.raises(CheckpointError, match=r"step_2.pt: cannot be read"):
        topolab.import_run(series, tmp_path / "run", progress=vanish)
    assert not list(tmp_path.glob(".importing*"))


@pytest.mark.parametrize("content", [b"", b"PK", b"GIF89a", b"PK\x05\x06" + bytes(18)])
def test_a_damaged_file_is_not_left_out_of_its_series(series: Path, content: bytes) -> None:
    np.savez(series / "a_1.npz", W1=matrix(4, 6), W2=matrix(3, 4))
    (series / "a_2.npz").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a_2.npz: damaged"):
        found(series)


def test_epochs_are_those_that_go_along(series: Path) -> None:
    for step in (10, 20):
        torch.save({"masks": {"fc": torch.eye(3)}}, series / f"wrn_epochs200_ckpt_{step}.pt")
    assert found(series).epochs is None


def test_masks_beside_weights_in_an_npz_are_no_layers(series: Path) -> None:
    arrays = {"fc1": matrix(8, 8), "fc2": matrix(8, 8)}
    masks = {f"{name}_mask": array != 0 for name, array in arrays.items()}
    np.savez(series / "s1.npz", **arrays, **masks)
    with pytest.raises(CheckpointError, match=r"holds masks \(fc1_mask, fc2_mask\)"):
        found(series)
    letters = {"w1": matrix(8, 8), "m1": mask(8, 8), "w2": matrix(4, 8), "m2": mask(4, 8)}
    np.savez(series / "s1.npz", **letters)
    with pytest.raises(CheckpointError, match=r"holds masks \(m1, m2\)"):
        found(series)


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
    assert found(series, model_order=order).layers[3].spec.source is None


@pytest.mark.parametrize("norm", [nn.utils.spectral_norm, parametrizations.spectral_norm])
def test_a_layer_under_a_norm_is_kept(series: Path, norm: Any) -> None:
    model = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 6))
    norm(model[1])
    prune.random_unstructured(model[0], "weight", amount=0.5)
    torch.save(model.state_dict(), series / "1.pt")
    assert list(named(found(series))) == ["0", "1", "2"]


@pytest.mark.parametrize(
    "more",
    [
        {"src_mask": torch.ones(6, 6).tril()},
        {"blocks.0.mask": torch.ones(1, 1, 8, 8, dtype=torch.bool).tril()},
        {"mask_token": torch.zeros(1, 1, 8)},
        {"pad.mask": torch.zeros(5, 7, dtype=torch.bool)},
    ],
)
def test_other_masks_are_not_topology(series: Path, more: dict[str, torch.Tensor]) -> None:
    state = {"fc1.weight": torch.randn(6, 6), "fc2.weight": torch.randn(4, 6), **more}
    torch.save({"model": state, "confusion": torch.rand(4, 4)}, series / "1.pt")
    assert list(named(found(series)))[:2] == ["fc1", "fc2"]


def test_one_prefix_maps_all_masks(series: Path) -> None:
    masks = {"0.weight": mask(8, 8), "1.0.weight": mask(8, 8)}
    state = {f"{p}{name}": torch.randn(8, 8) for p in ("net.", "ema.") for name in masks}
    torch.save({"masks": masks, "state_dict": state}, series / "1.pt")
    seen = found(series)
    assert {"net.0", "net.1.0"} <= set(named(seen))
    assert any("names begin with net." in remark for remark in seen.remarks)


def test_keys_and_values_do_not_read_each_other(series: Path) -> None:
    names = ["attn.q_proj", "attn.k_proj", "attn.v_proj", "attn.out_proj", "rnn.weight_hh_l0"]
    torch.save({f"{name}.weight": matrix_tensor(8, 8) for name in names}, series / "1.pt")
    sources = {layer.spec.name: layer.spec.source for layer in found(series).layers}
    assert sources["attn.k_proj"] == "attn.k_proj:in" and sources["attn.v_proj"] is not None
    assert sources["attn.q_proj"] is None and sources["attn.out_proj"] is None


def matrix_tensor(rows: int, columns: int) -> torch.Tensor:
    return torch.from_numpy(matrix(rows, columns))


@pytest.mark.parametrize(
    "order", [["a p:in", "b p:in", "e p:in"], ["a", "c a"]], ids=["shared", "source"]
)
def test_an_order_of_the_user_that_cannot_be_is_refused(series: Path, order: list[str]) -> None:
    shapes = {"a": (8, 8), "b": (8, 8), "c": (4, 6), "e": (8, 6)}
    torch.save({f"{n}.weight": torch.randn(s) for n, s in shapes.items()}, series / "1.pt")
    with pytest.raises(topolab.TopolabError, match="--model-order: the layers do not chain"):
        found(series, model_order=order)


def test_input_may_be_read_anywhere(series: Path) -> None:
    torch.save({f"{n}.weight": torch.randn(8, 8) for n in "abcd"}, series / "1.pt")
    run = topolab.import_run(series, series.parent / "run",
                             model_order=["a p:in", "b p:in", "c input", "d"])  # fmt: skip
    graph = topolab.LayeredGraph.from_snapshot(run[0])
    assert graph.inputs == {"p:in", "input"} and graph.source_of("d") == "c"
