"""Panels as the page shows them: a still background, marks that move, values under the pointer."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import cbook, colors
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from topolab_reports.figures.base import Panel
from topolab_reports.images import png, svg, to_address, to_png
from topolab_reports.report_data import ReportData
from topolab_reports.style import bare_axes, readings

__all__ = ["PanelView", "draw_panel"]

#: CSS pixels per inch of a figure.
PIXELS = 100
#: Points of a line that are codes for the pointer; a screen has not many more pixels.
POINTS = 400


@dataclass(frozen=True)
class PanelView:
    """What the template needs of a panel.

    Attributes
    ----------
    src : str
        Data address of the background, or of the whole picture.
    alts : tuple of str
        What is to be seen: one text, or one for each moment.
    width, height : int
        CSS pixels of the picture.
    paths, images : tuple of dict
        Attributes of the marks at the last moment, for a page without scripts.
    frames : tuple of str
        Data addresses of whole pictures, one a moment, where marks cannot be taken out.
    script : dict or None
        For the script: axes, values, and the marks of every moment.
    """

    src: str
    alts: tuple[str, ...]
    width: int
    height: int
    paths: tuple[dict[str, Any], ...] = ()
    images: tuple[dict[str, Any], ...] = ()
    frames: tuple[str, ...] = ()
    script: dict[str, Any] | None = None

    @property
    def moving(self) -> bool:
        """Whether the time control changes it."""
        return len(self.alts) > 1


def draw_panel(panel: Panel, data: ReportData) -> PanelView:
    """Draw a panel for the page."""
    if panel.run and len(data.moments) > 1:
        return _moving(panel, data)
    figure = panel.draw(panel.last)
    width, height = (round(PIXELS * side) for side in figure.get_size_inches())
    src = to_address(png(figure) if panel.raster else svg(figure))
    script = None if panel.raster else _axes(figure)
    if script is not None:
        ax = figure.axes[0]
        script["series"] = [_series(*one, script) for one in _values(ax)]
        image = _image(ax)
        if image is not None and ax.images[0].get_array() is not None:
            script["image"] = {**image[0], "frames": [image[1]], "still": True}
        cursor = _cursor(panel, data, ax)
        if cursor is not None:
            script["cursor"] = cursor
        if not script["series"] and image is None and cursor is None:
            script = None
        elif "image" in script and panel.cursor == "both":
            script["image"]["ticks"] = sorted(int(step) for step in panel.table["step_a"].unique())
    json.dumps(script, allow_nan=False)  # what no page can carry must not cost the page
    return PanelView(src, (panel.describe(panel.last),), width, height, script=script)


# -- panels that move ------------------------------------------------------------------------------


def _moving(panel: Panel, data: ReportData) -> PanelView:
    """A background without the marks, and the marks of every moment; else whole pictures."""
    steps = [data.step_of(moment, panel.run) for moment in data.moments]
    alts = {step: panel.describe(panel.at(step)) for step in set(steps)}
    figure = panel.draw(panel.at(steps[-1]))
    width, height = (round(PIXELS * side) for side in figure.get_size_inches())
    texts = tuple(alts[step] for step in steps)
    script = _axes(figure)
    marks = None
    if script is not None and not panel.raster:
        marks = _marks_at_steps(panel, steps, figure)
    if script is None or marks is None:
        pictures = {step: to_address(png(panel.draw(panel.at(step)))) for step in set(steps)}
        frames = tuple(pictures[step] for step in steps)
        return PanelView(frames[-1], texts, width, height, frames=frames)
    script |= marks
    json.dumps(script, allow_nan=False)
    ax = figure.axes[0]
    for artist in [*_lines(ax), *ax.images]:
        artist.set_visible(False)
    src = to_address(svg(figure))
    last = script["frames"][-1] if "frames" in script else []
    paths = tuple(
        {**mark, "d": _path(script, mark, of_mark)}
        for mark, of_mark in zip(script.get("marks", []), last, strict=True)
    )
    images: tuple[dict[str, Any], ...] = ()
    if "image" in script:
        pixels = panel.draw(panel.at(steps[-1]), ax=bare_axes(panel.size)).axes[0].images[0]
        images = ({"href": to_address(to_png(_image_pixels(pixels)))},)
    return PanelView(src, texts, width, height, paths=paths, images=images, script=script)


def _marks_at_steps(panel: Panel, steps: Sequence[int], figure: Figure) -> dict[str, Any] | None:
    """The marks of every moment; None where they are not only lines and one image."""
    first = figure.axes[0]
    if first.collections or first.patches or len(first.images) > 1:
        return None
    lines = _lines(first)
    names = [str(line.get_label()) for line in lines]
    if len(lines) != len(first.lines) or len(set(names)) < len(names):
        return None
    if any(name.startswith("_") for name in names) or not (names or first.images):
        return None
    axes_first = (first.get_xlim(), first.get_ylim(), sorted(t.get_text() for t in first.texts))
    frames: dict[int, list[list[list[float]]]] = {}
    images: dict[int, str] = {}
    meta: dict[str, Any] | None = None
    ax = bare_axes(panel.size)
    for step in dict.fromkeys(steps):
        _clear(ax)
        panel.draw(panel.at(step), ax=ax)
        lines_now = {str(line.get_label()): line for line in _lines(ax)}
        axes_now = (ax.get_xlim(), ax.get_ylim(), sorted(t.get_text() for t in ax.texts))
        strange = set(lines_now) - set(names) or ax.collections or ax.patches
        if axes_now != axes_first or strange or len(ax.images) != len(first.images):
            return None
        frames[step] = [_points(lines_now.get(name)) for name in names]
        if ax.images:
            image = _image(ax)
            if image is None or (meta is not None and meta["shape"] != image[0]["shape"]):
                return None
            meta, images[step] = image
    moving: dict[str, Any] = {}
    if names:
        moving["marks"] = [_line_style(line) for line in lines]
        moving["frames"] = [frames[step] for step in steps]
    if meta is not None:
        moving["image"] = {**meta, "frames": [images[step] for step in steps]}
    return moving


def _clear(ax: Axes) -> None:
    """Take the marks off; scales and limits stay, which a panel that moves sets itself."""
    for artist in [*ax.lines, *ax.images, *ax.texts, *ax.collections, *ax.patches]:
        artist.remove()
    legend = ax.get_legend()
    if legend is not None:
        legend.remove()


def _lines(ax: Axes) -> list[Line2D]:
    """Lines in data coordinates; not those that mark a level across the panel."""
    return [line for line in ax.lines if line.get_transform() == ax.transData]


def _points(line: Line2D | None) -> list[list[float]]:
    if line is None:
        return [[], []]
    x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
    keep = np.isfinite(x) & np.isfinite(y)
    return [_numbers(x[keep]), _numbers(y[keep])]


def _line_style(line: Line2D) -> dict[str, Any]:
    """How a line is drawn, as attributes of a path; `step` if as stairs."""
    width = line.get_linewidth() * PIXELS / 72
    dashes = getattr(line, "_unscaled_dash_pattern", (0, None))[1]
    style = {
        "name": str(line.get_label()),
        "stroke": colors.to_hex(line.get_color()),
        "width": round(width, 2),
        "step": str(line.get_drawstyle()).startswith("steps"),
    }
    if dashes:
        style["dash"] = " ".join(f"{d * width:.1f}" for d in dashes)
    return style


def _path(script: dict[str, Any], mark: dict[str, Any], points: list[list[float]]) -> str:
    """The path of a mark in CSS pixels; the script computes the same."""
    x, y = (np.array(values, float) for values in points)
    keep = np.ones(len(x), bool)
    for values, axis in ((x, script["x"]), (y, script["y"])):
        if axis["log"]:
            keep &= values > 0
    x, y = x[keep], y[keep]
    if not len(x):
        return ""
    single = len(x) == 1
    if mark["step"]:
        x, y = cbook.pts_to_prestep(x, y)
    left, top, width, height = script["box"]
    across = left + width * _position(x, script["x"])
    down = top + height * (1 - _position(y, script["y"]))
    if single:  # a line of one point: a dash where it is
        return f"M{across[0] - 3:.1f},{down[0]:.1f}L{across[0] + 3:.1f},{down[0]:.1f}"
    return "M" + "L".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, down, strict=True))


def _position(values: npt.NDArray[Any], axis: dict[str, Any]) -> npt.NDArray[Any]:
    low, high = axis["lim"]
    if axis["log"]:
        return np.asarray(np.log(values / low) / np.log(high / low))
    return np.asarray((values - low) / (high - low))


# -- what any panel can say under the pointer ------------------------------------------------------


def _axes(figure: Figure) -> dict[str, Any] | None:
    """Where the first axes lie in the picture, and their scales; None where that is not simple."""
    if not figure.axes or figure.get_layout_engine() is not None:
        return None
    ax = figure.axes[0]
    scales = (ax.get_xscale(), ax.get_yscale())
    if not ax.axison or any(scale not in ("linear", "log") for scale in scales):
        return None
    ax.apply_aspect()
    at = ax.get_position()
    width, height = (PIXELS * side for side in figure.get_size_inches())
    return {
        "box": [
            round(v, 2)
            for v in (at.x0 * width, (1 - at.y1) * height, at.width * width, at.height * height)
        ],
        "x": _axis(ax.get_xlim(), scales[0], ax.get_xlabel()),
        "y": _axis(ax.get_ylim(), scales[1], ax.get_ylabel()),
    }


def _axis(lim: tuple[float, float], scale: str, label: str) -> dict[str, Any]:
    return {"lim": [float(v) for v in lim], "log": scale == "log", "label": label}


def _values(ax: Axes) -> list[tuple[str, str, Any, Any]]:
    """Name, colour, x and y of everything that can be read off."""
    series = [
        (str(line.get_label()), colors.to_hex(line.get_color()), line.get_xdata(), line.get_ydata())
        for line in _lines(ax)
        if not str(line.get_label()).startswith("_")
    ]
    return series + [(name, "", x, y) for name, x, y in readings(ax)]


def _series(name: str, colour: str, x: Any, y: Any, script: dict[str, Any]) -> dict[str, Any]:
    x, y = np.asarray(x, float), np.asarray(y, float)
    keep = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if len(keep) > POINTS:
        keep = keep[np.unique(np.linspace(0, len(keep) - 1, POINTS).round().astype(int))]
    return {"n": name, "c": colour, "x": _numbers(x[keep]), "y": _numbers(y[keep])}


def _image(ax: Axes) -> tuple[dict[str, Any], str] | None:
    """The values of an image as whole numbers of a byte or two, and how to get them back."""
    if len(ax.images) != 1:
        return None
    image = ax.images[0]
    values: Any = np.ma.asarray(image.get_array())
    if values.ndim != 2 or image.get_cmap().name != "viridis":
        return None
    low, high = image.get_clim()
    integers = np.ma.filled(values, 0)
    if low == 0 and high < 65535 and np.array_equal(integers, np.round(integers)):
        scale = 1.0
    else:
        scale = (high - low) / 60000 if high > low else 1.0
    # 0 stands for a value that is missing.
    codes = np.clip(np.round((np.ma.filled(values, low) - low) / scale), 0, 65534) + 1
    codes[np.ma.getmaskarray(values)] = 0
    meta = {
        "shape": [int(n) for n in values.shape],
        "low": float(low),
        "high": float(high),
        "scale": float(scale),
        "up": image.origin == "lower",
    }
    return meta, base64.b64encode(codes.astype("<u2").tobytes()).decode()


def _image_pixels(image: Any) -> npt.NDArray[np.uint8]:
    """The pixels of an image, first row on top, shape (rows, columns, 4)."""
    values = np.ma.asarray(image.get_array())
    pixels = np.asarray(image.to_rgba(values, bytes=True))
    return pixels[::-1] if image.origin == "lower" else pixels


def _cursor(panel: Panel, data: ReportData, ax: Axes) -> list[list[float]] | None:
    """Where each moment is on the axes that are time."""
    if not panel.cursor or len(data.moments) < 2 or not len(panel.table):
        return None
    labels = [view.label for view in data.views]
    if panel.cursor == "both":
        place = labels.index(str(panel.table["run"].iloc[0]))
        return [[m.indices[place], m.indices[place]] for m in data.moments]
    times = [moment.time for moment in data.moments]
    if panel.table["run"].nunique() == 1:  # it may be recorded at other times, or end before others
        label = str(panel.table["run"].iloc[0])
        if label in labels:
            place = labels.index(label)
            run = data.views[place].run
            own = run.epochs if data.epochs else run.steps
            times = [float(own[moment.indices[place]]) for moment in data.moments]
    return [[float(f"{time:.6g}")] for time in times] if np.isfinite(times).all() else None


def _numbers(values: npt.NDArray[Any]) -> list[float]:
    """Five digits are more than a pointer can tell; whole numbers stay whole."""
    return [int(v) if v == int(v) and abs(v) < 1e9 else float(f"{v:.5g}") for v in values.tolist()]
