"""Heatmaps of 100·σ(weight): judges × properties, or properties × scenarios."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.figures.effects import hover_text
from dissection.figures.style import DIVERGING, FADED, MUTED, finish, judge_text, plain
from dissection.properties import Property

MIN_HALF_RANGE, MAX_HALF_RANGE = 5.0, 35.0


def half_range(frame: pd.DataFrame) -> float:
    """Percentage points from 50 to either end of the colour scale: the 99th percentile of what is in view, rounded up to 5."""
    distance = (frame["percent"] - 50).abs().dropna()
    if distance.empty:
        return MIN_HALF_RANGE
    return float(np.clip(np.ceil(np.quantile(distance, 0.99) / 5) * 5, MIN_HALF_RANGE, MAX_HALF_RANGE))


def heatmap(
    frame: pd.DataFrame,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    row_field: str,
    column_field: str,
    families: Sequence[Property] = (),
    own: Collection[str] = (),
) -> go.Figure:
    """A heatmap of percentages centred on 50; cells whose interval includes 50 are faded, cells without numbers are crossed.

    An invisible marker on every cell carries the hover text and can be clicked; its `customdata` is (judge, group, property).

    Args:
        frame: of `percent_frame`, one row a cell.
        rows: values of `row_field` from the top.
        columns: values of `column_field` from the left.
        row_field: "judge", "group" or "property".
        column_field: another of these.
        families: of the properties, for the headings over (or beside) runs of one family; only where they are sorted so.
        own: the judges that the visitor brought.
    """
    cells = frame.set_index([row_field, column_field])
    table = _grid(cells["percent"], rows, columns).to_numpy(dtype=float)
    certain = _grid(cells["decided"] | (cells["status"] == "point estimate"), rows, columns).fillna(value=False).to_numpy(dtype=bool)
    reach = half_range(frame)
    figure = go.Figure()
    for mask, opacity in ((certain, 1.0), (~certain, FADED)):
        figure.add_trace(
            go.Heatmap(
                z=np.where(mask, table, np.nan),
                x=list(range(len(columns))),
                y=list(range(len(rows))),
                zmin=50 - reach,
                zmax=50 + reach,
                colorscale=DIVERGING,
                opacity=opacity,
                xgap=1,
                ygap=1,
                showscale=opacity == 1.0,
                hoverinfo="skip",
                colorbar={
                    "title": {"text": "preferred %", "side": "top"},
                    "thickness": 10,
                    "len": 0.8,
                    "tickformat": ".0f",
                    "outlinewidth": 0,
                },
            )
        )
    row_text = [judge_text(name, own) if row_field == "judge" else plain(name, 30) for name in rows]
    figure.add_trace(_markers(frame, rows, columns, row_field, column_field))
    _axes(figure, rows, row_text, columns, families if column_field == "property" else (), families if row_field == "property" else ())
    longest = max((len(name) for name in columns), default=4)
    slant = 20 + int(min(longest, 24) * 5.2) + (22 if families and column_field == "property" else 0)
    return finish(figure, height=slant + 40 + max(22 * len(rows), 90), margin=(8, slant, 8, 8))


def _grid(values: "pd.Series[Any]", rows: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    return values.unstack().reindex(index=list(rows), columns=list(columns))


def _markers(frame: pd.DataFrame, rows: Sequence[str], columns: Sequence[str], row_field: str, column_field: str) -> go.Scatter:
    row_place, column_place = {name: i for i, name in enumerate(rows)}, {name: i for i, name in enumerate(columns)}
    shown = [record for record in frame.to_dict("records") if record[row_field] in row_place and record[column_field] in column_place]
    return go.Scatter(
        x=[column_place[record[column_field]] for record in shown],
        y=[row_place[record[row_field]] for record in shown],
        mode="markers",
        marker={
            "symbol": ["square" if record["status"] in ("fitted", "point estimate") else "x-thin-open" for record in shown],
            "size": [22 if record["status"] in ("fitted", "point estimate") else 7 for record in shown],
            "color": MUTED,
            "opacity": [0.0 if record["status"] in ("fitted", "point estimate") else 0.9 for record in shown],
        },
        customdata=[[record["judge"], record["group"], record["property"]] for record in shown],
        hovertext=[hover_text(record) for record in shown],
        hoverinfo="text",
        showlegend=False,
    )


def _axes(
    figure: go.Figure,
    rows: Sequence[str],
    row_text: Sequence[str],
    columns: Sequence[str],
    column_families: Sequence[Property],
    row_families: Sequence[Property],
) -> None:
    figure.update_xaxes(
        side="top",
        tickangle=-50,
        tickvals=list(range(len(columns))),
        ticktext=[plain(name, 24) for name in columns],
        range=[-0.5, len(columns) - 0.5],
        showgrid=False,
        zeroline=False,
        ticks="",
        fixedrange=True,
        ticklabelshift=0,
        automargin=False,
        ticklabelstandoff=20 if column_families else 2,
    )
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=row_text,
        range=[len(rows) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
        ticks="",
        fixedrange=True,
        automargin=True,
    )
    for start, end, family in _runs(columns, column_families):
        figure.add_annotation(
            x=(start + end) / 2, y=1, yref="paper", yanchor="bottom", yshift=2, text=f"<b>{family}</b>", showarrow=False, font={"size": 11}
        )
        if start:
            figure.add_shape(type="line", x0=start - 0.5, x1=start - 0.5, y0=0, y1=1, yref="paper", line={"color": MUTED, "width": 1})
    for start, _, _ in _runs(rows, row_families):
        if start:
            figure.add_shape(type="line", y0=start - 0.5, y1=start - 0.5, x0=0, x1=1, xref="paper", line={"color": MUTED, "width": 1})


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
