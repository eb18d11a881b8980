"""The contracts of every registered criterion and data set."""

from __future__ import annotations

from topolab.testing import contract_of


class TestEveryDropCriterion(contract_of("drop_criteria")):
    pass


class TestEveryGrowCriterion(contract_of("grow_criteria")):
    pass


class TestEveryDataset(contract_of("datasets")):
    pass
