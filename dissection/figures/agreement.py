"""Agreement of two judges: percent, kappa and alpha with their intervals, and the confusion of their verdicts."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.agreement import VERDICT_WORDS
from dissection.figures.parts import AXIS, LEGEND, interval, label_width, row_axis, upright
from dissection.figures.style import DISPREFERRED, PREFERRED, SEQUENTIAL, layout, plain, plain_markdown

# Measure → name in the legend, colour, marker, panel.
LOOKS = {
    "percent": ("same verdict, %", PREFERRED, "circle", "x"),
    "kappa": ("Cohen's kappa", "#7a6ff0", "diamond", "x2"),
    "alpha": ("Krippendorff's alpha", DISPREFERRED, "square", "x2"),
}
OFFSETS = {"percent": 0.0, "kappa": -0.15, "alpha": 0.15}


def agreement_chart(frame: pd.DataFrame) -> go.Figure:
    """Percent agreement on the left, the measures beyond chance on the right, with 95 % intervals; one row for all pairs and one a scenario.

    Args:
        frame: of `agreement.agreement_frame`, the rows from the top.
    """
    texts = [plain(name, 30) for name in frame["scenario"]]
    beyond = frame[["kappa_low", "alpha_low", "kappa", "alpha"]].to_numpy(dtype=float)
    least = float(np.nanmin(beyond)) if np.isfinite(beyond).any() else 0.0
    return go.Figure(
        {
            "data": [_dots(frame, measure) for measure in LOOKS],
            "layout": {
                **layout(104 + 28 * max(len(frame), 2), (label_width(texts), 36, 16, 46)),
                "xaxis": {**AXIS, "domain": [0, 0.48], "range": [-2, 102], "ticksuffix": " %", "title": {"text": "same verdict"}},
                "xaxis2": {
                    **AXIS,
                    "domain": [0.52, 1],
                    "range": [min(-0.1, least - 0.05), 1.05],
                    "title": {"text": "beyond chance (0: as by chance)"},
                },
                "yaxis": row_axis(texts),
                "shapes": [upright(0, "x2")],
                "legend": LEGEND,
                "showlegend": True,
            },
        }
    )


def _dots(frame: pd.DataFrame, measure: str) -> dict[str, Any]:
    name, colour, symbol, axis = LOOKS[measure]
    value, low, high = (frame[column].to_numpy(dtype=float) for column in (measure, f"{measure}_low", f"{measure}_high"))
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": value,
        "y": np.arange(len(frame)) + OFFSETS[measure],
        "xaxis": axis,
        "marker": {"color": colour, "symbol": symbol, "size": 8},
        "error_x": interval(value, low, high, colour),
        "hovertext": [_hover(row) for row in frame.to_dict("records")],
        "hoverinfo": "text",
    }


def _measure(row: "dict[Any, Any] | pd.Series[Any]", measure: str) -> str:
    if np.isnan(row[measure]):
        return "not defined"
    form = ".0f" if measure == "percent" else ".2f"
    unit = " %" if measure == "percent" else ""
    if np.isnan(row[f"{measure}_low"]):
        return f"{row[measure]:{form}}{unit} (no interval)"
    return f"{row[measure]:{form}}{unit} (95 %: {row[f'{measure}_low']:{form}} to {row[f'{measure}_high']:{form}})"


def _hover(row: dict[Any, Any]) -> str:
    lines = [
        f"<b>{plain(row['scenario'])}</b>",
        *(f"{LOOKS[measure][0].removesuffix(', %')}: {_measure(row, measure)}" for measure in LOOKS),
    ]
    return "<br>".join([*lines, f"n = {row['n']:,} pairs", *([plain(row["reason"])] if row["reason"] else [])])


def agreement_reading(frame: pd.DataFrame, first: str, second: str) -> str:
    """How to read the chart, with the numbers over all pairs; `frame` is of `agreement.agreement_frame`."""
    names = f"{plain_markdown(first)} and {plain_markdown(second)}"
    row = frame.iloc[0]
    if row["n"] == 0:
        return f"{names} have no pair in common, so there is no agreement to measure."
    return (
        f"{names} gave the same verdict (A, tie or B) on {_measure(row, 'percent')} of {row['n']:,} pairs that both judged. Beyond chance: "
        f"kappa {_measure(row, 'kappa')}, alpha {_measure(row, 'alpha')}; 1 is full agreement, 0 what chance gives. Intervals: Wilson, large-sample, "
        f"and bootstrap over pairs.{' Not defined or without an interval: ' + plain_markdown(row['reason']) + '.' if row['reason'] else ''}"
    )


def confusion_chart(frame: pd.DataFrame, first: str, second: str) -> go.Figure:
    """A 3 × 3 heatmap of verdicts: shaded by the share of the row, with counts.

    Args:
        frame: of `agreement.confusion`.
        first: the judge of the rows.
        second: the judge of the columns.
    """
    k = len(VERDICT_WORDS)
    share, counts = (frame[name].to_numpy(dtype=float).reshape(k, k) for name in ("percent", "count"))
    said = [
        f"{n:,.0f}<br>{percent:.0f} %" if not np.isnan(percent) else "–" for n, percent in zip(counts.ravel(), share.ravel(), strict=True)
    ]
    axis = {"fixedrange": True, "showgrid": False, "zeroline": False, "ticks": "", "automargin": True}
    return go.Figure(
        {
            "data": [
                {
                    "type": "heatmap",
                    "z": share,
                    "x": list(VERDICT_WORDS),
                    "y": list(VERDICT_WORDS),
                    "zmin": 0,
                    "zmax": 100,
                    "colorscale": SEQUENTIAL,
                    "xgap": 2,
                    "ygap": 2,
                    "text": np.array(said, dtype=object).reshape(k, k),
                    "texttemplate": "%{text}",
                    "hovertext": np.array([_confusion_hover(row, first, second) for row in frame.to_dict("records")], dtype=object).reshape(
                        k, k
                    ),
                    "hoverinfo": "text",
                    "hoverongaps": True,
                    "colorbar": {"thickness": 10, "len": 0.8, "title": {"text": "% of row", "side": "top"}, "outlinewidth": 0},
                }
            ],
            "layout": {
                **layout(330, (64, 56, 16, 8)),
                "xaxis": {**axis, "side": "top", "title": {"text": f"{plain(second, 34)} said"}},
                "yaxis": {**axis, "autorange": "reversed", "title": {"text": f"{plain(first, 34)} said"}},
            },
        }
    )


def _confusion_hover(row: dict[Any, Any], first: str, second: str) -> str:
    head = f"<b>{plain(first)}</b>: {row['first']} · <b>{plain(second)}</b>: {row['second']}<br>"
    if not row["n"]:
        return f"{head}{plain(first)} never said {row['first']} on a pair that both judged"
    return f"{head}{row['count']:,} of {row['n']:,} pairs: {row['percent']:.0f} % (95 %: {row['low']:.0f}–{row['high']:.0f})"


def confusion_reading(frame: pd.DataFrame, first: str, second: str) -> str:
    """How to read the confusion, with its largest disagreement; `frame` is of `agreement.confusion`."""
    one, two, n = plain_markdown(first), plain_markdown(second), int(frame["count"].sum())
    if n == 0:
        return f"{one} and {two} have no pair in common."
    apart = frame[frame["first"] != frame["second"]]
    worst = apart.iloc[int(apart["count"].to_numpy().argmax())]
    if worst["count"] == 0:
        return f"{one} and {two} gave the same verdict on each of {n:,} pairs."
    return (
        f"Rows: what {one} said; columns: what {two} said on the same pairs, n = {n:,}. Most often they part where {one} said {worst['first']} and {two} "
        f"{worst['second']}: {worst['count']:,} of {worst['n']:,} pairs, {worst['percent']:.0f} % (95 %: {worst['low']:.0f}–{worst['high']:.0f}). "
        "A tie is a soft verdict of exactly one half; so are two orders that contradict each other."
    )
