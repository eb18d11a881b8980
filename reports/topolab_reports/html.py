"""The report: sections put together on one self-contained page."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt

from topolab.api import analyse
from topolab.errors import ConfigError, RunError, TopolabError
from topolab.registry import find, names
from topolab.run import Run
from topolab.store.files import replace_file
from topolab_reports.sections.base import Content, Context, Moment, RunView, Section

__all__ = ["build_report"]

TEMPLATES = Path(__file__).parent / "templates"
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Drawn:
    """A section as the page shows it: its content, or why there is none."""

    name: str
    title: str
    content: Content | None
    error: str = ""


def build_report(
    runs: Sequence[Run],
    out: str | Path,
    *,
    title: str | None = None,
    max_frames: int = 24,
    workers: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Write one HTML file about one or several runs, side by side.

    Parameters
    ----------
    runs : sequence of Run
        With the same layer names, for their figures to stand beside each other.
    out : path
        The file to write; replaced atomically.
    title : str, optional
    max_frames : int
        Moments of the time control, evenly chosen; the first and the last are always there.
    workers : int
        Processes for analyses that are not cached yet.
    progress : callable, optional
        Called with (parts done, parts in all, what is being done).

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
    empty = [run for run in runs if not len(run)]
    full = [run for run in runs if len(run)]
    sections = _sections()
    needed = sorted({need for section, _ in sections if section for need in section.needs})
    tick = _counter(progress, len(full) * len(needed) + len(sections) + 1)
    views, missing = [], {}
    for label, run in zip(_labels(full), full, strict=True):
        results = {}
        for name in needed:
            tick(f"{label}: {name}")
            try:
                results |= analyse(run, [name], workers=workers)
            except TopolabError as error:
                missing[name] = f"{label}: {error}"
        views.append(RunView(run, label, results))
    moments = _moments([view.run for view in views], max_frames) if views else ()
    context = Context(tuple(views), moments)
    drawn = []
    for section, failed in sections:
        tick(failed.title if section is None else section.title)
        drawn.append(failed if section is None else _draw(section, context, missing))
    tick("writing")
    page = _render(drawn, context, empty, title or _default_title(views), list(runs), out)
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


def _sections() -> list[tuple[Section | None, Drawn]]:
    """Every registered section in order; one that cannot be imported becomes an error box."""
    found: list[tuple[int, Section | None, Drawn]] = []
    for name in names("sections"):
        try:
            section = find("sections", name)()
            found.append((int(section.order), section, Drawn(name, str(section.title), None)))
        except Exception as error:  # a stranger's section may fail in any way
            found.append((10_000, None, Drawn(name, name, None, str(error))))
    found.sort(key=lambda item: (item[0], item[2].name))
    return [(section, drawn) for _, section, drawn in found]


def _draw(section: Section, context: Context, missing: dict[str, str]) -> Drawn:
    name = section.name
    lacking = [missing[need] for need in section.needs if need in missing]
    if lacking:
        return Drawn(name, section.title, None, "; ".join(lacking))
    if not context.views:
        return Drawn(name, section.title, None, "no run has a snapshot")
    try:
        return Drawn(name, section.title, section.build(context))
    except Exception as error:  # one section that fails must not cost the page
        return Drawn(name, section.title, None, f"{type(error).__name__}: {error}")


def _labels(runs: Sequence[Run]) -> list[str]:
    """The folders' names, with as much of their parents as it takes to tell them apart."""
    depth = 1
    while True:
        labels = ["/".join(run.path.resolve().parts[-depth:]) for run in runs]
        if len(set(labels)) == len(labels):
            return labels
        depth += 1


def _moments(runs: Sequence[Run], most: int) -> tuple[Moment, ...]:
    """Evenly spaced snapshots of the longest run, the others at the same share of training.

    A run is shown at its last snapshot at or before that moment.
    """
    longest = max(runs, key=len)
    count = min(most, len(longest))
    chosen = np.unique(np.linspace(0, len(longest) - 1, count).round().astype(int))
    times = [_times(run) for run in runs]
    moments = []
    for time in _times(longest)[chosen]:
        indices = tuple(
            max(0, int(np.searchsorted(of_run, time + 1e-9, side="right")) - 1) for of_run in times
        )
        moments.append(Moment(indices))
    if len(moments) > 1:  # the end of one is the end of all, however long they are
        moments[-1] = Moment(tuple(len(run) - 1 for run in runs))
    return tuple(moments)


def _times(run: Run) -> npt.NDArray[np.float64]:
    epochs = run.epochs
    return epochs if np.isfinite(epochs).all() else run.steps.astype(np.float64)


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
    return environment.get_template("report.html.j2").render(
        title=title,
        css=css,
        script=script,
        css_hash=_hash(css),
        script_hash=_hash(script),
        sections=drawn,
        context=context,
        frames=_frames(context),
        cards=[_card(view) for view in context.views],
        empty=empty,
        provenance=[_provenance(run, out) for run in runs],
        longest=max((len(view.run) for view in context.views), default=0),
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _frames(context: Context) -> list[str]:
    """What the time control says at each moment, a line per run."""
    lines = []
    for moment in context.moments:
        parts = []
        for i, view in enumerate(context.views):
            snapshot = view.run[moment.indices[i]]
            text = f"{view.label}: step {snapshot.step:,}"
            if np.isfinite(snapshot.epoch):
                text += f", epoch {snapshot.epoch:.2f}"
            accuracy = snapshot.metrics.get("test_accuracy")
            if accuracy is not None:
                text += f", test accuracy {100 * accuracy:.1f} %"
            parts.append(text)
        lines.append(" · ".join(parts))
    return lines


def _card(view: RunView) -> dict[str, Any]:
    run = view.run
    last = run[-1]
    maskable = [layer for layer in run.layers if layer.maskable] or list(run.layers)
    size = sum(layer.size for layer in maskable)
    active = sum(last.nnz(layer.name) for layer in maskable)
    accuracy = last.metrics.get("test_accuracy")
    widths = [run.layers[0].n_in, *[layer.n_out for layer in run.layers]]
    facts = [
        ("test accuracy", "not recorded" if accuracy is None else f"{100 * accuracy:.2f} %"),
        ("sparsity", f"{100 * (1 - active / size):.2f} %"),
        ("active weights", f"{active:,} of {size:,}"),
        ("network", "-".join(map(str, widths))),
        ("snapshots", f"{len(run)}, steps {run.steps[0]} to {run.steps[-1]:,}"),
        ("seed", "not given" if run.seed is None else str(run.seed)),
    ]
    method = run.config.get("method", "unknown method")
    return {
        "label": view.label,
        "what": f"{method} on {run.data.get('name', 'unknown data')}",
        "state": run.state,
        "facts": facts,
    }


def _provenance(run: Run, out: Path) -> dict[str, Any]:
    manifest = run.manifest
    try:
        folder = Path(os.path.relpath(run.path.resolve(), out.resolve().parent)).as_posix()
    except ValueError:  # another drive
        folder = run.path.as_posix()
    tables = sorted(path.name for path in run.tables_folder.glob("*.parquet"))
    return {
        "name": run.name,
        "state": run.state,
        "failure": run.failure,
        "folder": folder,
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
