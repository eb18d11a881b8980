"""Power-law fits through time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from topolab_reports.figures import tail, timeline
from topolab_reports.sections.base import Content, Context, FigureGroup, Section, sentence
from topolab_reports.style import run_colours

__all__ = ["PowerLawSection"]


class PowerLawSection(Section):
    """Exponent, tail and KS distance of the hidden degrees; the last fits over the data."""

    name = "powerlaw"
    title = "Power law through time"
    order = 30
    needs = ("powerlaw", "degree")

    def build(self, context: Context) -> Content:
        """Fits of the pooled hidden neurons, as NSH pools them; the last snapshot in detail."""
        fits = context.table("powerlaw")
        pooled = fits[fits["layer"] == "hidden"]
        groups = []
        for variant, heading in (
            ("searched", "Fit with x_min searched"),
            ("fixed", "Fit with the paper's fixed x_min"),
        ):
            part = pooled[pooled["variant"] == variant]
            part = part.assign(tail_share=part["n_tail"] / part["n"])
            panels = []
            for y, label, what, band, shown in (
                ("alpha", "exponent α (1)", "Exponent α ± σ", "sigma", False),
                ("ks_distance", "KS distance (1)", "KS distance D", None, False),
                ("tail_share", "neurons in the tail (%)", "Neurons with k ≥ x_min", None, True),
            ):
                figure = timeline.draw(
                    part, y=y, ylabel=label, title=what, band=band, runs=context.labels,
                    percent=shown,
                )  # fmt: skip
                panels.append(
                    context.still(figure, timeline.describe(part, y=y, what=what, percent=shown))
                )
            x_mins = sorted(set(part.loc[part["reason"] == "", "x_min"]))
            where = (
                "no fit exists"
                if not x_mins
                else f"x_min = {x_mins[0]}"
                if len(x_mins) == 1
                else f"x_min from {x_mins[0]} to {x_mins[-1]}"
            )
            groups.append(
                FigureGroup(heading, f"All hidden neurons pooled, total degree; {where}.",
                            tuple(panels))
            )  # fmt: skip
        groups.append(self._last(context, pooled))
        notes = [
            "A fit exists for any data. It says how steep a power law would be, not that there is "
            "one. A p-value at or below 0.1 rejects it (Clauset, Shalizi and Newman); a high one "
            "in a tail of few neurons says little.",
        ]
        return Content(self._finding(pooled), groups, facts=self._facts(fits), notes=notes)

    @staticmethod
    def _last(context: Context, pooled: pd.DataFrame) -> FigureGroup:
        distribution = context.table("degree_distribution")
        colours = run_colours(context.labels)
        panels = []
        for view in context.views:
            step = int(view.run.steps[-1])
            hidden = [layer.name for layer in view.run.layers[:-1]]
            part = distribution[
                (distribution["run"] == view.label)
                & (distribution["step"] == step)
                & (distribution["direction"] == "total")
                & distribution["layer"].isin(hidden)
            ]
            counts = part.groupby("degree")["count"].sum().sort_index()
            ccdf = counts[::-1].cumsum()[::-1] / max(int(counts.sum()), 1)
            data = pd.DataFrame({"degree": counts.index, "ccdf": ccdf.to_numpy()})
            laws = pooled[(pooled["run"] == view.label) & (pooled["step"] == step)]
            figure = tail.draw(
                data, fits=laws, title=f"{view.label}, step {step}", colour=colours[view.label]
            )
            panels.append(context.still(figure, tail.describe(laws, run=view.label)))
        return FigureGroup(
            "The last snapshot and its fits",
            "All hidden neurons pooled. A fitted line that leaves the steps is a law that does not "
            "hold there.",
            tuple(panels),
        )

    @staticmethod
    def _facts(fits: pd.DataFrame) -> pd.DataFrame:
        last = fits[fits["step"] == fits.groupby("run")["step"].transform("max")]
        return pd.DataFrame(
            {
                "run": last["run"],
                "neurons": last["layer"],
                "x_min": [f"{v} {x}" if not r else f"{v}" for v, x, r in
                          zip(last["variant"], last["x_min"], last["reason"], strict=True)],
                "α": [f"{a:.2f} ± {s:.2f}" if np.isfinite(a) else "no fit"
                      for a, s in zip(last["alpha"], last["sigma"], strict=True)],
                "tail": [f"{t} of {n}" for t, n in zip(last["n_tail"], last["n"], strict=True)],
                "p": [f"{p:.2f}" if np.isfinite(p) else "" for p in last["p_value"]],
                "KS D": [f"{d:.3f}" if np.isfinite(d) else "" for d in last["ks_distance"]],
                "remark": last["reason"],
            }
        )  # fmt: skip

    @staticmethod
    def _finding(pooled: pd.DataFrame) -> str:
        parts = []
        searched = pooled[pooled["variant"] == "searched"]
        for run, line in searched.groupby("run", sort=False):
            end = line.iloc[-1]
            if end["reason"]:
                parts.append(f"at its end {run} has no fit ({end['reason']})")
            else:
                parts.append(
                    f"the best tail of {run} at the end has α = {end['alpha']:.2f} above degree "
                    f"{end['x_min']}, with {end['n_tail']} of {end['n']} hidden neurons in it and "
                    f"KS distance {end['ks_distance']:.3f}"
                    + (f" (p = {end['p_value']:.2f})" if np.isfinite(end["p_value"]) else "")
                )
        return sentence(parts)
