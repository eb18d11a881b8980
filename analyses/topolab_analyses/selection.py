"""Selection: a test of the neural selection hypothesis, with the numbers behind each word."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from topolab.analysis import SequentialAnalysis
from topolab.chaining import chain_layers
from topolab.errors import AnalysisError
from topolab.hooks import check_chain, check_name_free, rows_of
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column
from topolab_analyses.claims.limits import CSN, PAPER
from topolab_analyses.edge_history import EdgeHistory
from topolab_analyses.judgement import judge, pool
from topolab_analyses.rewiring import changing_layers, count_ends
from topolab_analyses.selection_evidence import (
    attachment_evidence,
    decay_evidence,
    nothing_changed,
)
from topolab_analyses.selection_laws import (
    Degrees,
    fit_row,
    law_evidence,
    onset_of_law,
    rival_rows,
)
from topolab_analyses.selection_tables import FITS, POOLED, RIVALS, VERDICTS

__all__ = ["Selection"]


@dataclass(frozen=True)
class _Memory:
    before: Snapshot | None
    history: EdgeHistory


@dataclass(frozen=True)
class Selection(SequentialAnalysis):
    """The neural selection hypothesis (NSH), claim by claim, for each layer of hidden neurons.

    Degrees count active weights, and only of layers that change in the run: one that stays dense
    adds the same to every neuron.

    Parameters
    ----------
    x_min : int
        Of the fixed fit; NSH's is 110.
    dormant_below : int
        A neuron with fewer edges is dormant; NSH's thresholds are 10 and 110.
    replicates : int
        Of the bootstrap at the last step.
    replicates_through_time : int
        At most, at the steps before, with sequential stopping; 0 leaves p out there, and with it
        the onset of the law.
    nulls : int
        Random rewirings of each part that decay is held against.
    windows : int
        Parts of the run: at the start of each the poor are found anew, and the onset of attachment
        is looked for among them.
    seed : int
    """

    x_min: int = 110
    dormant_below: int = 10
    replicates: int = 2500
    replicates_through_time: int = 1000
    nulls: int = 25
    windows: int = 8
    seed: int = 0

    name = "selection"
    version = 3
    summary = "Test of the neural selection hypothesis: power law, attachment, decay; a verdict"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {
        "selection": VERDICTS,
        "selection_fits": FITS,
        "selection_rivals": RIVALS,
    }
    pooled_schema = POOLED
    compares = ("alpha", "gain_slope", "gain_rate", "within", "loss_slope", "excess", "drift")
    highlights = ("gain_rate*", "loss_slope*")
    verdicts = ("verdict", "power_law", "attachment", "decay")
    words = (
        *verdicts, "csn_rule", "paper_rule", "csn_rule_fixed", "paper_rule_fixed", "best_rival",
        *(column.name for column in VERDICTS if column.name.startswith(("why",)) or
          column.name.endswith("_reason")),
    )  # fmt: skip

    def prepare(self, run: Run) -> Any:
        """Check parameters; find the layers that change and the hidden neurons they touch."""
        check_chain(run)
        check_name_free(run, "hidden")
        if (
            self.x_min < 1
            or self.dormant_below < 1
            or self.replicates < 1
            or self.replicates_through_time < 0
            or self.nulls < 20
            or self.windows < 1
        ):
            raise AnalysisError(
                "selection: x_min, dormant_below, replicates and windows must be at least 1, "
                "nulls at least 20, replicates_through_time at least 0"
            )
        if len(run.layers) < 2:
            raise AnalysisError(f"{run.path}: a single layer of weights has no hidden neurons")
        links = chain_layers(run.layers)
        moving = changing_layers(run)
        # Without any change, degrees are those of all layers but the last.
        counted = moving or tuple(link.layer.name for link in links[:-1])
        hidden = tuple(link.layer.name for link in links[:-1])
        touched = {link.layer.name for link in links if link.layer.name in counted}
        touched |= {link.source for link in links if link.layer.name in counted}
        return {
            "moving": moving,
            "counted": counted,
            "hidden": tuple(name for name in hidden if name in touched),
            "last": run.steps[-1],
            "snapshots": len(run.steps),
        }

    def start(self, state: Any) -> Any:
        """Nothing was seen."""
        return _Memory(None, EdgeHistory())

    def visit(
        self, memory: _Memory, snapshot: Snapshot, state: Any
    ) -> tuple[_Memory, dict[str, pd.DataFrame]]:
        """Fit the degrees, and remember what was gained and lost."""
        last = snapshot.step == state["last"]
        history = memory.history
        if memory.before is not None and state["moving"]:
            history = history.add(memory.before, snapshot, state["moving"])
        degrees = _degrees(snapshot, state["counted"], state["hidden"])
        fits, rivals, laws = self._laws(degrees, last=last)
        tables = {"selection_fits": rows_of(snapshot, fits, FITS)}
        if last:
            tables["selection_rivals"] = pd.DataFrame(rivals, columns=[c.name for c in RIVALS])
            records = [
                {"layer": layer, **laws[layer], **self._changes(layer, history, state)}
                for layer in state["hidden"]
            ]
            tables["selection"] = pd.DataFrame(records)
        return _Memory(snapshot, history), tables

    # -- the law ---------------------------------------------------------------------------------

    def _laws(
        self, degrees: list[Degrees], *, last: bool
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, dict[str, Any]]]:
        """Rows of fits and rivals, and by layer what is judged; one side alone at the end only."""
        wanted = self.replicates if last else self.replicates_through_time
        fits: list[dict[str, Any]] = []
        rivals: list[dict[str, Any]] = []
        laws: dict[str, dict[str, Any]] = {}
        for of in degrees:
            if of.end != "total" and not last:
                continue
            for x_min in (None, self.x_min):
                law, row = fit_row(
                    of,
                    x_min,
                    replicates=wanted,
                    seed=self.seed,
                    stop_at=None if last else (CSN, PAPER),
                )
                fits.append(row)
                if not last:
                    continue
                tests, rows = rival_rows(of, law, row["variant"], 0)
                rivals += rows
                if of.end == "total":
                    evidence = laws.setdefault(of.layer, {})
                    if x_min is None:
                        evidence |= law_evidence(of, law, row, tests)
                    else:
                        evidence |= {
                            "p_fixed": row["p_value"],
                            "csn_rule_fixed": row["csn_rule"],
                            "paper_rule_fixed": row["paper_rule"],
                        }
        return fits, rivals, laws

    # -- attachment and decay ----------------------------------------------------------------------

    def _changes(self, layer: str, history: EdgeHistory, state: Any) -> dict[str, Any]:
        """What became of a layer's edges over the run."""
        common = {"snapshots": state["snapshots"], "updates": 0}
        if layer not in {name for name, _ in history.ends()}:
            reason = (
                "one snapshot: nothing is known of what changes"
                if state["snapshots"] == 1
                else "no mask changes from snapshot to snapshot"
            )
            if state["moving"]:
                reason = "no edge of these neurons changes"
            return {**common, **nothing_changed(self.dormant_below, reason)}
        end = history.main_end(layer)
        every = history.of(layer, end, kernel=None)
        gains, losses = history.of(layer, end), history.of(layer, end, kernel="loss")
        return {
            **common,
            "updates": int((every.gained.any((1, 2)) | every.lost.any((1, 2))).sum()),
            **attachment_evidence(gains, losses, windows=self.windows, seed=self.seed),
            **decay_evidence(
                every, low=self.dormant_below, parts=self.windows, nulls=self.nulls, seed=self.seed
            ),
        }

    # -- the verdict -------------------------------------------------------------------------------

    def conclude(self, rows: dict[str, pd.DataFrame], state: Any) -> dict[str, pd.DataFrame]:
        """Find the words for the evidence of each layer."""
        fits, rivals, found = (
            rows[name] for name in ("selection_fits", "selection_rivals", "selection")
        )
        columns = [c.name for c in VERDICTS]
        if len(found):
            rivals = rivals.assign(step=state["last"])
            found = found.assign(
                onset_law=[onset_of_law(fits, layer) for layer in found["layer"]],
                reason=[_reason({**row}) for _, row in found.iterrows()],
            )
            return {
                "selection": judge(found)[columns],
                "selection_fits": fits,
                "selection_rivals": rivals,
            }
        # No hidden neuron has an edge that is counted: one row that says so.
        reason = "no hidden neuron has an edge that is counted"
        none = nothing_changed(self.dormant_below, reason) | {
            "layer": "none", "snapshots": state["snapshots"], "degrees": 0, "law_reason": reason,
            "reason": reason,
        }  # fmt: skip
        return {
            "selection": judge(pd.DataFrame([_empty(VERDICTS) | none]))[columns],
            "selection_fits": pd.DataFrame([_empty(FITS) | {"step": state["last"]}]),
            "selection_rivals": pd.DataFrame([_empty(RIVALS) | {"step": state["last"]}]),
        }

    def across(self, tables: Mapping[str, Mapping[str, pd.DataFrame]]) -> pd.DataFrame:
        """The verdicts of several runs below each other: no run changes the words of another.

        Parameters
        ----------
        tables : mapping of run name to the tables of this analysis

        Returns
        -------
        DataFrame
            The ``selection`` tables with a column ``run``.
        """
        together = pd.concat(
            [found["selection"].assign(run=name) for name, found in tables.items()],
            ignore_index=True,
        )
        return together[["run", *(c.name for c in VERDICTS)]]

    def pool(self, across: pd.DataFrame) -> pd.DataFrame:
        """One verdict for each group and layer, from all its seeds together.

        Parameters
        ----------
        across : DataFrame
            Of `across`, with a column ``group``.

        Returns
        -------
        DataFrame
        """
        return pool(across).reindex(columns=[c.name for c in POOLED])

    def statements(self, table: pd.DataFrame) -> tuple[str, ...]:
        """Which claims carry each verdict, with their numbers."""
        said = []
        for _, row in table.iterrows():
            where = str(row["layer"])
            if "runs" in row:
                runs = f", {row['runs']} runs together" if row["runs"] > 1 else ""
                where = f"{row['group']}, {where}{runs}"
            said.append(f"{where}: {row['why']}")
        return tuple(said)


def _reason(row: Mapping[str, Any]) -> str:
    """Why any number of a row is missing."""
    given = (row[f"{of}_reason"] for of in ("law", "gain", "within", "loss", "decay"))
    return "; ".join(dict.fromkeys(reason for reason in given if reason))


def _empty(columns: tuple[Column, ...]) -> dict[str, Any]:
    blank: dict[type, Any] = {float: math.nan, int: 0, bool: False}
    return {c.name: blank.get(c.dtype, "none") for c in columns}


def _degrees(
    snapshot: Snapshot, counted: tuple[str, ...], hidden: tuple[str, ...]
) -> list[Degrees]:
    """Per layer of hidden neurons its degrees at each end and at both; then all layers together."""
    sides: dict[str, list[Degrees]] = {}
    for link in chain_layers(snapshot.layers):
        if link.layer.name not in counted:
            continue
        into, outof = count_ends(link, snapshot.masks[link.layer.name])
        for layer, end, values in ((link.layer.name, "in", into), (link.source, "out", outof)):
            made = Degrees(layer, end, values, link.layer.size // len(values))
            sides.setdefault(layer, []).append(made)
    totals = [_together(layer, sides[layer]) for layer in hidden]
    several = [one for layer in hidden if len(sides[layer]) > 1 for one in sides[layer]]
    if len(totals) > 1:
        pooled = np.concatenate([of.values for of in totals])
        totals.append(Degrees("hidden", "total", pooled, max(of.capacity for of in totals)))
    return [*totals, *several]


def _together(layer: str, sides: list[Degrees]) -> Degrees:
    values = np.stack([side.values for side in sides]).sum(0)
    return Degrees(layer, "total", values, sum(side.capacity for side in sides))
