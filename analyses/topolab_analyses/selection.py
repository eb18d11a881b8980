"""Selection: a test of the neural selection hypothesis, with the numbers behind each word."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import nbinom
from scipy.stats import t as student

from topolab.analysis import Walk
from topolab.errors import AnalysisError
from topolab.layers import Link, chain_layers
from topolab.metrics import powerlaw
from topolab.metrics.attachment import Slope, fit_slope
from topolab.metrics.nulls import random_rewiring
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column
from topolab_analyses.common import WHEN, check_chain, rows
from topolab_analyses.judgement import CSN, PAPER, judge
from topolab_analyses.rewiring import ends_of, events, moving_layers, per_degree

__all__ = ["Selection"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_LAYER = Column("layer", str, "1", "A layer of hidden neurons.")
_WORD = "supported, not supported or undecided"
_COLUMNS = (
    _LAYER,
    Column("verdict", str, "1", f"{_WORD}: all three claims, no claim against."),
    Column("power_law", str, "1", f"{_WORD}: the degrees follow a power law at the end."),
    Column("attachment", str, "1", f"{_WORD}: edges grow at neurons that have many."),
    Column("decay", str, "1", f"{_WORD}: neurons that began with few become dormant."),
    Column("alpha", float, "1", "Exponent at the last step, x_min searched."),
    Column("x_min", int, "edges", "Where its tail begins; 0 without a fit."),
    Column("n_tail", int, "neurons", "Neurons in the tail."),
    Column("p_law", float, "1", "CSN's p-value of it: low rejects the power law."),
    Column("p_law_holm", float, "1", "The same, adjusted."),
    Column("p_fixed", float, "1", "p-value at the fixed x_min; NaN where there is no such tail."),
    Column("csn_rule", str, "1", "plausible (p > 0.1), rejected or none; searched x_min."),
    Column("paper_rule", str, "1", "NSH's rule, plausible only if p >= 0.95; searched x_min."),
    Column("csn_rule_fixed", str, "1", "As csn_rule, at the fixed x_min."),
    Column("paper_rule_fixed", str, "1", "As paper_rule, at the fixed x_min."),
    Column("best_rival", str, "1", "The rival with the smallest p-value of those that beat it."),
    Column("p_rival", float, "1", "Of a rival that beats the law: smallest p-value, times four."),
    Column("p_rival_holm", float, "1", "The same, adjusted."),
    Column("p_thin", float, "1", "p-value of beating the exponential; NaN where it does not."),
    Column("p_thin_holm", float, "1", "The same, adjusted."),
    Column("gain_slope", float, "1", "Exponent of the gain kernel by total degree; 0 = random."),
    Column("gain_low", float, "1", "Lower end of its 95 % interval."),
    Column("gain_high", float, "1", "Upper end."),
    Column("gain_rate", float, "1", "Exponent of a neuron's rate of gain; 1 = Barabasi-Albert."),
    Column("p_gain", float, "1", "One-sided p-value of a gain slope not above 0."),
    Column("p_gain_holm", float, "1", "The same, adjusted."),
    Column("loss_slope", float, "1", "Exponent of the loss kernel: below 0, hubs keep more."),
    Column("loss_low", float, "1", "Lower end of its 95 % interval."),
    Column("loss_high", float, "1", "Upper end."),
    Column("poor", int, "neurons", "About the quarter with the fewest edges at the start."),
    Column("dormant", int, "neurons", "Those of them that have become dormant by the end."),
    Column("dormant_null", float, "neurons", "Mean of that number under random rewiring."),
    Column("drift", float, "1", "Relative change of the poor neurons' edges, start to end."),
    Column("drift_null", float, "1", "The same under random rewiring, on average."),
    Column("drift_error", float, "1", "Its standard deviation over random rewirings."),
    Column("p_drift", float, "1", "One-sided p-value of a drift not below random rewiring's."),
    Column("p_drift_holm", float, "1", "The same, adjusted."),
    Column("p_decay", float, "1", "One-sided p-value of dormant, against random rewiring."),
    Column("p_decay_holm", float, "1", "The same, adjusted."),
    Column("onset_law", float, "steps", "Step from which the law is plausible to the end."),
    Column("onset_attachment", float, "steps", "First step of the part whose slope is above 0."),
    Column("updates", int, "1", "Updates that changed the layer's edges."),
    Column("reason", str, "1", "Why a number is missing; empty where none is."),
)
_FITS = (
    *WHEN,
    Column("layer", str, "1", "A layer of hidden neurons, or hidden = all of them pooled."),
    Column("variant", str, "1", "searched = x_min with the smallest KS distance; fixed = given."),
    Column("alpha", float, "1", "Exponent."),
    Column("sigma", float, "1", "Its standard error."),
    Column("x_min", int, "edges", "Where the tail begins; 0 without a fit."),
    Column("n_tail", int, "neurons", "Neurons in the tail."),
    Column("ks_distance", float, "1", "KS distance over the tail, at the observed degrees."),
    Column("p_value", float, "1", "CSN's p-value."),
    Column("p_low", float, "1", "Lower end of its 99 % interval."),
    Column("p_high", float, "1", "Upper end."),
    Column("replicates", int, "1", "Bootstrap replicates behind it."),
    Column("stopped", bool, "1", "Whether they ended early: that interval excludes 0.1."),
    Column("csn_rule", str, "1", "plausible (p > 0.1), rejected or none."),
    Column("paper_rule", str, "1", "plausible (p >= 0.95), rejected or none."),
    Column("reason", str, "1", "Why there is no fit; empty where there is one."),
)
_RIVALS = (
    Column("step", int, "steps", "The last step."),
    Column("layer", str, "1", "A layer of hidden neurons, or hidden = all of them pooled."),
    Column("variant", str, "1", "searched or fixed, as for the fits."),
    Column("rival", str, "1", "The distribution the power law is held against."),
    Column("ratio", float, "1", "Log-likelihood ratio; above 0 favours the power law."),
    Column("normalised", float, "1", "The same over its standard deviation (Vuong)."),
    Column("p_value", float, "1", "Two-sided (Vuong); for the truncated power law nested."),
    Column("favours", str, "1", "power law, the rival, or neither, at 0.05 unadjusted."),
    Column("reason", str, "1", "Why there is no ratio; empty where there is one."),
)


@dataclass(frozen=True)
class _Memory:
    before: Snapshot | None
    start: dict[str, dict[str, tuple[IntArray, int]]]
    # Per layer and update: its step, and what happened by degree.
    steps: dict[str, tuple[int, ...]]
    parts: dict[str, tuple[Mapping[str, Any], ...]]
    totals: dict[tuple[str, str], tuple[tuple[int, int], ...]]


@dataclass(frozen=True)
class Selection(Walk):
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
        "selection": _COLUMNS,
        "selection_fits": _FITS,
        "selection_rivals": _RIVALS,
    }
    compares = ("alpha", "gain_slope", "gain_rate", "loss_slope", "drift")
    words = (
        "verdict", "power_law", "attachment", "decay", "csn_rule", "paper_rule", "csn_rule_fixed",
        "paper_rule_fixed", "best_rival",
    )  # fmt: skip

    def prepare(self, run: Run) -> Any:
        """Check parameters; find the layers that change and the hidden neurons they touch."""
        check_chain(run)
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
        moving = moving_layers(run)
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

    def step(
        self, memory: _Memory, snapshot: Snapshot, state: Any
    ) -> tuple[_Memory, dict[str, pd.DataFrame]]:
        """Fit the degrees, and remember what was gained and lost."""
        sides = _sides(snapshot, state["counted"])
        degrees = {name: _sum(sides[name]) for name in state["hidden"]}
        last = snapshot.step == state["last"]
        fits, rivals = self._fits(degrees, last=last)
        if last:
            for record in rivals:
                record["step"] = snapshot.step
        tables = {"selection_fits": rows(snapshot, fits, _FITS)}
        if rivals:
            tables["selection_rivals"] = pd.DataFrame(rivals, columns=[c.name for c in _RIVALS])
        if memory.before is None:
            return replace(memory, before=snapshot, start=sides), tables
        steps, parts, totals = dict(memory.steps), dict(memory.parts), dict(memory.totals)
        if state["moving"]:
            found = events(memory.before, snapshot, state["moving"])
            for name in state["hidden"]:
                ends = {end: found[name, end] for end in ("in", "out", "total")
                        if (name, end) in found}  # fmt: skip
                whole = ends.get("total") or next(iter(ends.values()))
                if whole.gained.any() or whole.lost.any():
                    steps[name] = (*steps.get(name, ()), snapshot.step)
                    parts[name] = (*parts.get(name, ()), per_degree(whole))
            for (name, end), e in found.items():
                if end != "total":
                    pair = (int(e.lost.sum()), int(e.gained.sum()))
                    totals[name, end] = (*totals.get((name, end), ()), pair)
        return replace(memory, before=snapshot, steps=steps, parts=parts, totals=totals), {
            **tables,
            **self._close(state, degrees, replace(memory, steps=steps, parts=parts, totals=totals),
                          last=last),
        }  # fmt: skip

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
                        "reason": law.reason,
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

    def _close(
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
                **self._attachment(parts, memory.steps.get(layer, ())),
                **self._decay(layer, degrees[layer], memory),
            }
            reasons = (record["reason"], record.pop("loss_reason"), record.pop("decay_reason"))
            record["reason"] = "; ".join(dict.fromkeys(r for r in reasons if r))
            records.append(record)
        return {"selection": _partly(records)}

    def _attachment(
        self, parts: tuple[Mapping[str, Any], ...], steps: tuple[int, ...]
    ) -> dict[str, Any]:
        gained, gain_chance, lost, loss_chance, neurons = _by_degree(parts)
        gain = fit_slope(gained, gain_chance, seed=self.seed) if len(parts) else _NO_SLOPE
        # A neuron without room cannot gain: it is not there for the rate.
        able = np.where(gain_chance > 0, neurons, 0.0)
        rate = fit_slope(gained, able, seed=self.seed) if len(parts) else _NO_SLOPE
        loss = fit_slope(lost, loss_chance, seed=self.seed) if len(parts) else _NO_SLOPE
        onset = math.nan
        for chosen in np.array_split(np.arange(len(parts)), self.windows):
            if len(chosen) < 5:
                continue
            slope = fit_slope(gained[chosen], gain_chance[chosen], seed=self.seed)
            if slope.low > 0 and slope.p_positive < 0.05 / self.windows:
                onset = float(steps[chosen[0]])
                break
        return {
            "gain_slope": gain.gamma,
            "gain_low": gain.low,
            "gain_high": gain.high,
            "gain_rate": rate.gamma,
            "p_gain": gain.p_positive,
            "loss_slope": loss.gamma,
            "loss_low": loss.low,
            "loss_high": loss.high,
            "onset_attachment": onset,
            "reason": gain.reason,
            "loss_reason": loss.reason,
        }

    def _decay(self, layer: str, end: IntArray, memory: _Memory) -> dict[str, Any]:
        sides = memory.start[layer]
        begin = _sum(sides)
        poor = _poorest(begin)
        had = int(begin[poor].sum())
        low = self.dormant_below
        nan = math.nan
        out: dict[str, Any] = {
            "poor": len(poor),
            "dormant": int(((begin[poor] >= low) & (end[poor] < low)).sum()),
            "dormant_null": nan,
            "drift": end[poor].sum() / had - 1 if had else nan,
            "drift_null": nan,
            "drift_error": nan,
            "p_drift": nan,
            "p_decay": nan,
            "decay_reason": "",
        }
        if not len(poor):
            return {**out, "decay_reason": "the first degrees tell no poor neurons from others"}
        if not had:
            return {**out, "decay_reason": "the poor neurons have no edges from the start"}
        if not memory.totals:
            return out
        drawn = np.zeros((self.nulls, len(begin)), dtype=np.int64)
        for number, (side, (degrees, capacity)) in enumerate(sorted(sides.items())):
            pairs = np.array(memory.totals.get((layer, side), ()), dtype=np.int64).reshape(-1, 2)
            drawn += random_rewiring(
                degrees,
                capacity,
                pairs[:, 0],
                pairs[:, 1],
                replicates=self.nulls,
                seed=self.seed * 2 + number,
            )
        drift = drawn[:, poor].sum(1) / had - 1
        out["drift_null"] = float(drift.mean())
        out["drift_error"] = float(drift.std(ddof=1))
        if out["drift_error"] > 0:
            t = (out["drift"] - out["drift_null"]) / out["drift_error"]
            out["p_drift"] = float(student.cdf(t, self.nulls - 1))
        if not (begin[poor] >= low).any():
            out["decay_reason"] = f"every poor neuron has fewer than {low} edges from the start"
            return out
        dormant = ((begin[poor] >= low) & (drawn[:, poor] < low)).sum(1)
        out["dormant_null"] = float(dormant.mean())
        # As many or more in one more random rewiring, given these: a Poisson number, whose rate is
        # as uncertain as so many draws leave it.
        out["p_decay"] = float(
            nbinom.sf(out["dormant"] - 1, int(dormant.sum()) + 1, self.nulls / (self.nulls + 1))
        )
        return out

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
                for c in _COLUMNS
            }
            record["layer"] = layer
            if made is not None and layer in made.index:
                record.update({k: made.loc[layer, k] for k in _PARTLY})
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
                **_against(rivals, layer),
            )
            if searched["reason"]:
                record["reason"] = "; ".join(r for r in (searched["reason"], record["reason"]) if r)
            records.append(record)
        if not records:
            record = {c.name: math.nan if c.dtype is float else 0 if c.dtype is int else "none"
                      for c in _COLUMNS}  # fmt: skip
            records = [{**record, "reason": "no hidden neuron has an edge that is counted"}]
        verdicts = judge(pd.DataFrame(records))
        if not len(rivals):
            rivals = pd.DataFrame(
                [{c.name: math.nan if c.dtype is float else "none" for c in _RIVALS}
                 | {"step": state["last"]}]
            )  # fmt: skip
        if not len(fits):
            row = {c.name: math.nan if c.dtype is float else 0 if c.dtype is int else "none"
                   for c in _FITS}  # fmt: skip
            fits = pd.DataFrame([{**row, "stopped": False, "step": state["last"]}])
        columns = [c.name for c in _COLUMNS]
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
        return judge(together)[["run", *(c.name for c in _COLUMNS)]]


_NO_SLOPE = Slope(
    math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, 0,
    "no mask changes from snapshot to snapshot",
)  # fmt: skip
# What is known once all steps are: the rest of the columns comes from the fits.
_PARTLY = (
    "gain_slope", "gain_low", "gain_high", "gain_rate", "p_gain", "loss_slope", "loss_low",
    "loss_high", "onset_attachment", "reason", "updates", "poor", "dormant", "dormant_null",
    "drift", "drift_null", "drift_error", "p_drift", "p_decay",
)  # fmt: skip


def _partly(records: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(records, columns=["layer", *_PARTLY])


def _sides(snapshot: Snapshot, counted: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Per layer of neurons and side the degrees, and the most a neuron can have."""
    out: dict[str, dict[str, tuple[IntArray, int]]] = {}
    for link in chain_layers(snapshot.layers):
        if link.layer.name in counted:
            into, outof = ends_of(link, snapshot.masks[link.layer.name])
            out.setdefault(link.layer.name, {})["in"] = (into, _room(link, into))
            out.setdefault(link.source, {})["out"] = (outof, _room(link, outof))
    return out


def _room(link: Link, ends: IntArray) -> int:
    return link.layer.size // len(ends)


def _poorest(degrees: IntArray) -> npt.NDArray[np.intp]:
    """About the quarter of the neurons with the fewest edges, equals together; none if all are."""
    if not len(degrees):
        return np.zeros(0, dtype=np.intp)
    edge = np.sort(degrees)[max(0, len(degrees) // 4 - 1)]
    poor = np.flatnonzero(degrees <= edge)
    return poor if 2 * len(poor) <= len(degrees) else np.flatnonzero(degrees < edge)


def _sum(sides: Mapping[str, tuple[IntArray, int]]) -> IntArray:
    return np.sum([degrees for degrees, _ in sides.values()], axis=0, dtype=np.int64)


def _by_degree(
    parts: tuple[Mapping[str, Any], ...],
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Gained, its chance, lost, its chance, neurons; by update and total degree."""
    size = 1 + max((int(part["degree"].max()) for part in parts), default=0)
    names = ("gained", "gain_chance", "lost", "loss_chance", "neurons")
    out = {name: np.zeros((len(parts), size)) for name in names}
    for t, part in enumerate(parts):
        for name in names:
            out[name][t, part["degree"]] = part[name]
    return out["gained"], out["gain_chance"], out["lost"], out["loss_chance"], out["neurons"]


def _rule(p: float, plausible: bool) -> str:
    if not math.isfinite(p):
        return "none"
    return "plausible" if plausible else "rejected"


def _onset(fits: pd.DataFrame, layer: str) -> float:
    """The step from which CSN's rule finds the law plausible up to the end; NaN if it does not."""
    part = fits[(fits["layer"] == layer) & (fits["variant"] == "searched")]
    if ((part["reason"] == "") & part["p_value"].isna()).any():
        return math.nan  # p was not asked for through time
    plausible = (part["csn_rule"] == "plausible").to_numpy()
    if not len(plausible) or not plausible[-1]:
        return math.nan
    since = len(plausible) - int(np.argmin(plausible[::-1])) if not plausible.all() else 0
    return float(part["step"].to_numpy()[since])


def _against(rivals: pd.DataFrame, layer: str) -> dict[str, Any]:
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
