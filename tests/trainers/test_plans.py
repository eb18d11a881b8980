"""What a method plans: when it updates, how much, by which criteria, and what it has to see."""

from __future__ import annotations

import pytest

from topolab.registry import find
from topolab_trainers import criteria
from topolab_trainers.config import TrainConfig
from topolab_trainers.criteria import UpdatePlan
from topolab_trainers.momentum import Momentum
from topolab_trainers.nist import NIST
from topolab_trainers.random_regrowth import RandomRegrowth
from topolab_trainers.schedules import UpdateTimes


def test_each_criterion_switches_on_its_own() -> None:
    method = RandomRegrowth()
    drop = method.configure(switch_at=0.5, switch_drop="sign")
    grow = method.configure(switch_at=0.5, switch_grow="gradient")

    def named(step: int, config: TrainConfig) -> tuple[str, str]:
        plan = method.plan_update(step, 100, 100, config)
        return plan.drop, plan.grow

    assert named(50, drop) == named(50, grow) == ("magnitude", "random")
    assert named(51, drop) == ("sign", "random")
    assert named(51, grow) == ("magnitude", "gradient")


def test_a_constant_drop_fraction_does_not_decay() -> None:
    method = RandomRegrowth()
    for decay, fractions in (("constant", [0.4, 0.4, 0.4]), ("cosine", [0.2, 0.0, 0.0])):
        config = method.configure(decay=decay, drop_fraction=0.4)
        plans = [method.plan_update(step, 200, 100, config) for step in (50, 100, 150)]
        assert [plan.fraction for plan in plans] == pytest.approx(fractions)


@pytest.mark.parametrize("candidates", ["not-kept", "inactive-before"])
def test_a_plan_has_the_candidates_of_the_configuration(candidates: str) -> None:
    method = RandomRegrowth()
    config = method.configure(candidates=candidates)
    assert method.plan_update(1, 100, 100, config).candidates == candidates


def test_a_plan_looks_each_criterion_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for every layer: a look-up asks the whole path whether a package came."""
    asked = []

    def spy(group: str, name: str) -> object:
        asked.append((group, name))
        return find(group, name)

    monkeypatch.setattr("topolab_trainers.criteria.find", spy)
    plan = UpdatePlan(1, 0.5, "sign", "gradient")
    assert not asked
    for _ in range(3):
        assert plan.drop_criterion is criteria.SIGN
        assert plan.grow_criterion is criteria.GRADIENT
    assert asked == [("drop_criteria", "sign"), ("grow_criteria", "gradient")]


def test_redistribution_sees_the_momentum_whatever_grows() -> None:
    method = Momentum()
    config = method.configure(grow="gradient", redistribute="momentum")
    assert method.needs(config) == {"gradient", "momentum"}
    assert method.needs(method.configure(grow="gradient")) == {"gradient"}


def test_nist_prunes_at_the_nearest_epoch() -> None:
    method = NIST()
    for at, epoch in ((0.26, 3), (0.24, 2), (0.29, 3)):
        config = method.configure(prune_to=0.9, prune_at=at, epochs=10)
        assert method.times(config, 0, 23).at == (epoch * 23,)


def test_an_update_is_not_before_itself() -> None:
    fixed = UpdateTimes(None, 100, 20, at=(5, 40))
    assert [fixed.before(step) for step in (5, 6, 40, 41)] == [0, 1, 1, 2]
