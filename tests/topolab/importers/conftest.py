"""A small trained run, and every convention's way of writing it down."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
import torch
from safetensors.torch import save_file
from torch.nn.utils import parametrize, prune

import topolab

SHAPES = {"fc1": (24, 64), "fc2": (16, 24), "fc3": (10, 16)}
Masks = dict[str, np.ndarray]


@dataclass(frozen=True)
class SeriesPoint:
    step: int
    masks: Masks
    weights: Masks


@dataclass(frozen=True)
class Layout:
    """How one project writes a series, and what an import of it should find."""

    convention: str
    write: Callable[[Path, list[SeriesPoint]], None]
    weights: bool = True
    names: tuple[str, ...] = ("fc1", "fc2", "fc3")
    orientation: str = "out-in"
    bias: bool = False
    options: dict[str, Any] = field(default_factory=dict)


def model(point: SeriesPoint) -> torch.nn.Module:
    """A multilayer perceptron with the weights of a point of the series."""
    net = torch.nn.Sequential()
    for name, (n_out, n_in) in SHAPES.items():
        layer = torch.nn.Linear(n_in, n_out)
        layer.weight.data = torch.from_numpy(point.weights[name].copy())
        net.add_module(name, layer)
        net.add_module(f"{name}_norm", torch.nn.LayerNorm(n_out))
    return net


def each(write: Callable[[Path, SeriesPoint], None], suffix: str = "pt"
         ) -> Callable[[Path, list[SeriesPoint]], None]:  # fmt: skip
    def series(folder: Path, points: list[SeriesPoint]) -> None:
        for point in points:
            write(folder / f"net_step_{point.step}.{suffix}", point)

    return series


def pruned(path: Path, point: SeriesPoint) -> None:
    net = model(point)
    for name in ("fc1", "fc2"):
        layer = net.get_submodule(name)
        with torch.no_grad():  # torch keeps weights where the mask is 0: they must not leak
            layer.weight[~torch.from_numpy(point.masks[name])] = 7.0
        prune.custom_from_mask(layer, "weight", torch.from_numpy(point.masks[name]))
    torch.save({"state_dict": torch.nn.DataParallel(net).state_dict()}, path)


def buffers(path: Path, point: SeriesPoint) -> None:
    state = {f"_orig_mod.{k}": v for k, v in model(point).state_dict().items()}
    for name in SHAPES:
        state[f"_orig_mod.{name}.weight_mask"] = torch.from_numpy(point.masks[name]).float()
    save_file(state, path)


class Masked(torch.nn.Module):
    def __init__(self, mask: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)
        self.register_buffer("dense_grad", torch.zeros(mask.shape))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight * self.mask


def parametrized(path: Path, point: SeriesPoint) -> None:
    net = model(point)
    for name in ("fc1", "fc2"):
        mask = Masked(torch.from_numpy(point.masks[name].copy()))
        parametrize.register_parametrization(net.get_submodule(name), "weight", mask)
    torch.save(net.state_dict(), path)


def tensors(point: SeriesPoint, kind: torch.dtype, end: str = ".weight") -> dict[str, torch.Tensor]:
    return {f"{n}{end}": torch.from_numpy(point.masks[n]).to(kind) for n in ("fc1", "fc2")}


def sparse_learning(path: Path, point: SeriesPoint) -> None:
    state = model(point).state_dict()
    torch.save({"state_dict": state, "masks": tensors(point, torch.float32)}, path)


def rigl_reproducibility(path: Path, point: SeriesPoint) -> None:
    inside = {"density": 0.2, "masks": tensors(point, torch.bool)}
    state = {f"module.{k}": v for k, v in model(point).state_dict().items()}
    torch.save({"model": state, "mask": inside, "step": point.step}, path)


def bare_masks(path: Path, point: SeriesPoint) -> None:
    torch.save(
        {f"module.{n}.weight": torch.from_numpy(point.masks[n]).float() for n in SHAPES}, path
    )


def backward_masks(point: SeriesPoint) -> list[torch.Tensor | None]:
    return [torch.from_numpy(point.masks[n]) for n in ("fc1", "fc2")] + [None]


def rigl_torch(path: Path, point: SeriesPoint) -> None:
    pruner = {"S": [0.8, 0.8, 0], "N": [1536, 384, 160], "hyperparams": {"alpha": 0.3},
              "step": point.step, "backward_masks": backward_masks(point)}  # fmt: skip
    torch.save({"model": model(point).state_dict(), "pruner": pruner}, path)


def condensed(path: Path, point: SeriesPoint) -> None:
    pruner = {
        "module_names": list(SHAPES),
        "backward_masks": backward_masks(point),
        "active_neurons": [list(range(n_out)) for n_out, _ in SHAPES.values()],
        "explored_params": [torch.ones(shape, dtype=torch.bool) for shape in SHAPES.values()],
    }
    torch.save({"pruner": pruner, "epoch": point.step}, path)


def cht_scheduler(path: Path, point: SeriesPoint) -> None:
    masks = [torch.from_numpy(point.masks[n]).float() for n in SHAPES]
    torch.save({"scheduler": {"zeta": 0.3, "backward_masks": masks}}, path)


def sparse(path: Path, point: SeriesPoint, to: Callable[[torch.Tensor], torch.Tensor]) -> None:
    state = dict(model(point).state_dict())
    for name in ("fc1", "fc2"):
        index = torch.from_numpy(np.stack(np.nonzero(point.masks[name])))
        values = torch.from_numpy(point.weights[name][point.masks[name]])
        state[f"{name}.weight"] = to(torch.sparse_coo_tensor(
            index, values, SHAPES[name], check_invariants=True
        ))  # fmt: skip
    torch.save(state, path)


def coo(path: Path, point: SeriesPoint) -> None:
    sparse(path, point, lambda tensor: tensor)


def csr(path: Path, point: SeriesPoint) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its CSR layout a beta
        sparse(path, point, lambda tensor: tensor.coalesce().to_sparse_csr())


def nerva(path: Path, point: SeriesPoint) -> None:
    arrays = {}
    for index, name in enumerate(SHAPES, start=1):
        arrays[f"W{index}"] = point.weights[name] * point.masks[name]
        arrays[f"b{index}"] = np.zeros(SHAPES[name][0], dtype=np.float32)
    np.savez_compressed(path, **arrays)


def scipy_folders(folder: Path, points: list[SeriesPoint], *, bias: bool = False) -> None:
    for point in points:
        inside = folder / f"epoch_{point.step:03d}"
        inside.mkdir()
        for index, name in enumerate(SHAPES):
            mask = point.masks[name].T
            values = np.where(mask, point.weights[name].T, 0)
            if bias:
                values = np.vstack([values, np.ones((1, values.shape[1]))])
            sp.save_npz(inside / f"weight_l{index}.npz", sp.csr_matrix(values))


def scipy_bias(folder: Path, points: list[SeriesPoint]) -> None:
    scipy_folders(folder, points, bias=True)


def cht_matlab(folder: Path, points: list[SeriesPoint]) -> None:
    for index, name in enumerate(SHAPES, start=1):
        inside = folder / f"adj_{index}"
        inside.mkdir()
        for point in points:
            matrix = point.masks[name].T.astype(np.float32)
            scipy.io.savemat(inside / f"{point.step}.mat", {"adjacency_matrix": matrix})


def dense(path: Path, point: SeriesPoint) -> None:
    state = model(point).state_dict()
    for name in ("fc1", "fc2"):
        state[f"{name}.weight"] *= torch.from_numpy(point.masks[name])
    torch.save(state, path)


LAYOUTS = {
    "torch.nn.utils.prune": Layout("torch-prune", each(pruned)),
    "SynFlow": Layout("torch-prune", each(buffers, "safetensors")),
    "parametrize": Layout("parametrized", each(parametrized)),
    "sparse_learning": Layout("masks-dict", each(sparse_learning)),
    "rigl-reproducibility": Layout("masks-dict", each(rigl_reproducibility)),
    "bare masks": Layout("masks-dict", each(bare_masks), weights=False),
    "rigl-torch": Layout("ordered-list", each(rigl_torch)),
    "condensed-sparsity": Layout("ordered-list", each(condensed, "pt.tar"), weights=False),
    "CHT scheduler": Layout(
        "ordered-list", each(cht_scheduler), weights=False,
        options={"model_order": ["fc1", "fc2", "fc3"]},
    ),
    "COO": Layout("sparse-tensors", each(coo)),
    "CSR": Layout("sparse-tensors", each(csr)),
    "nerva": Layout("nerva-npz", each(nerva, "npz"), names=("W1", "W2", "W3")),
    "SET": Layout(
        "scipy-npz", scipy_folders, names=("weight_l0", "weight_l1", "weight_l2"),
        orientation="in-out",
    ),
    "SET, bias row": Layout(
        "scipy-npz", scipy_bias, names=("weight_l0", "weight_l1", "weight_l2"),
        orientation="in-out", bias=True,
    ),
    "CHT": Layout(
        "matlab", cht_matlab, weights=False, names=("adj_1", "adj_2", "adj_3"),
        orientation="in-out",
    ),
    "dense": Layout("dense", each(dense)),
}  # fmt: skip


@pytest.fixture(scope="session")
def points(tmp_path_factory: pytest.TempPathFactory) -> list[SeriesPoint]:
    """RigL on digits; weights that are active and 0 are made 0.001, for conventions need it."""
    run = topolab.train(
        "rigl", tmp_path_factory.mktemp("trained") / "rigl", data="digits", sparsity=0.8,
        hidden=(24, 16), epochs=2, batch_size=128, update_every=5, seed=3, record="weights",
        threads=1,
    )  # fmt: skip
    found = []
    for snapshot in run:
        masks, weights = {}, {}
        for name, shape in SHAPES.items():
            masks[name] = np.array(snapshot.masks[name])
            values = np.array(snapshot.weights[name])
            weights[name] = np.zeros(shape, dtype=np.float32)
            weights[name][masks[name]] = np.where(values == 0, np.float32(1e-3), values)
        found.append(SeriesPoint(snapshot.step, masks, weights))
    assert len(found) == 5
    return found


@pytest.fixture(params=sorted(LAYOUTS))
def layout(request: pytest.FixtureRequest) -> Layout:
    """Every layout in turn."""
    return LAYOUTS[request.param]


@pytest.fixture
def layouts() -> dict[str, Layout]:
    """All layouts by name."""
    return LAYOUTS


@pytest.fixture
def series(tmp_path: Path) -> Iterator[Path]:
    """An empty folder for checkpoints."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    yield folder


def record(path: Path, points: list[SeriesPoint], *, weights: bool) -> topolab.Run:
    """The original run, as a recorder in the training loop would have written it."""
    layers = [
        topolab.LayerSpec(name, "linear", shape, name != "fc3",
                          (1, 8, 8) if name == "fc1" else None)
        for name, shape in SHAPES.items()
    ]  # fmt: skip
    with topolab.Recorder(path, layers=layers) as recorder:
        for point in points:
            recorder.record(point.step, point.masks, weights=point.weights if weights else None)
    return topolab.open_run(path)


@pytest.fixture(scope="session")
def original(
    tmp_path_factory: pytest.TempPathFactory, points: list[SeriesPoint]
) -> dict[bool, topolab.Run]:
    """The original run, with weights and without."""
    folder = tmp_path_factory.mktemp("original")
    return {w: record(folder / f"weights-{w}", points[:3], weights=w) for w in (True, False)}


@pytest.fixture(scope="session")
def tables(original: dict[bool, topolab.Run]) -> dict[bool, dict[str, Any]]:
    """What every analysis says of the original; the words of those that cannot answer."""
    return {weights: answers(run) for weights, run in original.items()}


# Fewer random graphs: every table is compared with its twin, made with the same seed.
FEWER: dict[str, dict[str, Any]] = {
    "nulls": {"replicates": 3, "frames": 2},
    "powerlaw": {"replicates": 50, "errors": 20, "x_min": 2},
    "selection": {"replicates": 50, "replicates_through_time": 50, "nulls": 5, "x_min": 2},
}


def answers(run: topolab.Run) -> dict[str, Any]:
    from topolab.errors import AnalysisError
    from topolab.registry import names

    found: dict[str, Any] = {}
    for name in names("analyses"):
        try:
            chosen = {name: FEWER[name]} if name in FEWER else None
            result = topolab.analyse(run, [name], parameters=chosen, cache=False)
            found |= {key: value.table for key, value in result.items()}
        except AnalysisError as error:
            found[name] = str(error)
    return found


@pytest.fixture
def answer() -> Callable[[topolab.Run], dict[str, Any]]:
    """The function that asks every analysis."""
    return answers
