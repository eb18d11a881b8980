"""The contract of an analysis."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from topolab.analysis import SequentialAnalysis
from topolab.api import analyse, make_analysis
from topolab.errors import AnalysisError
from topolab.layers import LayerSpec
from topolab.recorder import Recorder
from topolab.registry import Group
from topolab.run import Run
from topolab.tables import check
from topolab.testing.contract import Contract, check_card
from topolab.testing.runs import KINDS, make_run

__all__ = ["AnalysisContract"]


class AnalysisContract(Contract):
    """What every registered analysis does."""

    group: ClassVar[Group] = "analyses"

    @pytest.fixture(params=KINDS)
    def any_run(self, request: pytest.FixtureRequest, tmp_path: Path) -> Run:
        """Runs that an analysis must survive."""
        return make_run(tmp_path / "any", request.param)

    def test_tables_are_as_declared(self, name: str, any_run: Run) -> None:
        """Every declared table is there, with the declared columns, and is not empty."""
        result = analyse(any_run, [name])[name]
        assert name in result.tables
        for table, schema in result.analysis.schemas.items():
            check(result.tables[table], schema)
            assert len(result.tables[table])

    def test_a_frame_is_pure(self, name: str, any_run: Run) -> None:
        """Asked twice it says the same, and the analysis is as it was."""
        analysis = make_analysis(name)
        state = analysis.prepare(any_run)
        if isinstance(analysis, SequentialAnalysis):
            memory = analysis.start(state)
            if len(any_run) > 1:
                memory, _ = analysis.visit(memory, any_run[0], state)
            one, two = (analysis.visit(memory, any_run[-1], state)[1] for _ in range(2))
        else:
            one, two = (analysis.frame(any_run[0], state) for _ in range(2))
        assert one.keys() == two.keys()
        for key in one:
            pd.testing.assert_frame_equal(one[key], two[key])
        assert analysis == make_analysis(name)

    def test_it_has_a_card_and_a_summary(self, name: str) -> None:
        """The card has its headings and speaks of every parameter."""
        cls = self.entry(name)
        check_card(cls, list(cls.defaults()))
        assert cls.name == name and 0 < len(cls.summary) < 100

    def test_layers_that_do_not_chain_are_refused(self, name: str, tmp_path: Path) -> None:
        """A network that cannot be is refused with a sentence."""
        layers = [LayerSpec("a", "linear", (3, 4)), LayerSpec("b", "linear", (2, 7))]
        with Recorder(tmp_path / "odd", layers=layers) as recorder:
            recorder.record(0, {"a": np.ones((3, 4)), "b": np.ones((2, 7))})
        with pytest.raises(AnalysisError, match="takes 7 inputs but a has 3"):
            analyse(tmp_path / "odd", [name])
