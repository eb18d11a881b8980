"""The runner and its cache: computed once, again when anything changed, never half read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

import topolab
from topolab.analysis import Analysis, cache_key, run_analysis
from topolab.errors import AnalysisError, TableError
from topolab.tables import Column, check, read_table, write_table
from topolab_analyses.degree import Degree
from topolab_analyses.kendall import Kendall

SCHEMA = (Column("step", int, "steps", "Step."), Column("value", float, "1", "Value."))
calls: list[int] = []


@dataclass(frozen=True)
class Counting(Analysis):
    factor: float = 1.0

    name = "counting"
    version = 1
    summary = "Counts how often it is asked"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {"counting": SCHEMA, "counting_more": SCHEMA}

    def frame(self, snapshot: topolab.Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        calls.append(snapshot.step)
        frame = pd.DataFrame({"step": [snapshot.step], "value": [self.factor * snapshot.index]})
        return {"counting": frame, "counting_more": frame}


@dataclass(frozen=True)
class Newer(Counting):
    version = 2


@pytest.fixture(autouse=True)
def _count_from_zero() -> None:
    calls.clear()


def test_asked_twice_computed_once(example_run: topolab.Run) -> None:
    first = run_analysis(example_run, Counting())
    again = run_analysis(topolab.open_run(example_run.path), Counting())
    assert calls == [0, 10, 20, 30]
    assert (first.cached, again.cached) == (False, True)
    pd.testing.assert_frame_equal(first.table, again.table)


def test_a_changed_parameter_or_version_computes_again(example_run: topolab.Run) -> None:
    run_analysis(example_run, Counting())
    other = run_analysis(example_run, Counting(factor=2.0))
    assert len(calls) == 8 and other.table["value"].tolist() == [0, 2, 4, 6]
    run_analysis(example_run, Newer())
    assert len(calls) == 12
    assert run_analysis(example_run, Counting(factor=2.0)).cached
    assert other.paths["counting"].name.startswith("counting@")


def test_the_cache_key_is_made_of_all_that_tables_depend_on(example_run: topolab.Run) -> None:
    def variant(**change: Any) -> Analysis:
        return dataclass(frozen=True)(type("Variant", (Counting,), change))()

    wider = {**Counting.schemas, "counting_more": (*SCHEMA, Column("more", float))}
    whole = {**Counting.schemas, "counting_more": (SCHEMA[0], Column("value", int))}
    key = cache_key(example_run, Counting())
    changes: list[Analysis] = [
        variant(name="recounting"), variant(version=2), Counting(factor=2.0),
        variant(schemas=wider), variant(schemas=whole),
    ]  # fmt: skip
    keys = [cache_key(example_run, other) for other in changes]
    assert len({key, *keys}) == 1 + len(changes)
    said = {**Counting.schemas, "counting_more": (SCHEMA[0], Column("value", float, "m", "New."))}
    assert cache_key(example_run, variant(summary="Another", schemas=said)) == key


def test_tables_of_other_parameters_or_versions_in_the_place_of_ours(
    example_run: topolab.Run,
) -> None:
    """As a copied folder or a renamed file leaves them: they are not ours, whatever their name."""
    ours = run_analysis(example_run, Counting())
    for other in (Counting(factor=2.0), Newer()):
        theirs = run_analysis(example_run, other)
        for name, path in theirs.paths.items():
            ours.paths[name].write_bytes(path.read_bytes())
        again = run_analysis(example_run, Counting())
        assert not again.cached and again.table["value"].tolist() == [0, 1, 2, 3]
        assert run_analysis(example_run, Counting()).cached


def test_a_grown_run_computes_again(example_run: topolab.Run) -> None:
    run_analysis(example_run, Counting())
    with topolab.Recorder(
        example_run.path, layers=example_run.layers, config=example_run.config, seed=7,
        data=example_run.data, resume=True,
    ) as recorder:  # fmt: skip
        recorder.record(40, dict(example_run[-1].masks))
    grown = run_analysis(topolab.open_run(example_run.path), Counting())
    assert not grown.cached and len(grown.table) == 5


def test_half_written_or_mixed_caches_are_never_read(example_run: topolab.Run) -> None:
    result = run_analysis(example_run, Counting())
    path, more = result.paths["counting"], result.paths["counting_more"]
    whole = path.read_bytes()
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert not run_analysis(example_run, Counting()).cached
    write_table(result.table, more, SCHEMA, {"key": "of another run"})
    assert not run_analysis(example_run, Counting()).cached
    more.unlink()
    assert not run_analysis(example_run, Counting()).cached
    assert run_analysis(example_run, Counting()).cached


def test_without_a_cache_nothing_is_written(example_run: topolab.Run) -> None:
    result = run_analysis(example_run, Counting(), cache=False)
    assert result.paths == {} and not example_run.tables_folder.exists()


def test_a_run_that_cannot_be_written_is_analysed(example_run: topolab.Run) -> None:
    example_run.tables_folder.write_text("in the way")
    result = run_analysis(example_run, Counting())
    assert len(result.table) == 4 and result.paths == {}


def test_any_number_of_workers_gives_the_same(example_run: topolab.Run) -> None:
    for analysis in (Degree(), Kendall()):
        alone = run_analysis(example_run, analysis, cache=False)
        together = run_analysis(example_run, analysis, workers=2, cache=False)
        for name, table in alone.tables.items():
            pd.testing.assert_frame_equal(table, together.tables[name])


def test_an_empty_run_and_a_wrong_table(tmp_path: Path, example_run: topolab.Run) -> None:
    with topolab.Recorder(tmp_path / "none", layers=example_run.layers):
        pass
    with pytest.raises(AnalysisError, match="no snapshots"):
        run_analysis(topolab.open_run(tmp_path / "none"), Counting())

    class Wrong(Counting):
        def conclude(self, rows: dict[str, pd.DataFrame], state: Any) -> dict[str, pd.DataFrame]:
            return {"counting": rows["counting"]}

    with pytest.raises(TableError, match="declared"):
        run_analysis(example_run, Wrong())
    with pytest.raises(AnalysisError, match="workers=0"):
        run_analysis(example_run, Counting(), workers=0)


def test_tables_are_checked() -> None:
    with pytest.raises(TableError, match=r"missing \['value'\], not declared \['x'\]"):
        check(pd.DataFrame({"step": [1], "x": [1]}), SCHEMA)
    with pytest.raises(TableError, match="not whole"):
        check(pd.DataFrame({"step": [1.5], "value": [1]}), SCHEMA)
    with pytest.raises(TableError, match="cannot be int"):
        check(pd.DataFrame({"step": [np.nan], "value": [1]}), SCHEMA)
    with pytest.raises(TableError):
        check(pd.DataFrame({"step": ["x"], "value": [1]}), SCHEMA)
    with pytest.raises(TableError):
        Column("a", list)


def test_units_and_meanings_are_in_the_file(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    frame = pd.DataFrame({"step": [1], "value": [np.nan]})
    write_table(frame, tmp_path / "t.parquet", SCHEMA, {"key": "k"})
    metadata = pq.read_schema(tmp_path / "t.parquet").field("step").metadata
    assert metadata[b"unit"] == b"steps" and metadata[b"meaning"] == b"Step."
    read, about = read_table(tmp_path / "t.parquet", SCHEMA)
    pd.testing.assert_frame_equal(read, check(frame, SCHEMA))
    assert about == {"key": "k"}
