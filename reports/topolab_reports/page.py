"""The page as text: the template with style, script and data, and the policy that fits them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from topolab.run import Run
from topolab_reports.report_data import ReportData
from topolab_reports.run_cards import cards, moment_lines, provenance
from topolab_reports.views import SectionView

__all__ = ["render_page"]

TEMPLATES = Path(__file__).parent / "templates"


def render_page(
    sections: Sequence[SectionView],
    data: ReportData,
    runs: Sequence[Run],
    *,
    title: str,
    out: Path,
    live: str = "",
) -> str:
    """The whole page.

    Parameters
    ----------
    sections : sequence of SectionView
    data : ReportData
        Of the runs that have snapshots.
    runs : sequence of Run
        All of them.
    title : str
    out : Path
        Where the page will be: links to tables lead from there.
    live : str
        Which state of the runs it shows, for a page that is renewed.
    """
    css = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    numbers, panels = _number_panels(sections)
    return environment.get_template("report.html.j2").render(
        title=title,
        css=css,
        script=script,
        css_hash=_hash(css),
        script_hash=_hash(script),
        script_data=_to_json({"panels": panels, "colours": _colour_map()}),
        number=lambda panel: numbers[id(panel)],
        has=lambda panel: panels[numbers[id(panel)]] is not None,
        sections=sections,
        data=data,
        frames=moment_lines(data),
        cards=cards(data),
        empty=[run for run in runs if not len(run)],
        provenance=[provenance(run, out) for run in runs],
        longest=_snapshots_of_guide(data),
        live=live,
    )


def _number_panels(
    sections: Sequence[SectionView],
) -> tuple[dict[int, int], list[dict[str, Any] | None]]:
    """The number of each panel, and what the script is told of it; None if nothing."""
    numbers: dict[int, int] = {}
    panels: list[dict[str, Any] | None] = []
    for section in sections:
        for figure in section.figures:
            for panel in figure.panels:
                numbers[id(panel)] = len(panels)
                panels.append({"w": panel.width, "h": panel.height, "alts": panel.alts,
                               "frames": panel.frames or None, **(panel.script or {}),
                               "moving": panel.moving, "whole": bool(panel.frames)}
                              if panel.script or panel.moving else None)  # fmt: skip
    for item in panels:
        if item is not None and not item["whole"] and "marks" not in item:
            item.pop("frames")
    return numbers, panels


def _to_json(value: Any) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _colour_map() -> str:
    """The colour map of every image, 256 colours of three bytes."""
    from matplotlib import colormaps

    table = colormaps["viridis"](np.arange(256), bytes=True)[:, :3]
    return base64.b64encode(np.ascontiguousarray(table).tobytes()).decode()


def _snapshots_of_guide(data: ReportData) -> int:
    """Snapshots of the run that the moments were chosen from."""
    if not data.views:
        return 0
    runs = [view.run for view in data.views]
    last = [run.epochs[-1] if data.epochs else run.steps[-1] for run in runs]
    return max((float(end), len(run)) for end, run in zip(last, runs, strict=True))[1]


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
