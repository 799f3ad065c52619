"""Win rates of models against each other, one judge's, as dots with their intervals."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dissection.asking.online import WinRate
from dissection.figures.style import GRID, MUTED, PALETTE, layout, plain

COLUMNS = ("model", "other", "percent", "low", "high", "n", "interval")


def win_rate_table(rates: Sequence[WinRate]) -> pd.DataFrame:
    """One row a model and other model, in %: `COLUMNS`; `interval` says how it was made, or why there is none."""
    rows = [(rate.model, rate.other, 100 * rate.rate, 100 * rate.low, 100 * rate.high, rate.n, rate.interval) for rate in rates]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def win_rate_chart(rates: Sequence[WinRate]) -> go.Figure:
    """A dot with its 95 % interval for each win rate, hollow where 50 % is within it; the best first."""
    shown = sorted((rate for rate in rates if rate.n), key=lambda rate: -rate.rate)
    texts = [f"{plain(rate.model, 26)} against {plain(rate.other, 26)}" for rate in shown]
    return go.Figure(
        {
            "data": [_dots(shown, texts)],
            "layout": {
                **layout(80 + 30 * max(len(shown), 2), (8, 10, 14, 40)),
                "xaxis": {
                    "range": [-2, 102],
                    "ticksuffix": " %",
                    "gridcolor": GRID,
                    "zeroline": False,
                    "fixedrange": True,
                    "title": "preferred",
                },
                "yaxis": {
                    "tickvals": list(range(len(shown))),
                    "ticktext": texts,
                    "range": [len(shown) - 0.4, -0.6],
                    "gridcolor": GRID,
                    "zeroline": False,
                    "fixedrange": True,
                    "automargin": True,
                },
                "showlegend": False,
                "shapes": [{"type": "line", "x0": 50, "x1": 50, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": MUTED, "width": 1}}],
            },
        }
    )


def _dots(rates: Sequence[WinRate], texts: Sequence[str]) -> dict[str, Any]:
    ends = [(rate.rate, rate.rate) if math.isnan(rate.low) else (rate.low, rate.high) for rate in rates]
    hollow = [math.isnan(rate.low) or rate.low <= 0.5 <= rate.high for rate in rates]
    colour = PALETTE[0]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [100 * rate.rate for rate in rates],
        "y": list(range(len(rates))),
        "marker": {
            "color": colour,
            "size": 9,
            "symbol": ["circle-open" if empty else "circle" for empty in hollow],
            "line": {"width": 1.5, "color": colour},
        },
        "error_x": {
            "array": [100 * (high - rate.rate) for rate, (_, high) in zip(rates, ends, strict=True)],
            "arrayminus": [100 * (rate.rate - low) for rate, (low, _) in zip(rates, ends, strict=True)],
            "color": colour,
            "thickness": 1.5,
            "width": 0,
        },
        "hovertext": [f"{text}: {rate.words()}" for rate, text in zip(rates, texts, strict=True)],
        "hoverinfo": "text",
    }
