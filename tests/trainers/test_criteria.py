"""The contracts of every registered criterion and data set."""

from __future__ import annotations

from topolab.registry import find, names
from topolab.testing import contract_of


class TestEveryDropCriterion(contract_of("drop_criteria")):
    pass


class TestEveryGrowCriterion(contract_of("grow_criteria")):
    pass


class TestEveryDataset(contract_of("datasets")):
    pass


def test_what_the_scores_look_at() -> None:
    """Training keeps a dense gradient, or its average, only for those that need it."""
    needs = {name: find("grow_criteria", name).needs for name in names("grow_criteria")}
    assert needs == {"gradient": "gradient", "momentum": "momentum", "random": None}
