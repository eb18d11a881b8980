"""Figures as bytes that are the same every time, and as data addresses for the page."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import matplotlib as mpl
import numpy.typing as npt
from matplotlib.figure import Figure
from PIL import Image as Picture

from topolab_reports.style import settings

__all__ = ["png", "svg", "to_address", "to_png"]


def png(figure: Figure, *, dpi: int = 144, colours: int | None = 128) -> bytes:
    """A PNG; with a palette it is a third of the size.

    A palette is for lines. Where colours are values, as in a heatmap, it would merge some of
    them, so those are kept exactly: ``colours=None``.
    """
    raw = io.BytesIO()
    with settings():
        figure.savefig(raw, format="png", dpi=dpi, metadata={"Software": None})
    image = Picture.open(raw).convert("RGB")
    if colours is not None:
        image = image.quantize(
            colors=colours, method=Picture.Quantize.MEDIANCUT, dither=Picture.Dither.NONE
        )
    out = io.BytesIO()
    image.save(out, format="PNG", optimize=True)
    return out.getvalue()


def to_png(pixels: npt.NDArray[Any]) -> bytes:
    """Pixels of shape (rows, columns, 4) as a PNG, one for one."""
    out = io.BytesIO()
    Picture.fromarray(pixels, mode="RGBA").save(out, format="PNG", optimize=True)
    return out.getvalue()


def svg(figure: Figure) -> bytes:
    """An SVG without date and creator."""
    raw = io.BytesIO()
    # Letters stay letters: their outlines would be half of a page. A reader without this font sees
    # another, narrower one.
    with settings(), mpl.rc_context({"svg.fonttype": "none"}):
        figure.savefig(raw, format="svg", dpi=200, metadata={"Date": None, "Creator": None})
    # Two decimals of a point are finer than any screen; matplotlib writes six. Only the points of
    # lines are cut: a scale of 0.015625 must stay what it is.
    text = re.sub(
        rb' d="M[^"]*"',
        lambda path: re.sub(rb" ?\n", b"", re.sub(rb"(?<=\d\.\d\d)\d+", b"", path[0])),
        raw.getvalue().replace(b"\r\n", b"\n"),
    )
    # Comments, metadata and indentation are a quarter of the rest.
    text = re.sub(rb"<metadata>.*?</metadata>|<!--.*?-->", b"", text, flags=re.DOTALL)
    text = re.sub(
        rb' id="(?:figure|axes|patch|line2d|text|[xy]tick|matplotlib\.axis)_\d+"', b"", text
    )
    return re.sub(rb"\n\s*", b"\n", text)


def to_address(data: bytes) -> str:
    """A ``data:`` address for an image."""
    kind = "png" if data.startswith(b"\x89PNG") else "svg+xml"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
