from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from topolab import LayerSpec
from topolab.errors import ConfigError
from topolab_trainers.distributions import DISTRIBUTIONS, edge_counts, random_masks
from topolab_trainers.models import initialise
from topolab_trainers.models.mlp import MLP
from topolab_trainers.seeds import generator


def mlp(*widths: int) -> list[LayerSpec]:
    return [
        LayerSpec(f"fc{i}", "linear", (widths[i], widths[i - 1])) for i in range(1, len(widths))
    ]


@given(
    st.lists(st.integers(2, 60), min_size=2, max_size=5),
    st.floats(0, 0.8),
    st.sampled_from(DISTRIBUTIONS),
)
def test_the_realised_total_is_exact(widths: list[int], sparsity: float, distribution: str) -> None:
    """Known mistake: ERK sampled edge by edge, so that the density drifts."""
    layers = mlp(*widths)
    try:
        counts = edge_counts(layers, sparsity, distribution)
    except ConfigError as error:
        assert "without a single edge" in str(error)
        return
    assert sum(counts.values()) == round((1 - sparsity) * sum(k.size for k in layers))
    assert all(0 < counts[k.name] <= k.size for k in layers)
    masks = random_masks(layers, counts, torch.Generator().manual_seed(0))
    assert all(int(masks[k.name].sum()) == counts[k.name] for k in layers)


def test_er_densities_by_hand() -> None:
    """784-1024-1024 at 90 %: densities proportional to (n + m) / (n m)."""
    layers = mlp(784, 1024, 1024)
    counts = edge_counts(layers, 0.9, "er")
    assert counts["fc1"] / counts["fc2"] == pytest.approx((784 + 1024) / (1024 + 1024), rel=1e-4)
    assert counts == edge_counts(layers, 0.9, "erk")  # linear layers have no kernel


def test_erk_of_a_convolution_by_hand() -> None:
    layers = [LayerSpec("a", "conv", (32, 16, 3, 3)), LayerSpec("b", "conv", (64, 32, 5, 5))]
    counts = edge_counts(layers, 0.9, "erk")
    assert counts["a"] / counts["b"] == pytest.approx((32 + 16 + 6) / (64 + 32 + 10), rel=1e-3)


def test_a_layer_that_would_pass_one_is_dense_and_the_rest_shares_what_is_left() -> None:
    layers = mlp(1000, 1000, 10)
    counts = edge_counts(layers, 0.5, "er")
    assert counts["fc2"] == 10_000
    assert sum(counts.values()) == 505_000


def test_a_dense_layer_does_not_count() -> None:
    layers = [*mlp(100, 50), LayerSpec("out", "linear", (10, 50), maskable=False)]
    assert edge_counts(layers, 0.9, "uniform") == {"fc1": 500, "out": 500}


@pytest.mark.parametrize("sparsity", [-0.1, 1.0, 1.5, float("nan")])
def test_a_sparsity_that_cannot_be(sparsity: float) -> None:
    with pytest.raises(ConfigError, match=r"outside \[0, 1\)"):
        edge_counts(mlp(3, 3), sparsity, "uniform")
    with pytest.raises(ConfigError, match="unknown distribution"):
        edge_counts(mlp(3, 3), 0.5, "normal")


def test_he_initialisation_with_the_mean_fan_in() -> None:
    model = MLP(400, [300], 10, norm="layernorm")
    masks = random_masks(
        mlp(400, 300, 10), {"fc1": 12_000, "fc2": 3000}, torch.Generator().manual_seed(0)
    )
    initialise(model, masks, torch.Generator().manual_seed(1))
    weight = model.fc1.weight.detach()
    active = weight[masks["fc1"]]
    assert float(active.std()) == pytest.approx((2 / 40) ** 0.5, rel=0.03)
    assert float(weight[~masks["fc1"]].abs().max()) == 0
    assert float(model.fc1.bias.detach().abs().max()) == 0
    assert hasattr(model, "norm1") and not hasattr(model, "norm2")
    assert not hasattr(MLP(4, [3], 2, norm="none"), "norm1")


def test_generators_differ_by_purpose() -> None:
    draws = {tuple(torch.randint(0, 1000, (5,), generator=generator(1, *p)).tolist())
             for p in (("a",), ("b",), ("a", 1), ("a", 2))}  # fmt: skip
    assert len(draws) == 4
    assert generator(1, "a").initial_seed() == generator(1, "a").initial_seed()
