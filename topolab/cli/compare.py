"""``topolab compare``: means over seeds, and whether methods differ."""

from __future__ import annotations

import math
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import typer

from topolab.cli.analyse import parse_parameters
from topolab.cli.common import AsJson, Quiet, complete, emit_json, names_of, note, table

__all__ = ["compare"]


def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="Runs, or folders of runs.", show_default=False)
    ],
    by: Annotated[
        str | None,
        typer.Option(
            help="Settings that make the groups, separated by commas (default: all that differ)."
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            help="Analyses to compare, separated by commas (default: all that can be).",
            autocompletion=complete("analyses"),
        ),
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "-p", "--parameter", help="ANALYSIS.NAME=VALUE; can be repeated.", show_default=False
        ),
    ] = None,
    measures: Annotated[
        str | None,
        typer.Option(
            help="Which measures to print: patterns, separated by semicolons (default: accuracy, "
            "and what the analyses name)."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for all tables, as Parquet and CSV.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    cache: Annotated[
        bool, typer.Option(" /--no-cache", help="Compute again, and keep nothing.")
    ] = True,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Compare groups of runs that differ only by seed: means, intervals, paired tests, verdicts."""
    keys = names_of(by, "by", "setting")
    named = names_of(only, "only", "analysis")
    given = parse_parameters(parameters or [])
    from topolab.comparison import compare as compare_runs

    compared = compare_runs(
        runs, keys, only=named, parameters=given, workers=workers, cache=cache,
        progress=False if quiet or as_json else None,
    )  # fmt: skip
    saved = compared.save(out) if out is not None else []
    if as_json:
        emit_json(
            {
                "by": compared.by,
                "groups": compared.groups.to_dict("records"),
                "pairs": compared.pairs.to_dict("records"),
                "differs": compared.differs,
                "updates": compared.updates,
                **{k: v.to_dict("records") for k, v in compared.across.items()},
                **{f"{k}_pooled": v.to_dict("records") for k, v in compared.pooled.items()},
                "saved": [str(path) for path in saved],
            }
        )
        return
    patterns = list(compared.highlights)
    if measures is not None:
        patterns = [p.strip() for p in measures.split(";") if p.strip()]

    def asked_for(measure: str) -> bool:
        return any(_matches(measure, pattern) for pattern in patterns)

    groups: list[Any] = [r for r in compared.groups.itertuples() if asked_for(str(r.measure))]
    pairs: list[Any] = [r for r in compared.pairs.itertuples() if asked_for(str(r.measure))]
    table(
        ("measure", "group", "n", "mean", "95 % interval"),
        [
            (row.measure, row.group, str(row.n), _number(row.mean),
             f"{_number(row.low)} to {_number(row.high)}" if not row.reason else row.reason)
            for row in groups
        ],
        title=f"Means over seeds, by {', '.join(compared.by) or 'nothing'}",
    )  # fmt: skip
    table(
        ("measure", "groups", "n", "difference", "d", "p", "p (Holm)"),
        [
            (row.measure, f"{row.a} - {row.b}", str(row.n), _number(row.difference),
             _number(row.cohen_d), _number(row.p_value) if not row.reason else row.reason,
             _number(row.p_holm))
            for row in pairs
        ],
        title="Paired by seed: Wilcoxon's signed-rank test",
    )  # fmt: skip
    for name, found in compared.pooled.items():
        _verdicts(name, found, compared.verdicts.get(name, ()))
        for said in compared.statements.get(name, ()):
            note(said, quiet=False)
    _differences(compared)
    _remarks(compared, len(groups), quiet=quiet)
    if saved:
        note(f"All tables are in {out}.", quiet=quiet)


def _verdicts(name: str, found: Any, words: tuple[str, ...]) -> None:
    """The verdict of each group and layer from its runs together, and how often each was given."""
    if not words:
        return
    rows = [
        (str(row["group"]), str(row["layer"]), str(row["runs"]),
         *(str(row[word]) for word in words), str(row["tally"]))
        for _, row in found.iterrows()
    ]  # fmt: skip
    table(
        ("group", "layer", "runs", *words, "one by one"), rows,
        title=f"{name}: verdicts from all runs of a group together",
    )  # fmt: skip


def _differences(compared: Any) -> None:
    """What else the groups differ in: each value of each setting, and the groups that have it."""
    rows = []
    for setting, values in compared.differs.items():
        for value in dict.fromkeys(values.values()):
            having = [group for group, of_group in values.items() if of_group == value]
            rows.append((setting, value, "; ".join(having)))
    if rows or _unequal(compared.updates):
        for counts in dict.fromkeys(compared.updates.values()):
            having = [group for group, found in compared.updates.items() if found == counts]
            rows.append(("updates of the masks", _updates(counts), "; ".join(having)))
    if rows:
        table(("setting", "value", "groups"), rows, title="What else differs between the groups")


def _unequal(updates: dict[str, tuple[int, int]]) -> bool:
    return len({*updates.values()}) > 1


def _updates(counts: tuple[int, int]) -> str:
    fewest, most = counts
    return str(fewest) if fewest == most else f"{fewest} to {most}"


def _remarks(compared: Any, printed: int, *, quiet: bool) -> None:
    least = compared.pairs["p_least"].dropna()
    if len(least) and least.min() > 0.05:
        note(
            f"With {int(compared.pairs['n'].max())} seeds no signed-rank test can give less than "
            f"p = {least.min():g}; six seeds are the fewest that can reach 0.05.",
            quiet=quiet,
        )
    if compared.differs:
        note(
            f"The groups differ also in {', '.join(compared.differs)}: what differs between them "
            "may come from any of these.",
            quiet=quiet,
        )
    if _unequal(compared.updates):
        counts = [f"{_updates(c)} in {group}" for group, c in compared.updates.items()]
        note(
            f"The masks were not updated equally often: {', '.join(counts)}. What changes with "
            "every update may differ for that alone; give the trainings the same schedule.",
            quiet=quiet,
        )
    hidden = len(compared.groups) - printed
    if hidden:
        note(f"{hidden} more means are not printed: --measures '*', or --out FOLDER.", quiet=quiet)


def _matches(measure: str, pattern: str) -> bool:
    # Square brackets are part of the names here, not of the patterns.
    return fnmatchcase(measure, pattern.replace("[", "[[]"))


def _number(value: float) -> str:
    return "-" if not math.isfinite(value) else f"{value:.4g}"
