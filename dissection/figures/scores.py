"""Held-out scores beside their baselines, and calibration: dots with 95 % intervals."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.agreement import Z_95
from dissection.dataset import group_label
from dissection.figures.parts import AXIS, LEGEND, interval, label_width, row_axis
from dissection.figures.style import DISPREFERRED, MUTED, PREFERRED, judge_text, layout, plain
from dissection.regression.metrics import METRICS
from dissection.wording import count

METRIC_LABELS = dict(zip(METRICS, ("Log loss", "Accuracy", "Brier score"), strict=True))
COIN = dict(zip(METRICS, (math.log(2), 0.5, 0.25), strict=True))
HIGHER_IS_BETTER = {"accuracy"}
AXIS_TITLES = {
    "log_loss": "held-out log loss, nats a pair (lower is better)",
    "accuracy": "held-out accuracy (higher is better)",
    "brier": "held-out Brier score (lower is better)",
}
# Predictor → name in the legend, colour, marker.
LOOKS = {
    "explanation": ("explanation", PREFERRED, "circle"),
    "majority": ("majority", "#8a8a8a", "diamond"),
    "length alone": ("length alone", DISPREFERRED, "square"),
    "position alone": ("position alone", "#7a6ff0", "triangle-up"),
    "ceiling": ("own agreement, both orders", "#8a8a8a", "line-ns-open"),
}


def shown_value(value: float, metric: str) -> str:
    """A measure as it is said: accuracy in per cent, the others with three decimals."""
    return f"{100 * value:.1f} %" if metric == "accuracy" else f"{value:.3f}"


def shown_error(value: float, metric: str) -> str:
    """A standard error as it is said, with one decimal more than the measure."""
    return f"{100 * value:.2f} %" if metric == "accuracy" else f"{value:.4f}"


def order_rows(frame: pd.DataFrame, metric: str, field: str) -> list[str]:
    """The scored judges (or groups) from the best explained down; `frame` is of `scores_frame`."""
    part = frame[(frame["predictor"] == "explanation") & (frame["status"] == "scored")]
    return list(part.sort_values(metric, ascending=metric not in HIGHER_IS_BETTER, kind="stable")[field])


def score_chart(frame: pd.DataFrame, metric: str, rows: Sequence[str], field: str = "judge", own: Collection[str] = ()) -> go.Figure:
    """The explanation and its baselines for each judge of a group, or for each group of a judge, with 95 % intervals.

    Args:
        frame: of `scores_frame`, one group or one judge.
        metric: one of `METRICS`.
        rows: values of `field` from the top; others are not drawn.
        field: "judge" or "group".
        own: the judges that the visitor brought.
    """
    names = [name for name in LOOKS if frame.loc[frame["predictor"] == name, metric].notna().any()]
    spread = np.linspace(-0.28, 0.28, len(names)) if len(names) > 1 else np.zeros(1)
    traces = [
        _score_dots(frame[frame["predictor"] == name].set_index(field).reindex(list(rows)).reset_index(), metric, name, offset)
        for name, offset in zip(names, spread, strict=True)
    ]
    texts = [judge_text(name, own) if field == "judge" else plain(group_label(name), 30) for name in rows]
    return go.Figure(
        {
            "data": traces,
            "layout": {
                **layout(124 + len(rows) * max(20, 7 * len(names)), (label_width(texts), 66, 24, 48)),
                "xaxis": {
                    "title": {"text": AXIS_TITLES[metric]},
                    "tickformat": ".0%" if metric == "accuracy" else "",
                    **AXIS,
                },
                "yaxis": row_axis(texts),
                "shapes": [_line({"x0": COIN[metric], "x1": COIN[metric], "y0": 0, "y1": 1, "yref": "paper"}, dash="dot")],
                "legend": LEGEND,
                "showlegend": True,
            },
        }
    )


def _line(ends: Mapping[str, Any], dash: str = "solid") -> dict[str, Any]:
    return {"type": "line", "layer": "below", "line": {"color": MUTED, "width": 1, "dash": dash}, **ends}


def _score_dots(part: pd.DataFrame, metric: str, predictor: str, offset: float) -> dict[str, Any]:
    name, colour, symbol = LOOKS[predictor]
    known = part[metric].notna().to_numpy()
    return {
        "type": "scatter",
        "x": part[metric].to_numpy(dtype=float),
        "y": np.arange(len(part)) + offset,
        "mode": "markers",
        "name": name,
        "marker": {
            "color": colour,
            "symbol": symbol,
            "size": 9 if predictor in ("explanation", "ceiling") else 7,
            "line": {"width": 2 if predictor == "ceiling" else 0, "color": colour},
        },
        "error_x": {"array": (Z_95 * part[f"{metric}_se"]).fillna(0).to_numpy(dtype=float), "color": colour, "thickness": 1.3, "width": 0},
        "hovertext": [_score_hover(row, metric, name) if ok else "" for row, ok in zip(part.to_dict("records"), known, strict=True)],
        "hoverinfo": "text",
    }


def _score_hover(row: Mapping[Any, Any], metric: str, name: str) -> str:
    value, error = row[metric], row[f"{metric}_se"]
    words = f"<b>{plain(row['judge'])}</b> · {plain(group_label(str(row['group'])))}<br>{name}: {METRIC_LABELS[metric].lower()} {shown_value(value, metric)}"
    if pd.notna(error):
        words += f"<br>95 %: {shown_value(value - Z_95 * error, metric)} to {shown_value(value + Z_95 * error, metric)}"
        words += f" (standard error {shown_error(error, metric)})"
    words += f"<br>n = {count(int(row['n']), 'pair')} of {count(int(row['clusters']), 'query', 'queries')}"
    return words + (f"<br>{plain(row['note'])}" if row["note"] else "")


def calibration_chart(table: pd.DataFrame) -> go.Figure:
    """What was foretold against what came, in per cent, with 95 % Wilson intervals; the diagonal is right.

    Args:
        table: of `calibration`.
    """
    percent = 100 * table[["predicted", "observed", "low", "high"]]
    hover = [
        f"foretold {row.predicted:.0f} % for A<br>came {row.observed:.0f} % (95 %: {row.low:.0f}–{row.high:.0f})<br>n = {n:,g} pairs"
        for row, n in zip(percent.itertuples(), table["n"], strict=True)
    ]
    points = {
        "type": "scatter",
        "x": percent["predicted"],
        "y": percent["observed"],
        "mode": "markers",
        "marker": {"color": PREFERRED, "size": 9},
        "error_y": interval(percent["observed"], percent["low"], percent["high"], PREFERRED),
        "hovertext": hover,
        "hoverinfo": "text",
        "showlegend": False,
    }
    axis = {**AXIS, "range": [-2, 102], "ticksuffix": " %"}
    return go.Figure(
        {
            "data": [points],
            "layout": {
                **layout(400, (64, 12, 16, 48)),
                "xaxis": {"title": {"text": "foretold: A preferred"}, **axis},
                "yaxis": {"title": {"text": "came: A preferred"}, **axis},
                "shapes": [_line({"x0": 0, "x1": 100, "y0": 0, "y1": 100}, dash="dot")],
            },
        }
    )
