"""The mask of a module by every convention, and its weight."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from torch.nn.utils import parametrize, prune

from topolab.integrations.mask_finder import MaskFinder
from topolab.integrations.masks import find_mask, unwrap, weight_of

Maker = Callable[..., torch.nn.Sequential]
PATTERN = torch.tensor([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]], dtype=torch.bool)


class Masked(torch.nn.Module):
    """A parametrization as torch.ao.pruning's FakeSparsity."""

    def __init__(self, mask: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return self.mask * weight


class Doubled(torch.nn.Module):
    """A parametrization without a mask that counts how often it is computed while training."""

    def __init__(self) -> None:
        super().__init__()
        self.computed = 0

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        self.computed += self.training
        return 2 * weight


def layer() -> torch.nn.Linear:
    torch.manual_seed(1)
    return torch.nn.Linear(4, 3)


def by_prune() -> torch.nn.Module:
    return prune.custom_from_mask(layer(), "weight", PATTERN)


def by_parametrization() -> torch.nn.Module:
    module = layer()
    parametrize.register_parametrization(module, "weight", Masked(PATTERN.float()))
    return module


def by_two_parametrizations() -> torch.nn.Module:
    module = layer()
    rows, columns = PATTERN.any(dim=1, keepdim=True).expand(3, 4), PATTERN
    parametrize.register_parametrization(module, "weight", Masked(rows.to(torch.bfloat16)))
    parametrize.register_parametrization(module, "weight", Masked(columns.to(torch.uint8)))
    return module


def by_buffer() -> torch.nn.Module:
    module = layer()
    module.register_buffer("mask", PATTERN.to(torch.float16))
    return module


def by_sparse(convert: Callable[[torch.Tensor], torch.Tensor]) -> torch.nn.Module:
    module = layer()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse .* tensor support is in beta")
        dense = torch.where(PATTERN, module.weight.detach(), 0.0)
        sparse = convert(dense)
        if sparse.layout == torch.sparse_csr:
            sparse.values()[0] = 0.0  # a new connection: there, and still 0
        module.weight = torch.nn.Parameter(sparse, requires_grad=False)
    return module


@pytest.mark.parametrize(
    ("make", "how"),
    [
        (by_prune, "prune"),
        (by_parametrization, "parametrization"),
        (by_two_parametrizations, "parametrization"),
        (by_buffer, "buffer"),
        (lambda: by_sparse(lambda w: w.to_sparse()), "sparse"),
        (lambda: by_sparse(lambda w: w.to_sparse_csr()), "sparse"),
        (lambda: by_sparse(lambda w: w.to_sparse_csc()), "sparse"),
        (lambda: by_sparse(lambda w: w.to_sparse_bsr((1, 1))), "sparse"),
    ],
)
def test_every_convention(make: Callable[[], torch.nn.Module], how: str) -> None:
    module = make()
    found = find_mask(module)
    assert found is not None
    assert found.how == how
    assert torch.equal(found.mask, PATTERN)
    # and beside a dense layer, in a model
    finder = MaskFinder(torch.nn.Sequential(module, torch.nn.ReLU(), torch.nn.Linear(3, 2)))
    assert [(s.name, s.shape, s.maskable) for s in finder.layers] == [
        ("0", (3, 4), True), ("2", (2, 3), False),
    ]  # fmt: skip
    masks = finder.masks()
    assert torch.equal(masks["0"], PATTERN)
    assert masks["2"].all()


def test_weights_are_those_after_the_step_and_nothing_is_computed_for_them() -> None:
    module = by_prune()
    with torch.no_grad():
        module.weight_orig.add_(1.0)  # type: ignore[operator]  # as an optimiser does
    weight = weight_of(module)
    assert weight is not None
    assert torch.equal(weight[PATTERN], module.weight_orig[PATTERN])  # type: ignore[index]
    assert not torch.equal(weight[PATTERN], module.weight[PATTERN])  # type: ignore[index]

    module = layer()
    counting = Doubled()
    parametrize.register_parametrization(module, "weight", counting)
    before = counting.computed
    finder = MaskFinder(torch.nn.Sequential(module), masks={"0": PATTERN})
    expected = 2 * module.parametrizations.weight.original  # type: ignore[union-attr,operator]
    assert torch.equal(finder.weights()["0"], expected)
    assert counting.computed == before
    assert counting.training


def test_a_convolution_with_a_parametrization_is_not_computed_for_its_shape() -> None:
    module = torch.nn.Conv2d(4, 6, (3, 1), groups=2)
    counting = Doubled()
    parametrize.register_parametrization(module, "weight", counting)
    before = counting.computed
    finder = MaskFinder(
        torch.nn.Sequential(module), masks=lambda model: {"0": torch.ones(6, 2, 3, 1)}
    )
    assert finder.layers[0].shape == (6, 2, 3, 1)
    assert counting.computed == before


class Noisy(torch.nn.Module):
    """A parametrization whose parts draw and count while training."""

    def __init__(self) -> None:
        super().__init__()
        self.part = torch.nn.Sequential(torch.nn.Dropout(0.5), Doubled())
        self.part[1].eval()  # a mode of its own, which is to stay
        self.counting = Doubled()

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        drawn = torch.rand(()) * 0  # some draw in evaluation, too
        return self.counting(self.part(weight)) / 4 + drawn


def test_a_parametrization_is_computed_as_in_evaluation_and_draws_nothing() -> None:
    module = layer()
    noisy = Noisy()
    parametrize.register_parametrization(module, "weight", noisy)
    modes = {name: part.training for name, part in module.named_modules()}
    computed, state = noisy.counting.computed, torch.get_rng_state()
    with parametrize.cached():
        finder = MaskFinder(torch.nn.Sequential(module))
        weights = finder.weights()["0"]
        with pytest.warns(UserWarning, match="no mask was found for 0"):
            assert finder.masks()["0"].all()
        assert not parametrize._cache  # else the next forward pass would have no gradient
    assert torch.equal(weights, module.parametrizations["weight"].original)  # type: ignore[index,union-attr,arg-type]
    assert torch.equal(torch.get_rng_state(), state)
    assert noisy.counting.computed == computed
    assert {name: part.training for name, part in module.named_modules()} == modes


@pytest.mark.parametrize("wrap", ["none", "parallel", "compiled", "both", "inside"])
def test_wrappers_leave_no_trace_in_names(mlp: Maker, wrap: str) -> None:
    model: torch.nn.Module = mlp()
    if wrap in ("compiled", "both"):
        model = torch.compile(model, backend="eager")  # type: ignore[assignment]
    if wrap in ("parallel", "both"):
        model = torch.nn.DataParallel(model)
    if wrap == "inside":
        model[2] = torch.compile(model[2], backend="eager")  # type: ignore[operator,index]
    finder = MaskFinder(model)
    assert [spec.name for spec in finder.layers] == ["0", "2", "4"]
    assert finder.masks()["2"].sum() == 12
    if wrap != "inside":
        assert isinstance(unwrap(model), torch.nn.Sequential)
