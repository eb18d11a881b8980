"""What a section of the report is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from topolab.analysis import Result
from topolab.run import Run
from topolab_reports.images import png, svg, to_address

__all__ = ["Content", "Context", "FigureGroup", "Image", "Moment", "Panel", "RunView", "Section"]


@dataclass(frozen=True)
class Image:
    """One picture: its data address and the text for those who do not see it."""

    src: str
    alt: str


@dataclass(frozen=True)
class Panel:
    """A place on the page: one picture, or one for every moment of the time control."""

    images: tuple[Image, ...]
    moving: bool = False


@dataclass(frozen=True)
class FigureGroup:
    """Panels that belong together, with a heading and a caption."""

    heading: str
    caption: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Content:
    """What a section says.

    Attributes
    ----------
    finding : str
        One sentence, made from the numbers.
    groups : sequence of FigureGroup
    facts : DataFrame or None
        A small table of strings, for what is better read than seen.
    notes : sequence of str
    """

    finding: str
    groups: Sequence[FigureGroup] = ()
    facts: pd.DataFrame | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class RunView:
    """A run on the page: under a label that no other run has."""

    run: Run
    label: str
    results: dict[str, Result] = field(default_factory=dict)


@dataclass(frozen=True)
class Moment:
    """One position of the time control: for each run a snapshot, or None before its first."""

    indices: tuple[int, ...]


@dataclass(frozen=True)
class Context:
    """What every section is given.

    Attributes
    ----------
    views : sequence of RunView
    moments : sequence of Moment
    """

    views: tuple[RunView, ...]
    moments: tuple[Moment, ...]

    @property
    def labels(self) -> list[str]:
        """The runs' labels, in order."""
        return [view.label for view in self.views]

    def table(self, name: str) -> pd.DataFrame:
        """A table of all runs below each other, with a column run of their labels."""
        parts = []
        for view in self.views:
            for result in view.results.values():
                if name in result.tables:
                    parts.append(result.tables[name].assign(run=view.label))
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"run": []})

    def step_of(self, moment: Moment, position: int) -> int:
        """The step that a run shows at a moment."""
        return int(self.views[position].run.steps[moment.indices[position]])

    def still(self, figure: Figure, alt: str) -> Panel:
        """A panel that does not change, sharp at any size."""
        return Panel((Image(to_address(svg(figure)), alt),))

    def picture(self, figure: Figure, alt: str) -> Panel:
        """A panel that does not change, of pixels: for matrices."""
        return Panel((Image(to_address(png(figure, colours=None)), alt),))

    def moving(
        self,
        position: int,
        draw: Callable[[int], tuple[Figure, str]],
        *,
        colours: int | None = 128,
    ) -> Panel:
        """A panel with a picture per moment; `draw` is called once for each step shown.

        Parameters
        ----------
        position : int
            Which run.
        draw : callable
            Given a step, the figure and its alternative text.
        colours : int or None
            None keeps every colour: for figures whose colours are values.
        """
        made: dict[int, Image] = {}
        images = []
        place: Bbox | None = None
        for moment in self.moments:
            step = self.step_of(moment, position)
            if step not in made:
                figure, alt = draw(step)
                if place is not None:
                    # The frames of a panel have one layout, which takes as long as the drawing;
                    # and nothing jumps while it plays. (A colour bar finds its own place.)
                    figure.set_layout_engine("none")
                    figure.axes[0].set_position(place)
                dpi = 144 if colours else 100  # exact colours cost more bytes a pixel
                made[step] = Image(to_address(png(figure, dpi=dpi, colours=colours)), alt)
                if len(figure.axes) == 1:
                    place = figure.axes[0].get_position()
            images.append(made[step])
        return Panel(tuple(images), moving=True)


class Section:
    """The base of every section.

    A subclass sets ``title``, ``order`` (where it stands; ours are 10, 20, ...), ``needs`` (the
    analyses whose tables it draws) and implements `build`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    order: ClassVar[int] = 1000
    needs: ClassVar[tuple[str, ...]] = ()

    def build(self, context: Context) -> Content:
        """Draw the section. An error here costs only this section."""
        raise NotImplementedError


def percent(share: float, digits: int = 1) -> str:
    """A share as text.

    Examples
    --------
    >>> percent(0.1234), percent(float("nan"))
    ('12.3 %', 'not defined')
    """
    return f"{100 * share:.{digits}f} %" if np.isfinite(share) else "not defined"


def join(parts: Iterable[str]) -> str:
    """Parts of a sentence, with commas and an "and".

    Examples
    --------
    >>> join(["a"]), join(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    items = list(parts)
    if len(items) < 2:
        return "".join(items)
    return ", ".join(items[:-1]) + " and " + items[-1]


def sentence(parts: Iterable[str]) -> str:
    """Clauses that begin with a word, not with a name, as one sentence.

    Examples
    --------
    >>> sentence(["in a it rose", "in b it fell"])
    'In a it rose and in b it fell.'
    """
    text = join(parts) + "."
    return text[:1].upper() + text[1:]
