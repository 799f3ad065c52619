"""Dot plots of 100·σ(weight) with intervals, judges side by side."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.figures.effects import hover_text
from dissection.figures.style import GRID, MUTED, PRIOR, finish, judge_colours, judge_symbols, judge_text, plain
from dissection.regression.posterior import probability


def dot_plot(
    frame: pd.DataFrame,
    properties: Sequence[str],
    judges: Sequence[str],
    all_judges: Sequence[str],
    planted: Mapping[str, Mapping[str, float]] | None = None,
    own: Collection[str] = (),
    prior_reach: float | None = None,
) -> go.Figure:
    """Percentages with 95 % intervals, judges side by side on every property; undecided ones are hollow.

    Args:
        frame: of `percent_frame`, one group.
        properties: from the top.
        judges: those to draw.
        all_judges: of the dataset, for the colours.
        planted: judge → property → weight in log-odds that was planted in simulated data; drawn as crosses beside what was found.
        own: the judges that the visitor brought.
        prior_reach: half the width of the prior's 95 % interval, in log-odds; drawn as a band behind every interval.
    """
    colours, symbols = judge_colours(all_judges), judge_symbols(all_judges)
    figure = go.Figure()
    figure.add_vline(x=50, line={"color": MUTED, "width": 1})
    if prior_reach is not None:
        figure.add_trace(prior_band(prior_reach, len(properties)))
    spread = np.linspace(-0.32, 0.32, len(judges)) if len(judges) > 1 else np.zeros(1)
    for offset, judge in zip(spread, judges, strict=True):
        part = frame[frame["judge"] == judge].set_index("property").reindex(list(properties)).reset_index()
        figure.add_trace(_judge_dots(part, offset, judge_text(judge, own), colours[judge], symbols[judge]))
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


def prior_band(reach: float, rows: int) -> go.Scatter:
    """What is believed before the data: the prior's 95 % interval behind all rows, named in the legend."""
    low, high = probability(np.array([-reach, reach]))
    return go.Scatter(
        x=[low, high, high, low, low],
        y=[-0.6, -0.6, rows - 0.4, rows - 0.4, -0.6],
        mode="lines",
        fill="toself",
        fillcolor=PRIOR,
        line={"width": 0},
        name=f"the prior's 95 %: {low:.0f}–{high:.0f} %",
        hoverinfo="skip",
    )


def _judge_dots(part: pd.DataFrame, offset: float, name: str, colour: str, symbol: str) -> go.Scatter:
    """One judge's dots, `part` in the order of the axis; those that are undecided are hollow."""
    known = part["status"].isin(["fitted", "point estimate"]).to_numpy()
    hollow = (part["status"] == "fitted").to_numpy() & ~part["decided"].fillna(value=False).to_numpy(dtype=bool)
    return go.Scatter(
        x=part["percent"],
        y=np.arange(len(part)) + offset,
        mode="markers",
        name=name,
        marker={
            "color": colour,
            "symbol": [symbol + ("-open" if empty else "") for empty in hollow],
            "size": 8,
            "line": {"width": 1.5, "color": colour},
        },
        error_x={
            "array": (part["percent_high"] - part["percent"]).fillna(0),
            "arrayminus": (part["percent"] - part["percent_low"]).fillna(0),
            "color": colour,
            "thickness": 1.4,
            "width": 0,
        },
        customdata=part[["judge", "group", "property"]].to_numpy(),
        hovertext=[hover_text(record) if ok else "" for record, ok in zip(part.to_dict("records"), known, strict=True)],
        hoverinfo="text",
    )


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
