"""What each method does, worked by hand, and one test for each known mistake."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from alone import Alone
from hypothesis import given
from hypothesis import strategies as st

import topolab
from topolab.errors import ConfigError, TopolabError
from topolab.registry import find, names
from topolab_trainers.averaged import AveragedGradient
from topolab_trainers.criteria import LayerView, UpdatePlan, drop_criterion
from topolab_trainers.data.digits import DIGITS
from topolab_trainers.lottery import Lottery
from topolab_trainers.method import Method
from topolab_trainers.momentum import Momentum, shares_by_momentum
from topolab_trainers.pruning import prune_to
from topolab_trainers.rigl import RigL
from topolab_trainers.schedules import UpdateTimes
from topolab_trainers.srigl import constant_fan_in_update
from topolab_trainers.update import grow_in_memory_order

SMALL: dict[str, Any] = {
    "data": "digits", "hidden": (24, 16), "epochs": 3, "batch_size": 64, "seed": 3, "threads": 1,
    "sparsity": 0.8,
}  # fmt: skip


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def trainer_of(method: Method, **more: Any) -> Alone:
    return Alone(method, method.configure(**{**SMALL, **more}), DIGITS.load())


# -- criteria ----------------------------------------------------------------------------------


@pytest.mark.parametrize("drop", names("drop_criteria"))
@pytest.mark.parametrize("grow", names("grow_criteria"))
def test_criteria_combine_freely(drop: str, grow: str, tmp_path: Path) -> None:
    """NSH's Fig. 13: every pruning criterion with every growth criterion, and each does its own."""
    run = topolab.train(
        "random", tmp_path / "r", **{**SMALL, "drop": drop, "grow": grow, "update_every": 7}
    )
    assert run.config["drop"] == drop and run.config["grow"] == grow
    assert run[-1].nnz("fc1") == run[0].nnz("fc1")
    rng = seeded(1)
    mask = torch.rand(20, 30, generator=rng) < 0.3
    weight = torch.randn(20, 30, generator=rng) * mask
    gradient, averaged = torch.randn(2, 20, 30, generator=rng)
    view = LayerView("fc", mask, weight, gradient, averaged)
    method, plan = find("methods", "random")(), UpdatePlan(1, 0.3, drop, grow, "inactive-before")
    update = method.update_layer(view, plan, method.configure(), seeded(2))
    kept, grown, stayed = update.mask & mask, update.grown, ~update.mask & ~mask
    if drop == "magnitude":
        assert weight[update.dropped].abs().max() <= weight[kept].abs().min()
    elif drop == "sign":
        for side in (weight > 0, weight < 0):
            assert weight[update.dropped & side].abs().max() <= weight[kept & side].abs().min()
    score = {"gradient": gradient, "momentum": averaged}.get(grow)
    if score is not None:
        assert score[grown].abs().min() >= score[stayed].abs().max()


def test_random_pruning_is_uniform_over_the_active() -> None:
    mask = torch.zeros(1, 40, dtype=torch.bool)
    mask[0, :20] = True
    hits = torch.zeros(40)
    view = LayerView("fc", mask, torch.rand(1, 40) * mask)
    for seed in range(400):
        keep = drop_criterion("random").keep(view, UpdatePlan(1, 0.5, "random"), seeded(seed))
        hits += keep[0]
    assert not bool(hits[20:].any()) and hits[:20].min() > 150 and hits[:20].max() < 250


def test_the_criteria_switch_in_mid_run(tmp_path: Path) -> None:
    """NSH's appendix E. Before the switch the run is the one without it."""
    settings = {**SMALL, "update_every": 7, "epochs": 4}
    plain = topolab.train("random", tmp_path / "a", **settings)
    both = topolab.train(
        "random", tmp_path / "b", **settings, switch_at=0.5, switch_grow="gradient",
        switch_drop="random",
    )  # fmt: skip
    half = run_total(both) * 0.5
    for one, other in zip(plain, both, strict=True):
        same = np.array_equal(one.packed["fc1"], other.packed["fc1"])
        assert same == (one.step <= half), one.step
    method = find("methods", "random")()
    config = method.configure(switch_at=0.5, switch_grow="gradient")
    assert method.needs(config) == {"gradient"}
    assert method.plan_update(50, 100, 100, config).grow == "random"
    assert method.plan_update(51, 100, 100, config).grow == "gradient"
    with pytest.raises(ConfigError, match="give both when and to what"):
        method.configure(switch_at=0.5)
    with pytest.raises(ConfigError, match="give both when and to what"):
        method.configure(switch_grow="gradient")


def run_total(run: topolab.Run) -> int:
    return int(run.summary["steps"])


def test_growth_by_gradient_sees_the_dense_one_also_without_replacing_the_step() -> None:
    """Known mistake: a gradient that was masked for the optimiser leaves only ties."""
    trainer = trainer_of(find("methods", "random")(), grow="gradient", update_every=7)
    seen = {}
    original = trainer.method.update_network

    def spy(views: Any, *rest: Any) -> Any:
        seen.update({v.name: (v.gradient.clone(), v.mask.clone()) for v in views})
        return original(views, *rest)

    trainer.method.update_network = spy  # type: ignore[method-assign]
    chosen = torch.arange(64)
    logits = trainer.model(trainer.x[chosen])
    loss = torch.nn.functional.cross_entropy(logits, trainer.y[chosen])
    (expected,) = torch.autograd.grad(loss, trainer.storages["fc1"].parameter)
    trainer.one_step(1, chosen, update=True)
    gradient, mask = seen["fc1"]
    torch.testing.assert_close(gradient, expected)
    assert bool(gradient[~mask].any())


def test_growth_is_by_the_magnitude_of_the_mean_gradient() -> None:
    """Known mistake: the mean of |gradients| (of workers, or samples) in place of |mean|."""
    per_sample = torch.tensor([[[5.0, 1.0, 0.0]], [[-5.0, 1.0, 0.0]]])
    assert per_sample.abs().mean(0).argmax() == 0
    mask = torch.tensor([[False, False, True]])
    view = LayerView("fc", mask, torch.tensor([[0.0, 0.0, 1.0]]), per_sample.mean(0))
    plan = UpdatePlan(1, 1.0, "magnitude", "gradient", "inactive-before")
    update = RigL().update_layer(view, plan, RigL().configure(), seeded())
    assert update.mask.int().tolist() == [[0, 1, 0]]
    # In training it is the gradient of the mean loss over the batch, whose magnitude comes last.
    trainer = trainer_of(RigL())
    for storage in trainer.replica.maskable:
        storage.want_gradient(True)
    trainer.optimizer.zero_grad()
    chosen = torch.arange(32)
    torch.nn.functional.cross_entropy(
        trainer.model(trainer.x[chosen]), trainer.y[chosen]
    ).backward()
    whole = trainer.storages["fc1"].gradient().clone()
    each = []
    for i in chosen:
        trainer.optimizer.zero_grad()
        x, y = trainer.x[i : i + 1], trainer.y[i : i + 1]
        torch.nn.functional.cross_entropy(trainer.model(x), y).backward()
        each.append(trainer.storages["fc1"].gradient().clone())
    stacked = torch.stack(each)
    torch.testing.assert_close(whole, stacked.mean(0), rtol=1e-3, atol=1e-6)
    assert not torch.allclose(whole.abs(), stacked.abs().mean(0), rtol=0.1)


def test_the_cosine_counts_from_the_start_of_training() -> None:
    """Known mistake: a cosine that starts from the wrong step."""
    method = RigL()
    config = method.configure(update_every=100)
    moments = [
        method.plan_update(step, 1000, 750, config).fraction for step in (100, 375, 749, 750)
    ]
    assert moments[0] == pytest.approx(0.15 * (1 + np.cos(np.pi * 100 / 750)))
    assert moments[1] == pytest.approx(0.15) and moments[2] < 1e-5 and moments[3] == 0
    nsh = find("methods", "random")()
    config = nsh.configure(drop_fraction=0.5)
    assert nsh.plan_update(500, 1000, 1000, config).fraction == pytest.approx(0.25)


def test_new_weights_are_zero_or_small_normal(tmp_path: Path) -> None:
    settings = {**SMALL, "record": "weights", "lr": 1e-12}
    for how, sd in (("zero", 0.0), ("normal", 0.1)):
        run = topolab.train("set", tmp_path / how, **settings, new_weights=how)
        before, after = (run[i].masks["fc1"] for i in (0, 1))
        weight = np.zeros(after.shape)
        weight[after] = run[1].weights["fc1"]
        grown = weight[after & ~before]
        assert len(grown) > 20
        assert np.abs(grown).max() < 1e-6 if sd == 0 else abs(grown.std() - sd) < 0.03


def test_a_grown_weight_is_cleared_even_under_momentum(tmp_path: Path) -> None:
    """Known mistakes: a stale value, optimiser state that survives. For every optimiser."""
    for optimizer in ("adam", "sgd"):
        trainer = trainer_of(
            find("methods", "random")(), optimizer=optimizer, lr=0.01, update_every=7
        )
        for step in range(1, 8):
            trainer.one_step(step, torch.arange(64), update=step == 7)
        previous = trainer_of(trainer.method, optimizer=optimizer, lr=0.01, update_every=7).masks
        grown = trainer.masks["fc1"] & ~previous["fc1"]
        assert bool(grown.any())
        assert not bool(trainer.weights["fc1"][grown].any())
        state = trainer.optimizer.state[trainer.storages["fc1"].parameter]
        for value in state.values():
            if isinstance(value, torch.Tensor) and value.shape == grown.shape:
                assert not bool(value[grown].any())


# -- RigL with a masked gradient -----------------------------------------------------------------


def test_the_masked_variant_fills_positions_in_memory_order() -> None:
    mask = torch.tensor([[False, True, False], [True, False, True]])
    keep = torch.tensor([[False, True, False], [False, False, True]])
    update = grow_in_memory_order(mask, keep, torch.zeros(2, 3))
    assert update.mask.int().tolist() == [[1, 1, 0], [0, 0, 1]]
    view = LayerView("fc", mask, torch.tensor([[0, 3.0, 0], [1.0, 0, 2.0]]), torch.ones(2, 3) * 9)
    config = RigL().configure(gradient="masked")
    assert config.candidates == "inactive-before"
    plan = UpdatePlan(1, 0.4, "magnitude", "gradient", config.candidates)
    assert RigL().update_layer(view, plan, config, seeded()).mask.int().tolist() == [
        [1, 1, 0],
        [0, 0, 1],
    ]
    with pytest.raises(ConfigError, match="variant of growth by the gradient only"):
        RigL().configure(gradient="masked", grow="random")


def test_the_masked_variant_makes_hubs_at_the_lowest_indices(tmp_path: Path) -> None:
    """The methods page's explanation, in small: how unequal the fan-in gets, and where hubs sit."""
    settings = {**SMALL, "hidden": (60, 40), "epochs": 20, "update_every": 5, "sparsity": 0.8}

    def fan_in(name: str, **more: Any) -> np.ndarray:
        return topolab.train("rigl", tmp_path / name, **settings, **more)[-1].masks["fc1"].sum(1)

    textbook = fan_in("textbook", init="uniform")
    for init in ("uniform", "lognormal"):
        found = fan_in(init, init=init, gradient="masked", weight_init="torch")
        hubs = np.argsort(-found, kind="stable")[:6]
        assert np.median(hubs) < 6 < np.median(np.argsort(-textbook, kind="stable")[:6])
        assert found.std() / found.mean() > 1.3 * textbook.std() / textbook.mean()


# -- momentum ----------------------------------------------------------------------------------


def test_the_averaged_gradient_by_hand() -> None:
    trainer = trainer_of(Momentum(), update_every=7)
    assert trainer.averaged is not None
    storage = trainer.storages["fc1"]
    gradients = [torch.randn(storage.mask.shape, generator=seeded(s)) for s in range(3)]
    averaged = AveragedGradient([storage], 0.9, normalised=True)
    for gradient in gradients:
        storage.parameter.grad = gradient.clone()
        averaged.accumulate()
    a, b, c = gradients
    m = 0.1 * (0.81 * a + 0.9 * b + c)
    v = 0.001 * (0.999**2 * a**2 + 0.999 * b**2 + c**2)
    torch.testing.assert_close(averaged.m["fc1"], m)
    torch.testing.assert_close(averaged.score("fc1"), m / (v.sqrt() + 1e-8))
    plain = AveragedGradient([storage], 0.9, normalised=False)
    assert torch.equal(plain.score("fc1"), plain.m["fc1"])


def test_momentum_growth_sees_absent_weights() -> None:
    """Known mistake: momentum masked every step, so that growth sees only zeros."""
    trainer = trainer_of(Momentum(), update_every=7)
    for step in range(1, 4):
        trainer.one_step(step, torch.arange(64), update=False)
    assert trainer.averaged is not None
    absent = ~trainer.masks["fc1"]
    assert float((trainer.averaged.m["fc1"][absent] != 0).float().mean()) > 0.5
    # ... while the optimiser's own state is 0 there.
    state = trainer.optimizer.state[trainer.storages["fc1"].parameter]
    assert not bool(state["exp_avg"][absent].any())


def test_redistribution_by_hand() -> None:
    """Dropped edges anywhere are shared in proportion to the layers' mean |momentum|."""
    full = torch.ones(1, 4, dtype=torch.bool)
    mask = torch.cat([full, ~full], dim=1)
    weight = torch.tensor([[1.0, 2.0, 3.0, 4.0, 0, 0, 0, 0]])
    views = [
        LayerView("a", mask, weight, None, torch.tensor([[3.0] * 4 + [9, 8, 7, 6.0]])),
        LayerView("b", mask, weight, None, torch.tensor([[1.0] * 4 + [1, 2, 3, 4.0]])),
    ]
    method = Momentum()
    config = method.configure(redistribute="momentum", candidates="inactive-before")
    plan = UpdatePlan(1, 0.5, "magnitude", "momentum", "inactive-before")
    updates = method.update_network(views, plan, config, lambda name: seeded())
    # 2 + 2 are dropped; a gets 3 of 4, b gets 1.
    assert updates["a"].mask.int().tolist() == [[0, 0, 1, 1, 1, 1, 1, 0]]
    assert updates["b"].mask.int().tolist() == [[0, 0, 1, 1, 0, 0, 0, 1]]
    alone = method.update_network(views, plan, method.configure(), lambda name: seeded())
    assert all(int(u.mask.sum()) == 4 for u in alone.values())


@pytest.mark.parametrize(
    ("candidates", "counts"), [("not-kept", [5, 3]), ("inactive-before", [4, 4])]
)
def test_redistribution_gives_a_layer_no_more_than_it_can_take(
    candidates: str, counts: list[int]
) -> None:
    """The first layer is nearly full, and where most would grow by its momentum."""
    almost = torch.tensor([[True, True, True, True, False]])
    mask = torch.tensor([[True, True, True, True, False, False, False, False]])
    weight = torch.tensor([[1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0]])
    views = [
        LayerView("a", almost, weight[:, :5], None, torch.full((1, 5), 9.0)),
        LayerView("b", mask, weight, None, torch.full((1, 8), 1.0)),
    ]
    method = Momentum()
    config = method.configure(redistribute="momentum", candidates=candidates)
    plan = UpdatePlan(1, 0.5, "magnitude", "momentum", candidates)
    updates = method.update_network(views, plan, config, lambda name: seeded())
    # Not-kept: two of each are dropped; of these four a would have 3.6, and has places for three.
    # Inactive before: a has one place, so drops one, and of the three it takes that one.
    assert [int(updates[name].mask.sum()) for name in "ab"] == counts


@given(
    st.lists(st.floats(0, 10), min_size=1, max_size=5),
    st.lists(st.integers(0, 30), min_size=5, max_size=5),
    st.floats(0, 1),
)
def test_shares_are_exact_and_fit(means: list[float], rooms: list[int], load: float) -> None:
    mean = {str(i): m for i, m in enumerate(means)}
    room = {str(i): rooms[i] for i in range(len(means))}
    total = int(load * sum(room.values()))
    counts = shares_by_momentum(mean, total, room)
    assert sum(counts.values()) == total
    assert all(0 <= counts[k] <= room[k] for k in room)


def test_redistribution_moves_edges_between_layers(tmp_path: Path) -> None:
    settings = {**SMALL, "update_every": 7, "hidden": (40, 40)}
    run = topolab.train("momentum", tmp_path / "r", **settings, redistribute="momentum")
    counts = [[shot.nnz(name) for name in ("fc1", "fc2")] for shot in run]
    assert len({tuple(c) for c in counts}) > 2 and len({sum(c) for c in counts}) == 1
    fixed = topolab.train("momentum", tmp_path / "f", **settings)
    assert len({(s.nnz("fc1"), s.nnz("fc2")) for s in fixed}) == 1


# -- SRigL -------------------------------------------------------------------------------------


def test_srigl_without_ablation_by_hand() -> None:
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 0, 0]], dtype=torch.bool)
    weight = torch.tensor([[0.1, 0.2, 0, 0], [0.9, 0.8, 0, 0]])
    gradient = torch.tensor([[0, 0, 1.0, 2.0], [9.0, 9.0, 9.0, 8.0]])
    # K = 2: both of row 0 are the smallest of the layer; the row regrows its own best two, where
    # plain RigL would have grown row 1's.
    update = constant_fan_in_update(mask, weight, gradient, 0.5, None, seeded())
    assert update.mask.int().tolist() == [[0, 0, 1, 1], [1, 1, 0, 0]]


def test_srigl_with_ablation_by_hand() -> None:
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0]], dtype=torch.bool)
    weight = torch.tensor([[0.1, 0.2, 0, 0], [0.9, 0.8, 0, 0], [0.7, 0.6, 0, 0]])
    gradient = torch.tensor([[0, 0, 0.1, 0.2], [0, 0, 5.0, 6.0], [0, 0, 0.3, 0.4]])
    # K = floor(6 / 3) = 2: salient are the four weights of rows 1 and 2 and row 1's gradients.
    # Row 0 has none: it goes. Six edges on two rows: fan-in 3.
    update = constant_fan_in_update(mask, weight, gradient, 1 / 3, 0.5, seeded())
    assert update.mask.int().tolist() == [[0, 0, 0, 0], [1, 1, 0, 1], [1, 1, 0, 1]]
    # A higher gamma asks for 0.9 * 2 = 1 salient weight only, floor; row 0 still has none.
    again = constant_fan_in_update(update.mask, weight, gradient, 0.0, 0.9, seeded())
    assert not bool(again.mask[0].any())  # ablated for good


def test_srigl_ablates_a_neuron_without_a_salient_weight_whatever_gamma() -> None:
    """Of a fan-in of 2 a share of 0.3 is less than one weight; one has to be salient even so."""
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0]], dtype=torch.bool)
    weight = torch.tensor([[0.1, 0.2, 0, 0], [0.9, 0.8, 0, 0], [0.7, 0.6, 0, 0]])
    gradient = torch.tensor([[0, 0, 0.1, 0.2], [0, 0, 5.0, 6.0], [0, 0, 0.3, 0.4]])
    update = constant_fan_in_update(mask, weight, gradient, 1 / 3, 0.3, seeded())
    assert update.mask.int().tolist() == [[0, 0, 0, 0], [1, 1, 0, 1], [1, 1, 0, 1]]
    # At 0 it is the same: what has nothing salient goes.
    update = constant_fan_in_update(mask, weight, gradient, 1 / 3, 0.0, seeded())
    assert not bool(update.mask[0].any())


def test_srigl_leaves_as_many_neurons_as_can_hold_the_edges() -> None:
    """All salient weights in one row of 4: six edges need two, the more salient of the others."""
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0]], dtype=torch.bool)
    weight = torch.tensor([[0.1, 0.2, 0, 0], [0.9, 0.8, 0, 0], [0.7, 0.3, 0, 0]])
    gradient = torch.tensor([[0, 0, 0.1, 0.2], [0, 0, 5.0, 6.0], [0, 0, 0.3, 0.4]])
    # K = 3: salient are 0.9, 0.8, 0.7, and the gradients 6, 5 and 0.4 of rows 1, 1 and 2.
    update = constant_fan_in_update(mask, weight, gradient, 0.5, 1.0, seeded())
    # Row 2 has two of the two it should: both stay, with three inputs each.
    assert update.mask.sum(1).tolist() == [0, 3, 3]
    gradient[2] = 0.05
    gradient[0, 3] = 0.4
    # Now rows 0 and 2 have one each, too few; one of them stays, by the generator.
    stay = [
        constant_fan_in_update(mask, weight, gradient, 0.5, 1.0, seeded(s)).mask.sum(1).tolist()
        for s in range(20)
    ]
    assert sorted({tuple(fan_in) for fan_in in stay}) == [(0, 3, 3), (3, 3, 0)]


def test_srigl_starts_with_a_fan_in_of_at_least_one() -> None:
    """So sparse that a neuron's share of edges rounds to none: it has one even so."""
    trainer = trainer_of(find("methods", "srigl")(), sparsity=0.995, distribution="uniform")
    assert trainer.masks["fc1"].sum(1).tolist() == [1] * 24  # 0.005 x 64 = 0.32


@given(st.integers(2, 8), st.integers(2, 10), st.integers(0, 999), st.floats(0, 1), st.booleans())
def test_srigl_keeps_the_fan_in_constant(
    m: int, n: int, seed: int, fraction: float, ablation: bool
) -> None:
    rng = seeded(seed)
    k = int(torch.randint(1, n + 1, (1,), generator=rng))
    mask = torch.zeros(m, n, dtype=torch.bool)
    for i in range(m):
        mask[i, torch.randperm(n, generator=rng)[:k]] = True
    weight = torch.randn(m, n, generator=rng) * mask
    gradient = torch.randn(m, n, generator=rng)
    gamma = 0.7 if ablation else None
    update = constant_fan_in_update(mask, weight, gradient, fraction, gamma, rng, budget=m * k)
    fan_in = update.mask.sum(1)
    live = fan_in[fan_in > 0]
    assert len(set(live.tolist())) == 1 and int(live[0]) == min(n, m * k // len(live))
    if not ablation:
        assert int(update.mask.sum()) == m * k


def test_srigl_trains_with_a_constant_fan_in(tmp_path: Path) -> None:
    for ablation in (True, False):
        run = topolab.train(
            "srigl", tmp_path / str(ablation),
            **{**SMALL, "update_every": 5, "epochs": 8, "ablation": ablation, "gamma": 0.9},
        )  # fmt: skip
        for shot in run:
            fan_in = shot.masks["fc1"].sum(1)
            assert len(set(fan_in[fan_in > 0])) == 1
        left = int((run[-1].masks["fc1"].sum(1) > 0).sum())
        assert (left < 24) == ablation


# -- lottery tickets ---------------------------------------------------------------------------


def test_lottery_rewinds_what_is_kept(tmp_path: Path) -> None:
    settings = {
        **SMALL,
        "epochs": 2,
        "rounds": 2,
        "record": "weights",
        "sparsity": 0.75,
        "lr": 0.005,
    }
    run = topolab.train("lottery", tmp_path / "r", **settings)
    first = run[0]
    at = {46: 0.5, 92: 0.25}  # 23 batches an epoch, two epochs a round
    for shot in run:
        if shot.step not in at:
            continue
        mask = shot.masks["fc1"]
        assert mask.sum() == pytest.approx(at[shot.step] * mask.size, abs=1)
        initial = np.zeros(mask.shape, np.float32)
        initial[first.masks["fc1"]] = first.weights["fc1"]
        np.testing.assert_array_equal(shot.weights["fc1"], initial[mask])
        assert shot.metrics["test_accuracy_before_rewind"] > 0.5
    assert run.summary["steps"] == 138
    # Nested: a weight that was pruned does not come back.
    masks = [shot.masks["fc1"] for shot in run]
    assert all((later <= earlier).all() for earlier, later in itertools.pairwise(masks))


def test_lottery_prunes_the_smallest_trained_weights() -> None:
    view = LayerView(
        "a", torch.ones(1, 4, dtype=torch.bool), torch.tensor([[0.1, -30.0, 2.0, 0.5]])
    )
    other = LayerView("b", torch.ones(1, 4, dtype=torch.bool), torch.tensor([[9.0, 8.0, 7.0, 6.0]]))
    method = Lottery()
    config = method.configure(rounds=1, sparsity=0.5)
    plan = method.plan_update(10, 20, 20, config)
    updates = method.update_network([view, other], plan, config, lambda name: seeded())
    assert updates["a"].mask.int().tolist() == [[0, 1, 1, 0]]
    assert updates["b"].mask.int().tolist() == [[1, 1, 0, 0]]
    config = method.configure(rounds=1, sparsity=0.5, scope="global")
    updates = method.update_network([view, other], plan, config, lambda name: seeded())
    assert updates["a"].mask.int().tolist() == [[0, 1, 0, 0]]
    assert updates["b"].mask.int().tolist() == [[1, 1, 1, 0]]


def test_a_prune_keeps_an_active_weight_of_zero_before_an_absent_one() -> None:
    """Absent weights are 0 too: as many edges are left as were asked for."""
    mask = torch.tensor([[True, True, True, False, False, False]])
    view = LayerView("a", mask, torch.tensor([[5.0, 0.0, 0.0, 0.0, 0.0, 0.0]]))
    for seed in range(20):
        update = prune_to([view], 2, lambda name, seed=seed: seeded(seed))["a"]
        assert int(update.mask.sum()) == 2 and bool(update.mask[0, 0])
        assert not bool((update.mask & ~mask).any()) and not bool(update.grown.any())
        assert int(update.dropped.sum()) == 1 and update.regrown == 0
    # Negative weights count by their magnitude.
    view = LayerView("a", mask, torch.tensor([[-5.0, 1.0, -2.0, 0.0, 0.0, 0.0]]))
    update = prune_to([view], 2, lambda name: seeded())["a"]
    assert update.mask.int().tolist() == [[1, 0, 1, 0, 0, 0]]


def test_a_lotterys_density_falls_by_the_same_factor() -> None:
    method = Lottery()
    config = method.configure(rounds=3, sparsity=0.875)
    left = [1 - method.plan_update(1, 9, 9, config, nth=nth).fraction for nth in range(3)]
    assert left == pytest.approx([0.5, 0.25, 0.125])
    assert method.times(config, 0, 5).at == (50, 100, 150) and method.epochs(config) == 40
    with pytest.raises(ConfigError, match="rewind_step 50 is not within a round of 50 steps"):
        method.times(method.configure(rounds=3, sparsity=0.875, rewind_step=50), 0, 5)
    assert method.times(method.configure(rounds=1, sparsity=0.5, rewind_step=49), 0, 5).at == (50,)


def test_lottery_rewinds_to_a_later_step(tmp_path: Path) -> None:
    settings = {**SMALL, "epochs": 2, "rounds": 1, "sparsity": 0.5}
    trainer = trainer_of(Lottery(), **{k: settings[k] for k in ("rounds", "sparsity", "epochs")},
                         rewind_step=5)  # fmt: skip
    assert trainer.rewinding is not None
    trainer.rewinding.keep(0)
    assert not trainer.rewinding.state
    for step in range(1, 6):
        trainer.one_step(step, torch.arange(64), update=False)
    kept = trainer.weights["fc1"].clone()
    trainer.one_step(46, torch.arange(64, 128), update=True)
    mask = trainer.masks["fc1"]
    assert torch.equal(trainer.weights["fc1"], kept * mask)
    assert not trainer.optimizer.state  # the optimiser forgets
    with pytest.raises(ConfigError, match="rewind_step 46 is not within a round of 46 steps"):
        topolab.train("lottery", tmp_path / "r", **settings, rewind_step=46)


# -- NIST --------------------------------------------------------------------------------------


def test_nist_prunes_once_and_for_good(tmp_path: Path) -> None:
    settings = {k: v for k, v in SMALL.items() if k != "sparsity"} | {"epochs": 10}
    run = topolab.train(
        "nist", tmp_path / "r", **settings, neuroseeds=(2, 6, 5), prune_to=0.9, prune_at=0.2
    )
    masks = [np.concatenate([m.ravel() for m in shot.masks.values()]) for shot in run]
    counts = [int(m.sum()) for m in masks]
    steps = run.steps.tolist()
    prune = steps.index(46)  # the end of epoch 2 of 10
    size = masks[0].size
    assert counts[:prune] == [64 * 2 + 24 * 6 + 16 * 5] * prune
    assert set(counts[prune:]) == {round(0.1 * size)}
    assert all((m == masks[-1]).all() for m in masks[prune:]) and (masks[-1] <= masks[0]).all()
    assert run.summary["realised_sparsity"] == pytest.approx(0.9, abs=1e-3)
    with pytest.raises(ConfigError, match=r"prune_to 0\.5 is less than the sparsity 0\.8"):
        topolab.train("nist", tmp_path / "x", **settings, neuroseeds=(2, 6, 5), prune_to=0.5)
    with pytest.raises(ConfigError, match="follows from --neuroseeds"):
        topolab.train("nist", tmp_path / "x", **settings, sparsity=0.9)


def test_nists_prune_is_never_before_the_first_epoch_nor_after_the_last() -> None:
    method = find("methods", "nist")()

    def steps(at: float | None, epochs: int) -> Any:
        config = method.configure(prune_to=at and 0.9, prune_at=at, epochs=epochs)
        return method.times(config, 0, 23).at

    assert steps(0.01, 10) == (23,) and steps(0.99, 10) == (9 * 23,) and steps(0.5, 10) == (115,)
    assert steps(0.5, 2) == (23,) and steps(None, 10) is None
    from topolab.layers import LayerSpec
    from topolab_trainers.inits.nist import default_neuroseeds

    layers = tuple(LayerSpec(f"fc{i}", "linear", (n, 8)) for i, n in enumerate((9, 7, 1)))
    assert default_neuroseeds(layers) == (1, 3, 1)


def test_nists_optimiser_is_sgd_for_the_last_fifth() -> None:
    trainer = trainer_of(find("methods", "nist")(), sparsity=None, epochs=10)
    assert trainer.sgd_from == 8 * 23
    for step, expected in ((184, torch.optim.Adam), (185, torch.optim.SGD)):
        trainer.one_step(step, torch.arange(64), update=False)
        assert isinstance(trainer.optimizer, expected)
    assert trainer.optimizer.param_groups[0]["momentum"] == 0.9


def test_nists_head_is_what_is_masked() -> None:
    method = find("methods", "nist")()
    assert method.masked_by_default(("fc1", "fc2"), ("conv1", "fc1", "fc2")) == ("fc1", "fc2")


# -- when --------------------------------------------------------------------------------------


def test_update_times_count_themselves() -> None:
    times = UpdateTimes(every=10, t_end=35, steps_per_epoch=20)
    due = [s for s in range(1, 60) if times.due(s)]
    assert due == [10, 20, 30]
    assert [times.before(s) for s in (1, 10, 11, 31, 59)] == [0, 0, 1, 3, 3]
    fixed = UpdateTimes(None, 100, 20, at=(5, 40))
    assert [s for s in range(60) if fixed.due(s)] == [5, 40] and fixed.before(41) == 2


@pytest.mark.parametrize(
    ("method", "settings", "message"),
    [
        ("psn", {"init": "erk"}, "init erk is no profile"),
        ("snip", {"init": "erk"}, "method snip is its masks"),
        ("srigl", {"init": "erk"}, "constant fan-in"),
        ("lottery", {"init": "erk"}, "starts dense"),
        ("nist", {"init": "erk"}, "method nist is its masks"),
        ("rigl", {"ccv": 2}, r"unknown setting ccv.*method rigl from init erk knows drop"),
        ("rigl", {"grow": "gradeint"}, r"unknown grow 'gradeint'.*did you mean gradient"),
        ("rigl", {"engine": "csr", "model": "mlp", "device": "cpu", "grow": "momentum"},
         "engine csr never computes the dense gradient"),
        ("static", {"masked": "conv*"}, r"masked 'conv\*' matches no layer; the network has fc1"),
        ("static", {"model": "lenet5"}, "takes images of 28 x 28 or 32 x 32, and these are 8 x 8"),
        ("static", {"record": "everything"}, "unknown record 'everything'"),
        ("momentum", {"momentum_beta": 1.0}, r"momentum_beta 1 is outside \[0, 1\)"),
        ("rigl", {"sparsity": float("nan")}, "is not a number"),
        ("dense", {"sparsity": 0, "optimizer": "adam-sgd", "lr_schedule": "nsh"}, "rates of its"),
        ("lottery", {"optimizer": "adam-sgd"}, "trains every round alike"),
        ("nist", {"prune_to": 0.9, "epochs": 1}, "--prune-to needs --epochs 2"),
    ],
)  # fmt: skip
def test_what_cannot_be(
    method: str, settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    chosen = {k: v for k, v in SMALL.items() if not (method == "nist" and k == "sparsity")}
    with pytest.raises(ConfigError, match=message):
        topolab.train(method, tmp_path / "r", **{**chosen, **settings})
    assert not (tmp_path / "r").exists()


def test_the_moment_is_data() -> None:
    plan = UpdatePlan(1, 0.5, candidates="inactive-before")
    assert plan.n_drop(4, 3) == 1 and plan.n_drop(100, 90) == 10  # only as many can grow
    assert replace(plan, candidates="not-kept").n_drop(100, 90) == 45
    assert replace(plan, fraction=0.7, candidates="not-kept").n_drop(4, 3) == 2


def test_redistribution_takes_from_full_layers_too(tmp_path: Path) -> None:
    """ERK makes small layers dense; under redistribution they may give edges away."""
    settings = {**SMALL, "hidden": (128, 12), "sparsity": 0.55, "update_every": 7, "epochs": 4}
    run = topolab.train("momentum", tmp_path / "r", **settings, redistribute="momentum")
    size = run[0].masks["fc2"].size
    assert run[0].nnz("fc2") == size  # dense, and yet it takes part
    assert run[1].metrics["dropped.fc2"] + run[1].metrics["regrown.fc2"] > 100
    assert len({s.nnz("fc1") + s.nnz("fc2") for s in run}) == 1


def test_a_prune_that_empties_a_layer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TopolabError, match=r"leave layer fc2 without a single edge"):
        topolab.train("lottery", tmp_path / "r", **{**SMALL, "hidden": (64, 2), "sparsity": 0.9995})
    run = topolab.open_run(tmp_path / "r")
    assert run.state == "failed" and len(run) >= 1 and run.verify().ok


def test_a_lotterys_history_is_what_its_rounds_reached(tmp_path: Path) -> None:
    settings = {**SMALL, "epochs": 2, "rounds": 2, "lr": 0.01, "lr_schedule": "nsh"}
    run = topolab.train("lottery", tmp_path / "r", **settings)
    history = run.summary["test_accuracy_per_epoch"]
    prunes = [s for s in run if "test_accuracy_before_rewind" in s.metrics]
    assert [history[1], history[3]] == [s.metrics["test_accuracy_before_rewind"] for s in prunes]
    assert all(s.metrics["learning_rate"] == pytest.approx(1e-4) for s in prunes)
    # NIST's FLOPs count the weights that were there: dense first, then fewer.
    active = [sum(s.nnz(k.name) for k in run.layers) for s in (run[0], *prunes)]
    assert run.summary["training_flops"] == 4 * 1442 * 2 * sum(active)
