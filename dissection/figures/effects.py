"""What judges want: heatmaps and dot plots of 100·σ(weight), the percentage preferred."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.clusters import cluster
from dissection.errors import UnknownNameError
from dissection.figures.style import DIVERGING, FADED, GRID, MUTED, finish, judge_colours, judge_symbols, judge_text, plain
from dissection.properties import FAMILIES, Property
from dissection.regression.posterior import Posterior, effects_frame, probability

PROPERTY_ORDERS = ("family", "value", "cluster", "name")
MIN_HALF_RANGE, MAX_HALF_RANGE = 5.0, 35.0


def percent_frame(posteriors: Sequence[Posterior]) -> pd.DataFrame:
    """`effects_frame` with `percent`, `percent_low` and `percent_high`: how often preferred if better only on this property."""
    frame = effects_frame(posteriors)
    for column, source in (("percent", "mean"), ("percent_low", "low"), ("percent_high", "high")):
        frame[column] = probability(frame[source].to_numpy(dtype=float))
    return frame


def order_properties(frame: pd.DataFrame, properties: Sequence[Property], by: str) -> list[str]:
    """Property names in the order asked for.

    Args:
        frame: of `percent_frame`, the cells in view.
        properties: of the dataset.
        by: "family" (then by mean weight), "value" (mean weight), "cluster" (alike over the rows in view) or "name".

    Raises:
        UnknownNameError: `by` is none of these.
    """
    if by not in PROPERTY_ORDERS:
        raise UnknownNameError(f"There is no order {by!r}.", accepted=", ".join(PROPERTY_ORDERS))
    names = [property_.name for property_ in properties]
    if by == "name":
        return sorted(names, key=str.casefold)
    value = frame.groupby("property", sort=False)["mean"].mean().fillna(0).to_dict()
    by_value = sorted(names, key=lambda name: -value.get(name, 0.0))
    if by == "value":
        return by_value
    if by == "family":
        family = {property_.name: FAMILIES.index(property_.family) for property_ in properties}
        return sorted(by_value, key=lambda name: family[name])
    table = frame.pivot_table(index="property", columns=["judge", "group"], values="mean", observed=True).reindex(names)
    if table.shape[1] < 2:
        return by_value
    return list(cluster(table.T.corr()).order) + [name for name in names if table.loc[name].std() == 0 or table.loc[name].isna().any()]


def order_judges(frame: pd.DataFrame, by: str) -> list[str]:
    """Judges in cluster order (of their weights in view), or as they come."""
    names = list(dict.fromkeys(frame["judge"]))
    table = frame.pivot_table(index="property", columns="judge", values="mean", observed=True)
    if by != "cluster" or table.shape[1] < 3:
        return names
    found = list(cluster(table.corr()).order)
    return found + [name for name in names if name not in found]


def half_range(frame: pd.DataFrame) -> float:
    """Percentage points from 50 to either end of the colour scale: the 99th percentile of what is in view, rounded up to 5."""
    distance = (frame["percent"] - 50).abs().dropna()
    if distance.empty:
        return MIN_HALF_RANGE
    return float(np.clip(np.ceil(np.quantile(distance, 0.99) / 5) * 5, MIN_HALF_RANGE, MAX_HALF_RANGE))


def hover_text(row: Mapping[Any, Any]) -> str:
    """What a cell says under the pointer: value, interval, n; or why there is none."""
    head = f"<b>{plain(row['judge'])}</b> · {plain(row['property'])}<br>{plain(row['group'])}<br>"
    if row["status"] == "point estimate":
        return head + f"preferred {row['percent']:.0f} % (no interval: posterior mean only; n unknown)"
    if row["status"] != "fitted":
        return head + f"{row['status']} (n = {row['n']:,})"
    words = "" if row["decided"] else "<br>not told apart from 50 %"
    return head + (
        f"preferred {row['percent']:.0f} % (95 %: {row['percent_low']:.0f}–{row['percent_high']:.0f})"
        f"<br>n = {row['n']:,} pairs, {row['differs']:.0f} differ in this{words}"
    )


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


def dot_plot(
    frame: pd.DataFrame,
    properties: Sequence[str],
    judges: Sequence[str],
    all_judges: Sequence[str],
    planted: Mapping[str, Mapping[str, float]] | None = None,
    own: Collection[str] = (),
) -> go.Figure:
    """Percentages with 95 % intervals, judges side by side on every property; undecided ones are hollow.

    Args:
        frame: of `percent_frame`, one group.
        properties: from the top.
        judges: those to draw.
        all_judges: of the dataset, for the colours.
        planted: judge → property → weight in log-odds that was planted in simulated data; drawn as crosses beside what was found.
        own: the judges that the visitor brought.
    """
    colours, symbols = judge_colours(all_judges), judge_symbols(all_judges)
    figure = go.Figure()
    figure.add_vline(x=50, line={"color": MUTED, "width": 1})
    spread = np.linspace(-0.32, 0.32, len(judges)) if len(judges) > 1 else np.zeros(1)
    for offset, judge in zip(spread, judges, strict=True):
        part = frame[frame["judge"] == judge].set_index("property").reindex(list(properties)).reset_index()
        known = part["status"].isin(["fitted", "point estimate"]).to_numpy()
        hollow = known & ~part["decided"].fillna(value=False).to_numpy(dtype=bool) & (part["status"] == "fitted").to_numpy()
        figure.add_trace(
            go.Scatter(
                x=part["percent"],
                y=np.arange(len(properties)) + offset,
                mode="markers",
                name=judge_text(judge, own),
                marker={
                    "color": colours[judge],
                    "symbol": [symbols[judge] + ("-open" if empty else "") for empty in hollow],
                    "size": 8,
                    "line": {"width": 1.5, "color": colours[judge]},
                },
                error_x={
                    "array": (part["percent_high"] - part["percent"]).fillna(0),
                    "arrayminus": (part["percent"] - part["percent_low"]).fillna(0),
                    "color": colours[judge],
                    "thickness": 1.4,
                    "width": 0,
                },
                customdata=part[["judge", "group", "property"]].to_numpy(),
                hovertext=[hover_text(record) if ok else "" for record, ok in zip(part.to_dict("records"), known, strict=True)],
                hoverinfo="text",
            )
        )
        if planted and judge in planted:
            figure.add_trace(_planted_marks(planted[judge], properties, offset, judge, first=judge == judges[0]))
    figure.update_xaxes(
        title="preferred % if better only on this property", gridcolor=GRID, zeroline=False, fixedrange=True, ticksuffix=" %"
    )
    figure.update_yaxes(
        tickvals=list(range(len(properties))),
        ticktext=[plain(name, 24) for name in properties],
        range=[len(properties) - 0.4, -0.6],
        gridcolor=GRID,
        zeroline=False,
        fixedrange=True,
        automargin=True,
    )
    figure.update_layout(legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "title": None})
    return finish(figure, height=110 + len(properties) * max(18, 7 * len(judges) + 6), margin=(8, 40, 8, 48))


def _planted_marks(weights: Mapping[str, float], properties: Sequence[str], offset: float, judge: str, *, first: bool) -> go.Scatter:
    percent = probability(np.array([weights[name] for name in properties]))
    return go.Scatter(
        x=percent,
        y=np.arange(len(properties)) + offset,
        mode="markers",
        marker={"symbol": "x-thin-open", "size": 7, "color": MUTED, "line": {"width": 1.6, "color": MUTED}},
        name="planted",
        legendgroup="planted",
        showlegend=first,
        hovertext=[f"planted in {plain(judge)}: {plain(name)} {value:.0f} %" for name, value in zip(properties, percent, strict=True)],
        hoverinfo="text",
    )
