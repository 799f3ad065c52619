"""Heatmaps of 100·σ(weight): judges × properties, or properties × scenarios."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.dataset import group_label
from dissection.figures.effects import hover_text
from dissection.figures.parts import label_width
from dissection.figures.style import DIVERGING, FADED, MUTED, judge_text, layout, plain
from dissection.properties import Property


class Scale(NamedTuple):
    """What the colours of a heatmap mean.

    Attributes:
        column: of the frame.
        title: of the colour bar.
        centre: the value without colour.
        step: both ends of the scale are whole steps from the centre,
        least, most: at least and at most so far.
        form: of the numbers beside the bar.
    """

    column: str
    title: str
    centre: float
    step: float
    least: float
    most: float
    form: str


PERCENT = Scale("percent", "preferred %", 50, 5, 5, 35, ".0f")
LOG_ODDS = Scale("difference", "log-odds", 0, 0.1, 0.2, 1.5, "+.1f")


def half_range(frame: pd.DataFrame, scale: Scale = PERCENT) -> float:
    """From the centre to either end of the colour scale: the 99th percentile of what is in view, rounded up to a step."""
    distance = (frame[scale.column] - scale.centre).abs().dropna()
    if distance.empty:
        return scale.least
    return float(np.clip(np.ceil(np.quantile(distance, 0.99) / scale.step) * scale.step, scale.least, scale.most))


def heatmap(
    frame: pd.DataFrame,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    row_field: str,
    column_field: str,
    families: Sequence[Property] = (),
    own: Collection[str] = (),
    scale: Scale = PERCENT,
    hover: Callable[[Mapping[Any, Any]], str] = hover_text,
) -> go.Figure:
    """A heatmap coloured away from its centre; cells whose interval includes the centre are faded, cells without numbers are crossed.

    An invisible marker on every cell carries the hover text and can be clicked; its `customdata` is (judge, group, property).

    Args:
        frame: of `percent_frame`, or another with `judge`, `group`, `property`, `status`, `decided` and the scale's column; one row a cell.
        rows: values of `row_field` from the top.
        columns: values of `column_field` from the left.
        row_field: "judge", "group" or "property".
        column_field: another of these.
        families: of the properties, for the headings over (or beside) runs of one family; only where they are sorted so.
        own: the judges that the visitor brought.
        scale: what the colours mean.
        hover: the row of a cell → its words under the pointer.
    """
    row_text = [judge_text(name, own) if row_field == "judge" else plain(name, 30) for name in rows]
    column_text = [plain(group_label(name) if column_field == "group" else name, 24) for name in columns]
    across, down = (families if field == "property" else () for field in (column_field, row_field))
    longest = max((len(text) for text in column_text), default=4)
    left = label_width(row_text)
    top = 16 + int(min(longest, 24) * 4.9) + (22 if across else 0)
    # One dictionary, checked once: Plotly checks the whole figure again at each of its update calls.
    return go.Figure(
        {
            "data": [
                *_cells(frame, rows, columns, (row_field, column_field), scale),
                _markers(frame, rows, columns, (row_field, column_field), hover),
            ],
            "layout": {
                **layout(top + 40 + max(22 * len(rows), 90), (left, top, 84, 8)),
                **_axes(row_text, column_text, headed=bool(across)),
                **_family_marks(columns, across, rows, down),
            },
        }
    )


def _cells(frame: pd.DataFrame, rows: Sequence[str], columns: Sequence[str], fields: tuple[str, str], scale: Scale) -> list[dict[str, Any]]:
    """The coloured cells: those that are certain, and the others, faded."""
    cells = frame.set_index(list(fields))
    table = _grid(cells[scale.column], rows, columns).to_numpy(dtype=float)
    certain = _grid(cells["decided"] | (cells["status"] == "point estimate"), rows, columns).fillna(value=False).to_numpy(dtype=bool)
    reach = half_range(frame, scale)
    shared = {
        "type": "heatmap",
        "x": list(range(len(columns))),
        "y": list(range(len(rows))),
        "zmin": scale.centre - reach,
        "zmax": scale.centre + reach,
        "colorscale": DIVERGING,
        "colorbar": {
            "title": {"text": scale.title, "side": "top"},
            "thickness": 10,
            "len": 0.8,
            "tickformat": scale.form,
            "outlinewidth": 0,
        },
        "xgap": 1,
        "ygap": 1,
        "hoverinfo": "skip",
    }
    return [
        {**shared, "z": np.where(mask, table, np.nan), "opacity": opacity, "showscale": opacity == 1.0}
        for mask, opacity in ((certain, 1.0), (~certain, FADED))
    ]


def _grid(values: "pd.Series[Any]", rows: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    return values.unstack().reindex(index=list(rows), columns=list(columns))


def _markers(
    frame: pd.DataFrame, rows: Sequence[str], columns: Sequence[str], fields: tuple[str, str], hover: Callable[[Mapping[Any, Any]], str]
) -> dict[str, Any]:
    row_field, column_field = fields
    row_place, column_place = {name: i for i, name in enumerate(rows)}, {name: i for i, name in enumerate(columns)}
    shown = [record for record in frame.to_dict("records") if record[row_field] in row_place and record[column_field] in column_place]
    numbers = [record["status"] in ("fitted", "point estimate") for record in shown]
    return {
        "type": "scatter",
        "x": [column_place[record[column_field]] for record in shown],
        "y": [row_place[record[row_field]] for record in shown],
        "mode": "markers",
        "marker": {
            # One value for all is checked and sent once.
            "symbol": "square" if all(numbers) else ["square" if known else "x-thin-open" for known in numbers],
            "size": 22 if all(numbers) else [22 if known else 7 for known in numbers],
            "opacity": 0.0 if all(numbers) else [0.0 if known else 0.9 for known in numbers],
            "color": MUTED,
        },
        "customdata": [[record["judge"], record["group"], record["property"]] for record in shown],
        "hovertext": [hover(record) for record in shown],
        "hoverinfo": "text",
        "showlegend": False,
    }


def _axes(row_text: Sequence[str], column_text: Sequence[str], *, headed: bool) -> dict[str, Any]:
    shared = {"showgrid": False, "zeroline": False, "ticks": "", "fixedrange": True}
    return {
        "xaxis": {
            "side": "top",
            "tickangle": -50,
            "tickvals": list(range(len(column_text))),
            "ticktext": list(column_text),
            "range": [-0.5, len(column_text) - 0.5],
            "automargin": False,
            "ticklabelstandoff": 20 if headed else 2,
            **shared,
        },
        "yaxis": {
            "tickvals": list(range(len(row_text))),
            "ticktext": list(row_text),
            "range": [len(row_text) - 0.5, -0.5],
            "automargin": False,
            **shared,
        },
    }


def _family_marks(
    columns: Sequence[str], across: Sequence[Property], rows: Sequence[str], down: Sequence[Property]
) -> dict[str, list[dict[str, Any]]]:
    """Headings over runs of one family, and lines between the runs."""
    line = {"type": "line", "line": {"color": MUTED, "width": 1}}
    heading = {"y": 1, "yref": "paper", "yanchor": "bottom", "yshift": 2, "showarrow": False, "font": {"size": 11}}
    runs = _runs(columns, across)
    between = [start - 0.5 for start, _, _ in runs if start]
    beside = [start - 0.5 for start, _, _ in _runs(rows, down) if start]
    return {
        "annotations": [{"x": (start + end) / 2, "text": f"<b>{family}</b>", **heading} for start, end, family in runs],
        "shapes": [
            *({"x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", **line} for x in between),
            *({"y0": y, "y1": y, "x0": 0, "x1": 1, "xref": "paper", **line} for y in beside),
        ],
    }


def _runs(names: Sequence[str], properties: Sequence[Property]) -> list[tuple[int, int, str]]:
    """(first, last, family) of each run of one family along an axis."""
    family = {property_.name: property_.family for property_ in properties}
    runs: list[tuple[int, int, str]] = []
    for place, name in enumerate(names):
        if name not in family:
            return []
        if runs and runs[-1][2] == family[name]:
            runs[-1] = (runs[-1][0], place, family[name])
        else:
            runs.append((place, place, family[name]))
    return runs
