"""What charts with one row a judge, property or scenario have in common: names at the left, dots with intervals, a line of indifference."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from dissection.figures.style import GRID, MUTED

AXIS: Final[dict[str, Any]] = {"gridcolor": GRID, "zeroline": False, "fixedrange": True, "automargin": False}
LEGEND: Final[dict[str, Any]] = {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0}
LETTER, LEAST_WIDTH = 6.3, 14  # pixels; margins are set, as Plotly would draw the chart twice to find them


def label_width(texts: Sequence[str]) -> int:
    """The margin in pixels that names at the left of a chart need."""
    return LEAST_WIDTH + int(LETTER * max((len(text) for text in texts), default=4))


def row_axis(texts: Sequence[str]) -> dict[str, Any]:
    """The vertical axis with a name for each row, the first at the top; the names are safe for Plotly (`style.plain`)."""
    return {**AXIS, "tickvals": list(range(len(texts))), "ticktext": list(texts), "range": [len(texts) - 0.4, -0.6]}


def interval(value: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str = MUTED, thickness: float = 1.5) -> dict[str, Any]:
    """Error bars from `low` to `high` about `value`; none where an end is NaN."""
    at, start, end = (np.asarray(part, dtype=float) for part in (value, low, high))
    return {
        "array": np.nan_to_num(end - at),
        "arrayminus": np.nan_to_num(at - start),
        "color": colour,
        "thickness": thickness,
        "width": 0,
    }


def upright(place: float, axis: str = "x") -> dict[str, Any]:
    """A thin line from the bottom to the top of the chart, behind everything."""
    return {**_thin(), "xref": axis, "yref": "paper", "x0": place, "x1": place, "y0": 0, "y1": 1}


def level(place: float) -> dict[str, Any]:
    """A thin line from the left to the right of the chart, behind everything."""
    return {**_thin(), "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": place, "y1": place}


def _thin() -> dict[str, Any]:
    return {"type": "line", "layer": "below", "line": {"color": MUTED, "width": 1}}


def joined(ends: Sequence[tuple[float, float, float, float]], *, dotted: bool = False) -> dict[str, Any]:
    """Thin lines between pairs of points.

    Args:
        ends: x and y of the first point and of the second, a line each.
        dotted: or whole.
    """
    x = [part for x0, _, x1, _ in ends for part in (x0, x1, None)]
    y = [part for _, y0, _, y1 in ends for part in (y0, y1, None)]
    line = {"color": MUTED, "width": 1, "dash": "dot"} if dotted else {"color": MUTED, "width": 2}
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": line, "hoverinfo": "skip", "showlegend": False}
