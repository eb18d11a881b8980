"""Which files belong together, what step each is of, and which way round a matrix lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
import torch

import topolab
from topolab.importers.orientation import choose


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"masks": {"fc": torch.eye(3)}}, path)


@pytest.mark.parametrize(
    ("files", "steps"),
    [
        (["ckpt_10.pt", "ckpt_9.pt", "ckpt_100.pt"], [9, 10, 100]),
        (["epoch=1-step=300.ckpt", "epoch=0-step=150.ckpt"], [150, 300]),
        (["rigl_s0.9_epoch2_acc91.pt", "rigl_s0.9_epoch10_acc91.pt"], [2, 10]),
        (["epoch_2/model_v1.pt", "epoch_11/model_v1.pt"], [2, 11]),
        (["3/model.pt", "12/model.pt"], [3, 12]),
        (["a/1.pt", "a/2.pt"], [1, 2]),
        (["checkpoint-500/pytorch_model.bin", "checkpoint-1000/pytorch_model.bin"], [500, 1000]),
        (["model.pt"], [0]),
        (["model_0007.pth.tar"], [7]),
        (["EPOCH-3.pt", "EPOCH-4.pt"], [3, 4]),
    ],
)
def test_steps_from_names(series: Path, files: list[str], steps: list[int]) -> None:
    write(series, *files)
    assert list(topolab.inspect_checkpoints(series).steps) == steps


def test_epochs_from_names_are_kept(series: Path) -> None:
    write(series, "epoch=1-step=300.ckpt", "epoch=0-step=150.ckpt")
    assert topolab.inspect_checkpoints(series).epochs == (0.0, 1.0)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["a_5.pt", "b_5.pt"], "both names give step 5"),
        (["best.pt", "ckpt_1.pt"], "best.pt: no number in its name"),
        (["step_1234567890123456.pt"], "too large"),
    ],
)
def test_equal_and_missing_steps_are_an_error(series: Path, files: list[str], words: str) -> None:
    write(series, *files)
    with pytest.raises(topolab.TopolabError, match=words):
        topolab.inspect_checkpoints(series)


def test_steps_from_inside(series: Path) -> None:
    for name, value in (("a", {"global_step": 30, "epoch": 1}), ("b", {"global_step": 4})):
        torch.save({"masks": {"fc": torch.eye(3)}, **value}, series / f"{name}.pt")
    found = topolab.inspect_checkpoints(series, step_from="key")
    assert found.steps == (4, 30) and found.epochs is None
    assert [source.name for source in found.sources] == ["b.pt", "a.pt"]
    torch.save({"masks": {"fc": torch.eye(3)}, "pruner": {"step": torch.tensor(30)}},
               series / "c.pt")  # fmt: skip
    with pytest.raises(topolab.TopolabError, match="both are of step 30"):
        topolab.inspect_checkpoints(series, step_from="key")
    for value, words in (({}, "no step is inside"), ({"step": 1.5}, "no whole number"),
                         ({"step": -1}, "below 0")):  # fmt: skip
        torch.save({"masks": {"fc": torch.eye(3)}, **value}, series / "c.pt")
        with pytest.raises(topolab.TopolabError, match=words):
            topolab.inspect_checkpoints(series, step_from="key")


def test_paths_can_be_files_globs_and_folders(series: Path) -> None:
    write(series, "a_1.pt", "a_2.pt", "b_3.pt", ".hidden_4.pt")
    (series / "readme.md").write_text("text")
    assert topolab.inspect_checkpoints(series).steps == (1, 2, 3)
    assert topolab.inspect_checkpoints(series / "a_*.pt").steps == (1, 2)
    both = [series / "b_3.pt", series / "a_1.pt", series]
    assert topolab.inspect_checkpoints(both).steps == (1, 2, 3)
    for wrong, words in ((series / "x.pt", "no such file"), (series / "x*", "of this pattern")):
        with pytest.raises(topolab.TopolabError, match=words):
            topolab.inspect_checkpoints(wrong)


def test_a_run_and_a_mixture_are_refused(series: Path) -> None:
    write(series, "a_1.pt")
    run = topolab.import_run(series, series.parent / "run")
    with pytest.raises(topolab.TopolabError, match="a run of topolab already"):
        topolab.inspect_checkpoints(run.path)
    np.savez(series / "b_2.npz", W1=np.eye(3))
    with pytest.raises(topolab.TopolabError, match="files of several kinds"):
        topolab.inspect_checkpoints(series)


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


def test_one_checkpoint_is_in_memory_at_a_time(
    series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gc
    import weakref

    from topolab.importers import survey

    alive: list[weakref.ref[object]] = []
    real = survey.load

    def watched(*arguments: object) -> object:
        gc.collect()
        assert not [ref for ref in alive if ref() is not None]
        content = real(*arguments)  # type: ignore[arg-type]
        alive.extend(weakref.ref(tensor) for tensor in content.value["masks"].values())
        return content

    monkeypatch.setattr(survey, "load", watched)
    write(series, *(f"a_{step}.pt" for step in range(4)))
    topolab.import_run(series, series.parent / "run")
    assert len(alive) == 8


# -- orientation -----------------------------------------------------------------------------------


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


@pytest.mark.parametrize("wrong", [{"step_from": "x"}, {"orientation": "x"}, {"max_bytes": 0}])
def test_wrong_options(series: Path, wrong: dict[str, object]) -> None:
    write(series, "a_1.pt")
    with pytest.raises(topolab.TopolabError, match=next(iter(wrong))):
        topolab.inspect_checkpoints(series, **wrong)  # type: ignore[arg-type]
