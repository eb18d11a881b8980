"""What figures share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd

from topolab_reports.figures.base import Draw, Panel
from topolab_reports.plots import timeline
from topolab_reports.report_data import ReportData

__all__ = ["bind", "metrics_table", "per_layer", "rows_at_end", "time_panel", "total_degrees"]


def bind(draw: Callable[..., Any], **options: Any) -> Draw:
    """A drawing function with its options set."""

    def draw_table(table: pd.DataFrame, *, ax: Any = None) -> Any:
        return draw(table, ax=ax, **options)

    return draw_table


def time_panel(
    table: pd.DataFrame, *, y: str, ylabel: str, what: str, title: str = "", **options: Any
) -> Panel:
    """A panel of a measure through time."""
    shared = {k: options[k] for k in ("percent", "series") if k in options}
    return Panel(
        table,
        bind(timeline.draw, y=y, ylabel=ylabel, title=title or what, **options),
        lambda part: timeline.describe(part, y=y, what=what, **shared),
        cursor="x",
    )


def per_layer(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The layers of a table in order, each with its rows."""
    for layer, part in table.groupby("layer", sort=False):
        yield str(layer), part


def metrics_table(data: ReportData) -> pd.DataFrame:
    """What was measured at each snapshot: columns run, group, step, epoch and the metrics."""
    rows: list[dict[str, Any]] = []
    epochs = data.epochs
    for view in data.views:
        for snapshot in view.run:
            when = {"run": view.label, "group": view.group or view.label}
            epoch = snapshot.epoch if epochs else float("nan")
            rows.append({**when, "step": snapshot.step, "epoch": epoch,
                         **snapshot.metrics})  # fmt: skip
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["run", "group", "step", "epoch"])


def rows_at_end(data: ReportData, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of each run at the last moment."""
    last = {view.label: data.last_step(view.label) for view in data.views}
    return table[table["step"] == table["run"].map(last)]


def total_degrees(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of total degrees, where a table has those of each end too."""
    total = table["end"] == "total" if "end" in table else pd.Series(False, index=table.index)
    return table[total] if total.any() else table


def columns(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """These columns, those that are missing left out."""
    return table[[name for name in names if name in table]]
