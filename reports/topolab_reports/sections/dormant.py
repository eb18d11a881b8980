"""Neurons that take hardly any part."""

from __future__ import annotations

import pandas as pd

from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, join, sentences, spread

__all__ = ["DormantSection"]


class DormantSection(Section):
    """Dormant neurons, which have few edges; those on no path; silent ones.

    Dormant is one measure on the whole page: a total degree below the smallest threshold of the
    analysis, 10 unless told otherwise.
    """

    name = "dormant"
    title = "Dormant neurons"
    order = 50
    needs = ("dormant",)
    figures = ("nsh-fig9",)

    def build(self, data: ReportData) -> Content:
        """Hidden neurons with few edges or on no path; more measures per layer."""
        table = data.table("dormant")
        hidden = data.hidden_layers(table)
        threshold = _threshold(table)
        notes = [] if threshold is None else [_definition(threshold)]
        facts = self._facts(table, threshold)
        return Content(self._finding(hidden, threshold), self.figures, facts=facts, notes=notes)

    @staticmethod
    def _facts(table: pd.DataFrame, threshold: int | None) -> pd.DataFrame:
        names = {} if threshold is None else {f"below_{threshold}": f"below {threshold} edges"}
        names |= {"no_input": "no input", "no_output": "no output", "off_path": "on no path"}
        rows = []
        for (run, layer), part in table.groupby(["run", "layer"], sort=False):
            row = {"run": run, "layer": layer, "neurons": str(part["n_neurons"].iloc[0])}
            for measure, name in names.items():
                line = part[part["measure"] == measure]["count"]
                row[name] = "" if line.empty else f"{line.iloc[0]} → {line.iloc[-1]}"
            rows.append(row)
        return pd.DataFrame(rows)

    @staticmethod
    def _finding(hidden: pd.DataFrame, threshold: int | None) -> str:
        parts = []
        for group, part in hidden.groupby("group", sort=False):
            ends = part[part["step"] == part.groupby("run")["step"].transform("max")]
            one = ends[(ends["measure"] == "off_path") & (ends["run"] == ends["run"].iloc[0])]
            seeds = ends["run"].nunique()
            neurons = f"the {one['n_neurons'].sum():,} hidden neurons of {group}"
            neurons += f" (with {seeds} seeds)" if seeds > 1 else ""
            counts = []
            if threshold is not None:
                counts.append(
                    f"{_counts(part, f'below_{threshold}')} dormant (fewer than {threshold} edges)"
                )
            if part[part["measure"] == "off_path"]["count"].any():
                counts.append(f"{_counts(part, 'off_path')} on no path from input to output")
            else:
                counts.append("every one is on a path from input to output")
            parts.append(f"of {neurons}, {join(counts)}")
        if not parts:
            return "Nothing is known of dormant neurons in these runs."
        return sentences(parts)


def _definition(threshold: int) -> str:
    """What is called dormant, here and in the verdict."""
    return (
        f"Dormant means here: in a hidden layer, with fewer edges than {threshold}, in and out "
        "together (NSH's measure). The edges of every layer count, and a layer that stays dense "
        "gives each of its neurons edges that no update can take. In the verdict on neural "
        "selection only the edges of layers whose masks change count, and it looks at the poorest "
        "quarter of the neurons alone."
    )


def _counts(part: pd.DataFrame, measure: str) -> str:
    """How many at the end and at the start, with its verb: over seeds from the fewest to the most.

    Examples
    --------
    >>> rows = [("a", 0, "off_path", 2), ("a", 9, "off_path", 1), ("b", 0, "off_path", 2),
    ...         ("b", 9, "off_path", 4)]
    >>> table = pd.DataFrame(rows, columns=["run", "step", "measure", "count"])
    >>> _counts(table, "off_path"), _counts(table[table["run"] == "a"], "off_path")
    ('1 to 4 (2 at the start) are', '1 (2 at the start) is')
    >>> _counts(table.assign(count=0), "off_path")
    'none is'
    """
    counted = part[part["measure"] == measure].groupby(["run", "step"])["count"].sum()
    by_run = counted.groupby("run")
    start, end = spread(by_run.first(), 0), spread(by_run.last(), 0)
    if start == end == "0":
        return "none is"
    return f"{end} ({start} at the start) {'is' if end == '1' else 'are'}"


def _threshold(table: pd.DataFrame) -> int | None:
    """The smallest number of edges below which neurons were counted; None if there is none."""
    found = [
        int(measure.removeprefix("below_"))
        for measure in table.get("measure", pd.Series(dtype=str)).unique()
        if measure.startswith("below_")
    ]
    return min(found, default=None)
