"""Selection: a test of the neural selection hypothesis, with the numbers behind each word."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from topolab.analysis import SequentialAnalysis
from topolab.chaining import Link, chain_layers
from topolab.errors import AnalysisError
from topolab.hooks import check_chain, check_name_free, rows_of
from topolab.metrics import powerlaw
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column
from topolab_analyses.judgement import CSN, PAPER, judge
from topolab_analyses.rewiring import changing_layers, count_ends, edge_events, sum_by_degree
from topolab_analyses.selection_evidence import attachment_evidence, decay_evidence, total_degrees
from topolab_analyses.selection_tables import FITS, RIVALS, VERDICTS

__all__ = ["Selection"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Memory:
    before: Snapshot | None
    start: dict[str, dict[str, tuple[IntArray, int]]]
    # Per layer and update: its step, and what happened by degree.
    steps: dict[str, tuple[int, ...]]
    parts: dict[str, tuple[Mapping[str, Any], ...]]
    totals: dict[tuple[str, str], tuple[tuple[int, int], ...]]


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
        Random rewirings that decay is held against.
    windows : int
        Parts of the run among which the onset of attachment is looked for.
    seed : int
    """

    x_min: int = 110
    dormant_below: int = 10
    replicates: int = 2500
    replicates_through_time: int = 1000
    nulls: int = 100
    windows: int = 8
    seed: int = 0

    name = "selection"
    version = 1
    summary = "Test of the neural selection hypothesis: power law, attachment, decay; a verdict"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {
        "selection": VERDICTS,
        "selection_fits": FITS,
        "selection_rivals": RIVALS,
    }
    compares = ("alpha", "gain_slope", "gain_rate", "loss_slope", "drift")
    highlights = ("gain_rate*", "loss_slope*")
    verdicts = ("verdict", "power_law", "attachment", "decay")
    words = (
        *verdicts, "csn_rule", "paper_rule", "csn_rule_fixed",
        "paper_rule_fixed", "best_rival",
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
        }

    def start(self, state: Any) -> Any:
        """Nothing was seen."""
        return _Memory(None, {}, {}, {}, {})

    def visit(
        self, memory: _Memory, snapshot: Snapshot, state: Any
    ) -> tuple[_Memory, dict[str, pd.DataFrame]]:
        """Fit the degrees, and remember what was gained and lost."""
        sides = _degrees_by_side(snapshot, state["counted"])
        degrees = {name: total_degrees(sides[name]) for name in state["hidden"]}
        last = snapshot.step == state["last"]
        fits, rivals = self._fits(degrees, last=last)
        if last:
            for record in rivals:
                record["step"] = snapshot.step
        tables = {"selection_fits": rows_of(snapshot, fits, FITS)}
        if rivals:
            tables["selection_rivals"] = pd.DataFrame(rivals, columns=[c.name for c in RIVALS])
        if memory.before is None:
            return replace(memory, before=snapshot, start=sides), tables
        steps, parts, totals = dict(memory.steps), dict(memory.parts), dict(memory.totals)
        if state["moving"]:
            found = edge_events(memory.before, snapshot, state["moving"])
            for name in state["hidden"]:
                ends = {end: found[name, end] for end in ("in", "out", "total")
                        if (name, end) in found}  # fmt: skip
                both = ends.get("total") or next(iter(ends.values()))
                if both.gained.any() or both.lost.any():
                    steps[name] = (*steps.get(name, ()), snapshot.step)
                    parts[name] = (*parts.get(name, ()), sum_by_degree(both))
            for (name, end), e in found.items():
                if end != "total":
                    pair = (int(e.lost.sum()), int(e.gained.sum()))
                    totals[name, end] = (*totals.get((name, end), ()), pair)
        memory = replace(memory, before=snapshot, steps=steps, parts=parts, totals=totals)
        return memory, {**tables, **self._last_rows(state, degrees, memory, last=last)}

    # -- the law ---------------------------------------------------------------------------------

    def _fits(
        self, degrees: Mapping[str, IntArray], *, last: bool
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        sequences = dict(degrees)
        if len(sequences) > 1:
            sequences["hidden"] = np.concatenate(list(sequences.values()))
        fits: list[dict[str, Any]] = []
        rivals: list[dict[str, Any]] = []
        for layer, values in sequences.items():
            for variant, x_min in (("searched", None), ("fixed", self.x_min)):
                law = powerlaw.fit(values, x_min)
                gof = powerlaw.GoodnessOfFit(math.nan, math.nan, 0)
                wanted = self.replicates if last else self.replicates_through_time
                if wanted and not law.reason:
                    gof = powerlaw.goodness_of_fit(
                        values,
                        law,
                        replicates=wanted,
                        seed=self.seed,
                        stop_at=None if last else CSN,
                    )
                fits.append(
                    {
                        "layer": layer,
                        "variant": variant,
                        "alpha": law.alpha,
                        "sigma": law.sigma,
                        "x_min": law.x_min,
                        "n_tail": law.n_tail,
                        "ks_distance": law.ks_distance,
                        "p_value": gof.p_value,
                        "p_low": gof.low,
                        "p_high": gof.high,
                        "replicates": gof.replicates,
                        "stopped": gof.stopped,
                        "csn_rule": _rule(gof.p_value, gof.p_value > CSN),
                        "paper_rule": _rule(gof.p_value, gof.p_value >= PAPER),
                        "reason": law.reason or _reason_without_p(gof),
                    }
                )
                if last:
                    rivals += [
                        {
                            "layer": layer,
                            "variant": variant,
                            "rival": made.rival,
                            "ratio": made.ratio,
                            "normalised": made.normalised,
                            "p_value": made.p_value,
                            "favours": made.favours,
                            "reason": made.reason,
                        }
                        for made in (powerlaw.compare(values, law, r) for r in powerlaw.RIVALS)
                    ]
        return fits, rivals

    # -- attachment and decay ----------------------------------------------------------------------

    def _last_rows(
        self, state: Any, degrees: Mapping[str, IntArray], memory: _Memory, *, last: bool
    ) -> dict[str, pd.DataFrame]:
        """At the last step, everything but the law, one row per layer."""
        if not last:
            return {}
        records = []
        for layer in state["hidden"]:
            parts = memory.parts.get(layer, ())
            record: dict[str, Any] = {
                "layer": layer,
                "updates": len(parts),
                **attachment_evidence(
                    parts, memory.steps.get(layer, ()), windows=self.windows, seed=self.seed
                ),
                **decay_evidence(
                    memory.start[layer],
                    degrees[layer],
                    {side: memory.totals.get((layer, side), ()) for side in ("in", "out")},
                    low=self.dormant_below,
                    nulls=self.nulls,
                    seed=self.seed,
                ),
            }
            reasons = (record["reason"], record.pop("loss_reason"), record.pop("decay_reason"))
            record["reason"] = "; ".join(dict.fromkeys(r for r in reasons if r))
            records.append(record)
        return {"selection": _change_table(records)}

    # -- the verdict -------------------------------------------------------------------------------

    def conclude(self, rows: dict[str, pd.DataFrame], state: Any) -> dict[str, pd.DataFrame]:
        """Put the evidence of each layer together and find the words for it."""
        fits, rivals = rows["selection_fits"], rows["selection_rivals"]
        made = rows["selection"].set_index("layer") if len(rows["selection"]) else None
        end = fits[fits["step"] == state["last"]].set_index(["layer", "variant"])
        records = []
        for layer in state["hidden"]:
            searched, fixed = end.loc[(layer, "searched")], end.loc[(layer, "fixed")]
            record: dict[str, Any] = {
                c.name: math.nan if c.dtype is float else 0 if c.dtype is int else ""
                for c in VERDICTS
            }
            record["layer"] = layer
            if made is not None and layer in made.index:
                record.update({k: made.loc[layer, k] for k in _CHANGES})
            else:
                record["reason"] = "one snapshot: nothing is known of what changes"
            record.update(
                alpha=searched["alpha"],
                x_min=searched["x_min"],
                n_tail=searched["n_tail"],
                p_law=searched["p_value"],
                p_fixed=fixed["p_value"],
                csn_rule=searched["csn_rule"],
                paper_rule=searched["paper_rule"],
                csn_rule_fixed=fixed["csn_rule"],
                paper_rule_fixed=fixed["paper_rule"],
                onset_law=_onset(fits, layer),
                **_strongest_rival(rivals, layer),
            )
            if searched["reason"]:
                record["reason"] = "; ".join(r for r in (searched["reason"], record["reason"]) if r)
            records.append(record)
        if not records:
            record = {c.name: math.nan if c.dtype is float else 0 if c.dtype is int else "none"
                      for c in VERDICTS}  # fmt: skip
            records = [{**record, "reason": "no hidden neuron has an edge that is counted"}]
        verdicts = judge(pd.DataFrame(records))
        if not len(rivals):
            rivals = pd.DataFrame(
                [{c.name: math.nan if c.dtype is float else "none" for c in RIVALS}
                 | {"step": state["last"]}]
            )  # fmt: skip
        if not len(fits):
            row = {c.name: math.nan if c.dtype is float else 0 if c.dtype is int else "none"
                   for c in FITS}  # fmt: skip
            fits = pd.DataFrame([{**row, "stopped": False, "step": state["last"]}])
        columns = [c.name for c in VERDICTS]
        return {
            "selection": verdicts[columns],
            "selection_fits": fits,
            "selection_rivals": rivals,
        }

    def across(self, tables: Mapping[str, Mapping[str, pd.DataFrame]]) -> pd.DataFrame:
        """The verdicts of several runs, adjusted over all their layers together.

        Parameters
        ----------
        tables : mapping of run name to the tables of this analysis

        Returns
        -------
        DataFrame
            The ``selection`` tables below each other with a column ``run``, judged anew.
        """
        together = pd.concat(
            [found["selection"].assign(run=name) for name, found in tables.items()],
            ignore_index=True,
        )
        return judge(together)[["run", *(c.name for c in VERDICTS)]]


# What is known once all steps are: the rest of the columns comes from the fits.
_CHANGES = (
    "gain_slope", "gain_low", "gain_high", "gain_rate", "p_gain", "loss_slope", "loss_low",
    "loss_high", "onset_attachment", "reason", "updates", "poor", "dormant", "dormant_null",
    "drift", "drift_null", "drift_error", "p_drift", "p_decay",
)  # fmt: skip


def _change_table(records: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(records, columns=["layer", *_CHANGES])


def _degrees_by_side(snapshot: Snapshot, counted: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Per layer of neurons and side the degrees, and the most a neuron can have."""
    out: dict[str, dict[str, tuple[IntArray, int]]] = {}
    for link in chain_layers(snapshot.layers):
        if link.layer.name in counted:
            into, outof = count_ends(link, snapshot.masks[link.layer.name])
            out.setdefault(link.layer.name, {})["in"] = (into, _capacity(link, into))
            out.setdefault(link.source, {})["out"] = (outof, _capacity(link, outof))
    return out


def _capacity(link: Link, ends: IntArray) -> int:
    return link.layer.size // len(ends)


def _reason_without_p(gof: powerlaw.GoodnessOfFit) -> str:
    if gof.replicates and math.isnan(gof.p_value):
        return "no p: more than half of the replicates have no fit"
    return ""


def _rule(p: float, plausible: bool) -> str:
    if not math.isfinite(p):
        return "none"
    return "plausible" if plausible else "rejected"


def _onset(fits: pd.DataFrame, layer: str) -> float:
    """The step from which CSN's rule finds the law plausible up to the end; NaN if it does not."""
    part = fits[(fits["layer"] == layer) & (fits["variant"] == "searched")]
    if (part["alpha"].notna() & (part["replicates"] == 0)).any():
        return math.nan  # p was not asked for through time
    plausible = (part["csn_rule"] == "plausible").to_numpy()
    if not len(plausible) or not plausible[-1]:
        return math.nan
    since = len(plausible) - int(np.argmin(plausible[::-1])) if not plausible.all() else 0
    return float(part["step"].to_numpy()[since])


def _strongest_rival(rivals: pd.DataFrame, layer: str) -> dict[str, Any]:
    """The rival that beats the searched law most clearly, and whether a thin tail is beaten."""
    part = rivals[(rivals["layer"] == layer) & (rivals["variant"] == "searched")]
    known = part[(part["reason"] == "") & part["p_value"].notna()]
    better = known[known["ratio"] < 0].sort_values("p_value")
    thin = known[(known["rival"] == "exponential") & (known["ratio"] > 0)]
    return {
        "best_rival": str(better["rival"].iloc[0]) if len(better) else "",
        # All rivals are looked at, so that the smallest of four p-values counts four times.
        "p_rival": min(1.0, 4 * float(better["p_value"].iloc[0])) if len(better) else math.nan,
        "p_thin": float(thin["p_value"].iloc[0]) if len(thin) else math.nan,
    }
