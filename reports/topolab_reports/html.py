"""The report: sections put together on one self-contained page."""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from topolab.analysis import Result
from topolab.api import analyse
from topolab.errors import ConfigError, RunError, TopolabError
from topolab.registry import find, names
from topolab.run import Run
from topolab.store.files import replace_file
from topolab_reports.context import Context, RunView, moments_of, view_runs
from topolab_reports.downloads import Download, downloads
from topolab_reports.figures.base import Figure
from topolab_reports.panels import Shown, show
from topolab_reports.sections.base import Content, Section, over_seeds

__all__ = ["build_report"]

TEMPLATES = Path(__file__).parent / "templates"
Progress = Callable[[int, int, str], None]
Tables = Callable[[Run, str], Mapping[str, Result]]


@dataclass(frozen=True)
class DrawnFigure:
    """A figure as the page shows it, or why it is not there."""

    name: str
    title: str
    caption: str = ""
    source: str = ""
    panels: tuple[Shown, ...] = ()
    downloads: tuple[Download, ...] = ()
    rows: int = 0
    command: str = ""
    code: str = ""
    error: str = ""


@dataclass(frozen=True)
class Drawn:
    """A section as the page shows it: its content, or why there is none."""

    name: str
    title: str
    content: Content | None
    figures: tuple[DrawnFigure, ...] = ()
    error: str = ""


def build_report(
    runs: Sequence[Run],
    out: str | Path,
    *,
    title: str | None = None,
    max_frames: int = 24,
    workers: int = 1,
    progress: Progress | None = None,
    only: Sequence[str] | None = None,
    live: str = "",
    tables: Tables | None = None,
) -> Path:
    """Write one HTML file about one or several runs, side by side.

    Parameters
    ----------
    runs : sequence of Run
        With the same layer names, for their figures to stand beside each other. Runs that differ
        only by their seed are drawn as one line with a band.
    out : path
        The file to write; replaced atomically.
    title : str, optional
    max_frames : int
        Moments of the time control, evenly chosen; the first and the last are always there.
    workers : int
        Processes for analyses that are not cached yet.
    progress : callable, optional
        Called with (parts done, parts in all, what is being done).
    only : sequence of str, optional
        Names of the sections to show; by default all.
    live : str
        Of which state of the runs the page tells. With one, it asks the server it came from
        whether there is a newer one, see ``topolab watch``; without one, it asks nobody anything.
    tables : callable, optional
        Given a run and the name of an analysis, its results by name; by default `topolab.analyse`,
        which keeps them in the run's folder.

    Returns
    -------
    Path

    Raises
    ------
    ConfigError
        If there is no run, or one is named twice.
    RunError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> page = build_report([getfixture("example_run")], tempfile.mkdtemp() + "/r.html")
    >>> "Degree evolution" in page.read_text(encoding="utf-8")
    True
    """
    out = Path(out)
    if not runs:
        raise ConfigError("a report needs at least one run")
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise ConfigError("a run was given twice; a report shows each once")
    if max_frames < 1:
        raise ConfigError(f"a report needs at least one frame, not {max_frames}")
    empty = [run for run in runs if not len(run)]
    full = [run for run in runs if len(run)]
    sections = _sections(full, only)
    figures = {name: _figure(name) for section, _ in sections if section
               for name in section.figures}  # fmt: skip
    needed = sorted(_needs(sections, figures))
    tick = _counter(progress, len(full) * len(needed) + len(sections) + len(figures) + 1)
    get = tables or (lambda run, name: analyse(run, [name], workers=workers))
    views, missing = [], {}
    for view in view_runs(full) if full else []:
        for name in needed:
            tick(f"{view.label}: {name}")
            try:
                view.results.update(get(view.run, name))
            except TopolabError as error:
                missing[name] = f"{view.label}: {error}"
        views.append(view)
    moments = moments_of([view.run for view in views], max_frames) if views else ()
    context = Context(tuple(views), moments)
    drawn = []
    for section, failed in sections:
        tick(failed.title if section is None else section.title)
        drawn.append(
            failed if section is None else _draw(section, context, figures, missing, tick, out)
        )
    tick("writing")
    page = _render(drawn, context, empty, title or _default_title(views), list(runs), out, live)
    try:
        replace_file(out, page.encode())
    except RunError as error:
        raise RunError(f"{out}: the report could not be written ({error})") from error
    return out


def _counter(progress: Progress | None, total: int) -> Callable[[str], None]:
    done = -1

    def tick(what: str) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(min(done, total), total, what)

    return tick


def _sections(
    runs: Sequence[Run], only: Sequence[str] | None
) -> list[tuple[Section | None, Drawn]]:
    """Every registered section in order; one that cannot be imported becomes an error box."""
    found: list[tuple[int, Section | None, Drawn]] = []
    known = names("sections")
    unknown = sorted(set(only or ()) - set(known))
    if unknown:
        raise ConfigError(f"unknown section {unknown[0]!r}; there is {', '.join(known)}")
    for name in known:
        if only is not None and name not in only:
            continue
        try:
            section = find("sections", name)()
            if section.optional and only is None and not _computed(section, runs):
                continue
            found.append((int(section.order), section, Drawn(name, str(section.title), None)))
        except Exception as error:  # a stranger's section may fail in any way
            found.append((10_000, None, Drawn(name, name, None, error=str(error))))
    found.sort(key=lambda item: (item[0], item[2].name))
    return [(section, drawn) for _, section, drawn in found]


def _computed(section: Section, runs: Sequence[Run]) -> bool:
    """Whether every run has the tables of every analysis that a section needs."""
    return bool(runs) and all(
        (run.tables_folder / f"{need}.parquet").exists() for run in runs for need in section.needs
    )


def _figure(name: str) -> Figure | DrawnFigure:
    """A registered figure, or what stands in its place."""
    try:
        figure = find("figures", name)()
        assert isinstance(figure, Figure), f"{type(figure).__name__} is no Figure"
        return figure
    except Exception as error:  # a stranger's figure may fail in any way
        return DrawnFigure(name, name, error=str(error))


def _needs(
    sections: Sequence[tuple[Section | None, Drawn]], figures: dict[str, Figure | DrawnFigure]
) -> set[str]:
    needed = {need for section, _ in sections if section for need in section.needs}
    for figure in figures.values():
        if isinstance(figure, Figure):
            needed |= set(figure.needs)
    return needed & set(names("analyses"))


def _draw(
    section: Section,
    context: Context,
    figures: dict[str, Figure | DrawnFigure],
    missing: dict[str, str],
    tick: Callable[[str], None],
    out: Path,
) -> Drawn:
    name = section.name
    lacking = [missing[need] for need in section.needs if need in missing]
    if lacking:
        return Drawn(name, section.title, None, error="; ".join(lacking))
    if not context.views:
        return Drawn(name, section.title, None, error="no run has a snapshot")
    try:
        content = section.build(context)
    except Exception as error:  # one section that fails must not cost the page
        return Drawn(name, section.title, None, error=f"{type(error).__name__}: {error}")
    drawn = []
    for wanted in content.figures:
        figure = figures.get(wanted) or _figure(wanted) if isinstance(wanted, str) else wanted
        tick(figure.title)
        made = _draw_figure(figure, context, missing, out)
        if made.panels or made.error or made.caption != figure.caption:
            drawn.append(made)
    return Drawn(name, section.title, content, tuple(drawn))


def _draw_figure(
    figure: Figure | DrawnFigure, context: Context, missing: dict[str, str], out: Path
) -> DrawnFigure:
    if isinstance(figure, DrawnFigure):
        return figure
    lacking = [missing[need] for need in figure.needs if need in missing]
    if lacking:
        return DrawnFigure(figure.name, figure.title, error="; ".join(lacking))
    try:
        table = figure.table(context)
        few, chosen = figure.few(table)
        caption = " ".join(part for part in (figure.says(table), chosen) if part)
        panels = tuple(show(panel, context) for panel in figure.panels(few, context.labels))
        runs = " ".join(shlex.quote(_folder(view.run, out)) for view in context.views)
        return DrawnFigure(
            figure.name,
            figure.title,
            caption,
            figure.source,
            panels,
            tuple(downloads(table, figure.name)),
            len(table),
            f"topolab figure {figure.name} {runs} --out {figure.name}.pdf",
            _source(figure),
        )
    except Exception as error:  # one figure that fails must not cost its section
        return DrawnFigure(figure.name, figure.title, error=f"{type(error).__name__}: {error}")


def _source(figure: Figure) -> str:
    """The file that draws it, as a data address; empty where it cannot be read."""
    try:
        path = inspect.getsourcefile(type(figure))
        text = Path(path).read_bytes() if path else b""
    except (OSError, TypeError):
        text = b""
    return "data:text/plain;base64," + base64.b64encode(text).decode() if text else ""


def _default_title(views: Sequence[RunView]) -> str:
    methods = [str(view.run.config.get("method", view.label)) for view in views]
    data = sorted({str(view.run.data["name"]) for view in views if "name" in view.run.data})
    text = " and ".join(dict.fromkeys(methods)) or "no snapshots"
    return f"topolab report: {text}" + (f" on {', '.join(data)}" if data else "")


def _render(
    drawn: Sequence[Drawn],
    context: Context,
    empty: Sequence[Run],
    title: str,
    runs: Sequence[Run],
    out: Path,
    live: str,
) -> str:
    css = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    numbers: dict[int, int] = {}
    data = []
    for section in drawn:
        for figure in section.figures:
            for panel in figure.panels:
                numbers[id(panel)] = len(data)
                data.append({"w": panel.width, "h": panel.height, "alts": panel.alts,
                             "frames": panel.frames or None, **(panel.data or {}),
                             "moving": panel.moving, "whole": bool(panel.frames)}
                            if panel.data or panel.moving else None)  # fmt: skip
    for item in data:
        if item is not None and not item["whole"] and "marks" not in item:
            item.pop("frames")
    return environment.get_template("report.html.j2").render(
        title=title,
        css=css,
        script=script,
        css_hash=_hash(css),
        script_hash=_hash(script),
        data=_json({"panels": data, "colours": _colours()}),
        number=lambda panel: numbers[id(panel)],
        has=lambda panel: data[numbers[id(panel)]] is not None,
        sections=drawn,
        context=context,
        frames=_frames(context),
        cards=_cards(context),
        empty=empty,
        provenance=[_provenance(run, out) for run in runs],
        longest=_guide(context),
        live=live,
    )


def _json(value: Any) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _colours() -> str:
    """The colour map of every image, 256 colours of three bytes."""
    from matplotlib import colormaps

    table = colormaps["viridis"](np.arange(256), bytes=True)[:, :3]
    return base64.b64encode(np.ascontiguousarray(table).tobytes()).decode()


def _guide(context: Context) -> int:
    """Snapshots of the run that the moments were chosen from."""
    if not context.views:
        return 0
    runs = [view.run for view in context.views]
    last = [run.epochs[-1] if context.epochs else run.steps[-1] for run in runs]
    return max((float(end), len(run)) for end, run in zip(last, runs, strict=True))[1]


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _frames(context: Context) -> list[str]:
    """What the time control says at each moment, of each run that is pictured."""
    lines = []
    labels = [view.label for view in context.views]
    for moment in context.moments:
        parts = []
        for view in context.shown[:6]:
            snapshot = view.run[moment.indices[labels.index(view.label)]]
            text = f"{view.label}: step {snapshot.step:,}"
            if np.isfinite(snapshot.epoch):
                text += f", epoch {snapshot.epoch:.2f}"
            accuracy = snapshot.metrics.get("test_accuracy")
            if accuracy is not None and np.isfinite(accuracy):
                text += f", test accuracy {100 * accuracy:.1f} %"
            parts.append(text)
        lines.append(" · ".join(parts))
    return lines


def _cards(context: Context) -> list[dict[str, Any]]:
    """One for each run, or for each group of runs that differ by their seed."""
    cards = []
    for label in context.labels:
        views = [view for view in context.views if (view.group or view.label) == label]
        cards.append(_card(label, views))
    return cards


def _card(label: str, views: Sequence[RunView]) -> dict[str, Any]:
    run = views[0].run
    last = run[-1]
    maskable = [layer for layer in run.layers if layer.maskable] or list(run.layers)
    size = sum(layer.size for layer in maskable)
    active = sum(last.nnz(layer.name) for layer in maskable)
    ends = [view.run[-1].metrics.get("test_accuracy", float("nan")) for view in views]
    accuracy = over_seeds(ends, shares=True) if np.isfinite(ends).any() else "not recorded"
    widths = [run.layers[0].n_in, *[layer.n_out for layer in run.layers]]
    seeds = ", ".join("not given" if v.run.seed is None else str(v.run.seed) for v in views)
    facts = [
        ("test accuracy", accuracy),
        ("sparsity", f"{100 * (1 - active / size):.2f} %"),
        ("active weights", f"{active:,} of {size:,}"),
        ("network", "-".join(map(str, widths))),
        ("snapshots", _lengths(views)),
        ("seed" if len(views) == 1 else "seeds", seeds),
    ]
    method = run.config.get("method", "unknown method")
    data = run.data.get("name", "unknown data")
    unfinished = [view.run.state for view in views if view.run.state != "done"]
    return {
        "label": label,
        "what": f"{method} on {data}" if data != method else str(method),
        "state": unfinished[0] if unfinished else "done",
        "facts": facts,
    }


def _lengths(views: Sequence[RunView]) -> str:
    """Snapshots and steps, as ranges where the runs of a group differ."""
    counts = sorted({len(view.run) for view in views})
    ends = sorted({int(view.run.steps[-1]) for view in views})
    count = " to ".join(str(n) for n in dict.fromkeys([counts[0], counts[-1]]))
    first = min(int(view.run.steps[0]) for view in views)
    if len(ends) == 1:
        return f"{count}, steps {first} to {ends[0]:,}"
    return f"{count}, ending at steps {ends[0]:,} to {ends[-1]:,}"


def _folder(run: Run, out: Path) -> str:
    """Where a run is, seen from the page."""
    try:
        return Path(os.path.relpath(run.path.resolve(), out.resolve().parent)).as_posix()
    except ValueError:  # another drive
        return run.path.as_posix()


def _provenance(run: Run, out: Path) -> dict[str, Any]:
    manifest = run.manifest
    tables = sorted(path.name for path in run.tables_folder.glob("*.parquet"))
    return {
        "name": run.name,
        "state": run.state,
        "failure": run.failure,
        "folder": _folder(run, out),
        "tables": tables,
        "facts": [
            ("run id", manifest["run_id"]),
            ("created", manifest.get("created", "not recorded")),
            ("command", manifest.get("command", "not recorded")),
            ("seed", run.seed),
            ("data", json.dumps(run.data, sort_keys=True)),
            ("configuration", json.dumps(run.config, sort_keys=True)),
            ("versions", json.dumps(manifest.get("versions", {}), sort_keys=True)),
            ("platform", manifest.get("platform", "not recorded")),
            ("git revision", manifest.get("git_revision") or "not recorded"),
            ("format version", manifest["version"]),
        ],
    }
