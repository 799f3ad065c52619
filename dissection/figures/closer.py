"""One effect looked at closely: under other priors, pooled over scenarios or not, and the position bias. Frames first, then one figure."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.agreement import Z_95
from dissection.figures.style import GRID, MUTED, PRIOR, finish, plain
from dissection.regression.model import LAPLACE_REACH, POOLED_REACH, Model
from dissection.regression.posterior import PositionBias, Posterior, probability

COLUMNS = ["row", "series", "percent", "low", "high", "n", "prior_low", "prior_high"]


def _line(row: str, series: str, log_odds: tuple[float, float, float], n: int, reach: float = float("nan")) -> tuple[object, ...]:
    return (
        row,
        series,
        *(float(value) for value in probability(np.array(log_odds))),
        n,
        *map(float, probability(np.array([-reach, reach]))),
    )


def _weight(posterior: Posterior, property_name: str) -> tuple[float, float, float]:
    place = posterior.properties.index(property_name)
    return float(posterior.mean[place]), float(posterior.low[place]), float(posterior.high[place])


def sensitivity_frame(fits: Sequence[tuple[Model, Posterior]], property_name: str) -> pd.DataFrame:
    """One row a prior scale: `COLUMNS`, percentages with 95 % intervals and the prior's own."""
    return pd.DataFrame(
        [
            _line(f"b = {model.prior_scale:g}", "posterior", _weight(posterior, property_name), posterior.n, model.prior_reach)
            for model, posterior in fits
        ],
        columns=COLUMNS,
    )


def pooling_frame(alone: Sequence[Posterior], pooled: Sequence[Posterior], property_name: str, scale: float) -> pd.DataFrame:
    """Two rows a scenario, fitted alone and pooled, the smallest scenario first; then what all share.

    Args:
        alone: of each scenario.
        pooled: of each scenario, and of all pairs.
        property_name: which weight.
        scale: of both models' prior.

    Returns:
        `COLUMNS`.
    """
    by_group = {posterior.group: posterior for posterior in pooled}
    shared = next(posterior for posterior in pooled if posterior.group.kind == "all")
    lines = []
    for one in sorted(alone, key=lambda posterior: posterior.n):
        name = f"{one.group.label} (n = {one.n:,})"
        lines.append(_line(name, "fitted alone", _weight(one, property_name), one.n, scale * LAPLACE_REACH))
        lines.append(_line(name, "pooled", _weight(by_group[one.group], property_name), one.n, scale * POOLED_REACH))
    lines.append(_line("shared by all", "pooled", _weight(shared, property_name), shared.n, scale * LAPLACE_REACH))
    return pd.DataFrame(lines, columns=COLUMNS)


def bias_frame(posteriors: Sequence[Posterior], intercept_sd: float) -> pd.DataFrame:
    """One row a judge with a position bias: how often, in %, the answer shown first wins between equals. Columns as `COLUMNS`."""
    lines = []
    for posterior in posteriors:
        bias = posterior.position_bias
        if isinstance(bias, PositionBias):
            lines.append(_line(posterior.judge, "first shown wins", (bias.mean, bias.low, bias.high), posterior.n, Z_95 * intercept_sd))
    return pd.DataFrame(lines, columns=COLUMNS)


def interval_chart(frame: pd.DataFrame, title: str, colours: Mapping[str, str], row_labels: Mapping[str, str] | None = None) -> go.Figure:
    """Percentages with their 95 % intervals, the series of a row side by side; hollow where the interval includes 50 %.

    Args:
        frame: with `COLUMNS`; its prior's interval is drawn behind each.
        title: of the axis of percentages.
        colours: of each series.
        row_labels: of rows, where they are not to be shown as they are.
    """
    rows, series = list(dict.fromkeys(frame["row"])), list(dict.fromkeys(frame["series"]))
    offsets = dict(zip(series, np.linspace(-0.18, 0.18, len(series)) if len(series) > 1 else [0.0], strict=True))
    figure = go.Figure(_priors(frame, rows, offsets))
    figure.add_vline(x=50, line={"color": MUTED, "width": 1})
    for name in series:
        figure.add_trace(_dots(frame[frame["series"] == name], rows, float(offsets[name]), name, colours[name]))
    figure.update_xaxes(title=title, ticksuffix=" %", gridcolor=GRID, zeroline=False, fixedrange=True)
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[plain((row_labels or {}).get(row, row), 34) for row in rows],
        range=[len(rows) - 0.4, -0.6],
        gridcolor=GRID,
        zeroline=False,
        fixedrange=True,
        automargin=True,
    )
    figure.update_layout(legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0})
    return finish(figure, height=110 + 26 * max(len(rows), 3), margin=(8, 36, 8, 48))


def _priors(frame: pd.DataFrame, rows: Sequence[str], offsets: Mapping[str, float]) -> go.Scatter:
    place = np.array([rows.index(row) + offsets[series] for row, series in zip(frame["row"], frame["series"], strict=True)])
    return go.Scatter(
        x=np.stack([frame["prior_low"], frame["prior_high"], np.full(len(frame), np.nan)], axis=1).ravel(),
        y=np.repeat(place, 3),
        mode="lines",
        line={"color": PRIOR, "width": 16 / len(offsets)},
        name="the prior's 95 %",
        hoverinfo="skip",
    )


def _dots(part: pd.DataFrame, rows: Sequence[str], offset: float, name: str, colour: str) -> go.Scatter:
    hollow = (part["low"] <= 50) & (part["high"] >= 50)
    return go.Scatter(
        x=part["percent"],
        y=[rows.index(row) + offset for row in part["row"]],
        mode="markers",
        name=plain(name),
        marker={
            "symbol": ["circle-open" if open_ else "circle" for open_ in hollow],
            "size": 8,
            "color": colour,
            "line": {"width": 1.5, "color": colour},
        },
        error_x={
            "array": part["high"] - part["percent"],
            "arrayminus": part["percent"] - part["low"],
            "color": colour,
            "thickness": 1.4,
            "width": 0,
        },
        hovertext=[
            f"<b>{plain(row['row'])}</b> · {plain(name)}<br>{row['percent']:.1f} % (95 %: {row['low']:.1f}–{row['high']:.1f})<br>n = {row['n']:,} pairs"
            for row in part.to_dict("records")
        ],
        hoverinfo="text",
    )
