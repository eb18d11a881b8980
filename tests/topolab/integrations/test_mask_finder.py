"""The layer table of a live model: which masks are recorded, which layers are dense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils import parametrize, prune

from topolab.errors import LayerError
from topolab.integrations.mask_finder import MaskFinder
from topolab.integrations.masks import find_mask

Maker = Callable[..., torch.nn.Sequential]
PATTERN = torch.tensor([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]], dtype=torch.bool)


class Masked(torch.nn.Module):
    """A parametrization as torch.ao.pruning's FakeSparsity."""

    def __init__(self, mask: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return self.mask * weight


def layer() -> torch.nn.Linear:
    torch.manual_seed(1)
    return torch.nn.Linear(4, 3)


class Own(torch.nn.Module):
    """A layer that is of none of torch's classes."""

    def __init__(self, *shape: int, mask: bool = True, **fields: object) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(shape))
        if mask:
            self.register_buffer("mask", torch.rand(shape) < 0.4)
        for name, value in fields.items():
            setattr(self, name, value)


def pruned(module: torch.nn.Module, name: str = "weight") -> torch.nn.Module:
    prune.random_unstructured(module, name, amount=0.5)
    return module


def of_own_sparse() -> torch.nn.Module:
    module = Own(6, 5, mask=False)
    module.weight = torch.nn.Parameter(torch.eye(6, 5).to_sparse(), requires_grad=False)
    return module


def of_own_parametrized() -> torch.nn.Module:
    module = Own(6, 5, mask=False)
    parametrize.register_parametrization(module, "weight", Masked(torch.eye(6, 5)))
    return module


def test_a_mask_that_is_replaced_is_found_again(mlp: Maker) -> None:
    model = mlp()
    finder = MaskFinder(model)
    model[0].weight_mask = torch.zeros(6, 8)
    model[0].weight_mask[2, 3] = 1
    assert finder.masks()["0"].nonzero().tolist() == [[2, 3]]
    model[2] = torch.nn.Linear(6, 5)  # a whole layer is replaced
    model[2].register_buffer("mask", torch.eye(5, 6))
    assert finder.masks()["2"].sum() == 5


def test_zeros_are_the_last_resort_and_say_so(mlp: Maker) -> None:
    model = mlp(pruned=False)
    with torch.no_grad():
        model[0].weight[1, :3] = 0
    finder = MaskFinder(model)
    with pytest.warns(UserWarning, match="0, 2, 4.*grown at the last update.*masks="):
        masks = finder.masks()
    assert (~masks["0"]).nonzero().tolist() == [[1, 0], [1, 1], [1, 2]]
    finder.masks()  # a second warning would be an error here


def test_a_layer_without_a_mask_beside_one_with_a_mask_is_dense_whatever_its_values(
    mlp: Maker,
) -> None:
    model = mlp()
    tables = [MaskFinder(model).layers]
    with torch.no_grad():
        model[4].weight[0, 0] = 0  # one in fifteen is not remarked upon
    finder = MaskFinder(model)
    assert finder.masks()["4"].all()
    tables.append(finder.layers)
    with torch.no_grad():
        model[4].weight.zero_()
    with pytest.warns(UserWarning, match=r"recorded as dense.*: 4 \(100% of its weights\)"):
        finder = MaskFinder(model)
    assert finder.masks()["4"].all()
    tables.append(finder.layers)
    assert tables[0] == tables[1] == tables[2]
    assert [spec.maskable for spec in tables[0]] == [True, True, False]


def test_zeros_beside_masks_are_absent_if_it_is_said_so(mlp: Maker) -> None:
    model = mlp()
    with torch.no_grad():
        model[4].weight[0, 0] = 0
    finder = MaskFinder(model, dense=())
    assert [spec.maskable for spec in finder.layers] == [True, True, True]
    with pytest.warns(UserWarning, match="no mask was found for 4 "):
        assert not finder.masks()["4"][0, 0]


@pytest.mark.parametrize(
    ("make", "kind", "shape", "groups"),
    [
        (lambda: Own(6, 5), "linear", (6, 5), 1),
        (lambda: Own(6, 5, in_features=5, out_features=6), "linear", (6, 5), 1),
        (lambda: pruned(Own(6, 5, mask=False)), "linear", (6, 5), 1),
        (of_own_sparse, "linear", (6, 5), 1),
        (of_own_parametrized, "linear", (6, 5), 1),
        (lambda: Own(6, 5, 3, 3, kernel_size=(3, 3)), "conv", (6, 5, 3, 3), 1),
        (lambda: Own(6, 2, 3, 3, stride=1, groups=3), "conv", (6, 2, 3, 3), 3),
    ],
)
def test_masks_of_modules_of_ones_own(
    make: Callable[[], torch.nn.Module], kind: str, shape: tuple[int, ...], groups: int
) -> None:
    torch.manual_seed(0)
    module = make()
    finder = MaskFinder(torch.nn.Sequential(module, torch.nn.ReLU(), torch.nn.Linear(6, 2)))
    first, second = finder.layers
    assert (first.name, first.kind, first.shape, first.groups) == ("0", kind, shape, groups)
    assert (first.maskable, second.name, second.maskable) == (True, "2", False)
    found = find_mask(module)
    assert found is not None
    assert torch.equal(finder.masks()["0"], found.mask)
    assert 0 < found.mask.sum() < found.mask.numel()
    assert finder.weights()["0"].shape == shape


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: pruned(torch.nn.Conv1d(2, 3, 3)), r"0\.weight: a Conv1d .* shape \(3, 2, 3\)"),
        (lambda: pruned(torch.nn.Conv3d(2, 3, 3)), r"0\.weight: a Conv3d"),
        (lambda: pruned(torch.nn.ConvTranspose2d(2, 3, 3)), r"0\.weight: a transposed conv"),
        (lambda: pruned(torch.nn.Embedding(9, 4)), r"0\.weight: an Embedding"),
        (lambda: pruned(torch.nn.LayerNorm(8)), r"0\.weight: a LayerNorm .* shape \(8,\)"),
        (lambda: pruned(torch.nn.MultiheadAttention(4, 2), "in_proj_weight"),
         r"0\.in_proj_weight: only the mask of a module's `weight`"),
        (lambda: pruned(torch.nn.LSTM(4, 3), "weight_ih_l0"), r"0\.weight_ih_l0: only"),
        (lambda: Own(4, 5, 3), r"0\.weight: a Own"),
        (lambda: Own(4, 5, 3, 3), r"0\.weight: whether a Own is a convolution"),
        (lambda: Own(4, 5, in_features=4, out_features=5), r"0\.weight: .*its inputs first"),
    ],
)  # fmt: skip
def test_masks_that_cannot_be_recorded_are_named(
    make: Callable[[], torch.nn.Module], why: str
) -> None:
    model = torch.nn.Sequential(make(), torch.nn.Linear(4, 3))
    with torch.no_grad():
        model[1].weight[0, 0] = 0
    with pytest.warns(UserWarning, match=f"masks are not recorded: {why}"):
        finder = MaskFinder(model)
    finder.masks()  # says it no second time
    names = [layer.name for layer in finder.layers]
    assert names == (["0.out_proj", "1"] if "in_proj" in why else ["1"])
    assert not finder.layers[-1].maskable
    if "in_proj" not in why:
        with pytest.raises(LayerError, match=f"masks, but none that can be recorded .{why}"):
            MaskFinder(torch.nn.Sequential(model[0], torch.nn.ReLU()))


def test_a_mask_of_a_bias_is_named_and_makes_no_other_layer_dense(mlp: Maker) -> None:
    model = mlp(pruned=False)
    prune.random_unstructured(model[0], "bias", amount=0.5)
    with pytest.warns(UserWarning, match=r"0\.bias: only the mask of a module's `weight`"):
        finder = MaskFinder(model)
    assert all(layer.maskable for layer in finder.layers)


def test_no_weight_is_computed_beside_masks(mlp: Maker) -> None:
    model = mlp()
    runs = []

    class Watched(torch.nn.Module):
        def forward(self, weight: torch.Tensor) -> torch.Tensor:
            runs.append(self.training)
            return weight

    parametrize.register_parametrization(model[4], "weight", Watched())
    runs.clear()
    finder = MaskFinder(model)
    assert finder.masks()["4"].all()
    assert runs == []


def test_a_dense_layer_that_gets_a_mask_is_recorded_and_remarked(mlp: Maker) -> None:
    model = mlp()
    finder = MaskFinder(model)
    assert finder.masks()["4"].all()
    prune.random_unstructured(model[4], "weight", amount=5)
    with pytest.warns(UserWarning, match="layer 4 was attached as a dense layer"):
        assert finder.masks()["4"].sum() == 10


@pytest.mark.parametrize("key", ["0", "0.weight", "module.0.weight", "_orig_mod.0.weight"])
def test_given_masks_by_layer_or_parameter(mlp: Maker, key: str) -> None:
    model = mlp(pruned=False)
    given: dict[str, Any] = {key: np.eye(6, 8)}
    finder = MaskFinder(model, masks=given)
    assert [spec.maskable for spec in finder.layers] == [True, False, False]
    assert finder.masks()["0"].sum() == 6
    given[key] = np.zeros((6, 8), dtype=bool)
    assert finder.masks()["0"].sum() == 0


def test_what_is_no_mask_is_refused_by_name(mlp: Maker) -> None:
    model = mlp()
    finder = MaskFinder(model)
    model[2].weight_mask[0, 0] = 0.5
    with pytest.raises(LayerError, match="layer 2: a mask holds only 0 and 1"):
        finder.masks()
    model = mlp()
    with pytest.raises(LayerError, match=r"masks for fc9, which the model does not.*0, 2, 4"):
        MaskFinder(model, masks={"fc9": PATTERN})
    with pytest.raises(LayerError, match="must give masks by layer name, not list"):
        MaskFinder(model, masks=lambda model: [PATTERN])  # type: ignore[arg-type,return-value]
    with pytest.raises(LayerError, match="dense layers 9 are not in the model"):
        MaskFinder(model, dense=["9"])
    with pytest.raises(LayerError, match="no Linear and no Conv2d"):
        MaskFinder(torch.nn.ReLU())
    given = {"0": torch.ones(6, 8), "2": torch.ones(5, 6)}
    finder = MaskFinder(mlp(pruned=False), masks=given)
    del given["2"]
    with pytest.raises(LayerError, match="masks gives none for layer 2; it gives 0"):
        finder.masks()
