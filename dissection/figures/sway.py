"""What sways a judge: predicted gains of changed answers, one by one and together, exposure to style, and predicted against observed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.figures.parts import AXIS, LEGEND, interval, joined, label_width, row_axis, upright
from dissection.figures.style import DISPREFERRED, MUTED, PREFERRED, judge_text, layout, plain
from dissection.sway.changes import Change

LEAST_SPAN = 5.0  # percentage points on either side of no gain, so that noise does not fill the chart


def gains_chart(table: pd.DataFrame) -> go.Figure:
    """A row a property: what its gain (circles) and its loss (diamonds) would do, with 95 % intervals; hollow where it is no discovery.

    Args:
        table: of `Gains.table` for `single_changes`, in that order: more and less of each property in turn.
    """
    more, less = table.iloc[::2].reset_index(drop=True), table.iloc[1::2].reset_index(drop=True)
    best = np.fmax(more["gain"].to_numpy(dtype=float), less["gain"].to_numpy(dtype=float))
    order = np.argsort(-best, kind="stable")
    names = [plain(str(text).removesuffix(" ↑"), 28) for text in more["changes"].iloc[order]]
    parts = [
        _changes(part.iloc[order], name, offset, symbol)
        for part, name, offset, symbol in (
            (more, "answers gain the property", -0.16, "circle"),
            (less, "answers lose it", 0.16, "diamond"),
        )
    ]
    reach = float(np.abs(table[["low", "high"]].to_numpy(dtype=float)).max(initial=0.0))
    span = max(LEAST_SPAN, 1.06 * reach)
    return go.Figure(
        {
            "data": parts,
            "layout": {
                **layout(96 + 25 * max(len(names), 3), (label_width(names), 36, 16, 44)),
                "xaxis": {**AXIS, "range": [-span, span], "title": {"text": "gain in win rate, percentage points"}},
                "yaxis": row_axis(names),
                "shapes": [upright(0)],
                "legend": LEGEND,
                "showlegend": True,
            },
        }
    )


def _changes(part: pd.DataFrame, name: str, offset: float, symbol: str) -> dict[str, Any]:
    value, low, high = (part[column].to_numpy(dtype=float) for column in ("gain", "low", "high"))
    colours = [PREFERRED if gain > 0 else DISPREFERRED if gain < 0 else MUTED for gain in value]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": value,
        "y": np.arange(len(part)) + offset,
        "marker": {
            "color": colours,
            "size": 8,
            "symbol": [symbol if sure else f"{symbol}-open" for sure in part["discovery"]],
            "line": {"width": 1.5, "color": colours},
        },
        "error_x": interval(value, low, high),
        "hovertext": [change_hover(record) for record in part.to_dict("records")],
        "hoverinfo": "text",
    }


def change_hover(record: Mapping[Any, Any]) -> str:
    """What a change says under the pointer."""
    words = "" if record["discovery"] else "<br>not told apart from 0" + (", as one of many" if record["decided"] else "")
    each = (
        "changes no pair"
        if np.isnan(record["each"])
        else f"changes {record['changed']:.0f} % of the pairs, {record['each']:+.1f} points on those"
    )
    return (
        f"<b>{plain(record['changes'])}</b><br>{record['gain']:+.1f} points (95 %: {record['low']:+.1f} to {record['high']:+.1f}){words}<br>"
        f"win rate {record['rate']:.1f} % (95 %: {record['rate_low']:.1f}–{record['rate_high']:.1f})<br>{each}<br>n = {record['n']:,} pairs"
    )


def together_chart(table: pd.DataFrame, changes: Sequence[Change], now: float) -> go.Figure:
    """Win rates after the first change, the first two, and so on; thick the expected win rate, thin that of fresh verdicts, both 95 %.

    Args:
        table: of `Gains.table` for `cumulative` changes.
        changes: those, in their order.
        now: expected win rate before any, in per cent.
    """
    names = [("+ " if place else "") + plain(change.words, 28) for place, change in enumerate(changes)]
    value = table["rate"].to_numpy(dtype=float)
    ends = zip(table["fresh_low"], table["fresh_high"], strict=True)
    colour = PREFERRED if len(value) and value[-1] >= now else DISPREFERRED
    return go.Figure(
        {
            "data": [
                {
                    **joined([(low, row, high, row) for row, (low, high) in enumerate(ends)]),
                    "name": "in as many fresh verdicts",
                    "showlegend": True,
                },
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": "expected",
                    "x": value,
                    "y": list(range(len(table))),
                    "marker": {"color": colour, "size": 9},
                    "error_x": interval(value, table["rate_low"], table["rate_high"], colour, 3.5),
                    "hovertext": [_together_hover(record) for record in table.to_dict("records")],
                    "hoverinfo": "text",
                },
            ],
            "layout": {
                **layout(96 + 30 * max(len(names), 2), (label_width(names), 36, 16, 44)),
                "xaxis": {**AXIS, "range": [-1, 101], "ticksuffix": " %", "title": {"text": "win rate of the model's answers"}},
                "yaxis": row_axis(names),
                "shapes": [upright(now)],
                "legend": LEGEND,
                "showlegend": True,
            },
        }
    )


def _together_hover(record: Mapping[Any, Any]) -> str:
    return f"{change_hover(record)}<br>in as many fresh verdicts {record['fresh_low']:.1f}–{record['fresh_high']:.1f} % (95 %)"


def exposure_chart(frame: pd.DataFrame, colours: Mapping[str, str], own: Collection[str] = ()) -> go.Figure:
    """The exposure of each judge with its 95 % interval, the most exposed first; hollow where nothing is told, crosses where there is none.

    Args:
        frame: of `exposure`.
        colours: judge → colour.
        own: the judges that the visitor brought.
    """
    names = [judge_text(judge, own) for judge in frame["judge"]]
    value, low, high = (frame[column].to_numpy(dtype=float) for column in ("exposure", "low", "high"))
    known = np.isfinite(value)
    symbols = [
        "x-thin-open" if not there else "circle-open" if not change else "circle"
        for there, change in zip(known, frame["change"], strict=True)
    ]
    shades = [colours[judge] if there else MUTED for judge, there in zip(frame["judge"], known, strict=True)]
    return go.Figure(
        {
            "data": [
                {
                    "type": "scatter",
                    "mode": "markers",
                    "x": np.where(known, value, 0.0),
                    "y": list(range(len(frame))),
                    "marker": {"symbol": symbols, "size": 9, "color": shades, "line": {"width": 1.5, "color": shades}},
                    "error_x": interval(value, low, high),
                    "hovertext": [exposure_hover(record) for record in frame.to_dict("records")],
                    "hoverinfo": "text",
                }
            ],
            "layout": {
                **layout(80 + 23 * max(len(names), 3), (label_width(names), 14, 16, 44)),
                "xaxis": {**AXIS, "range": [-1.5, 51.5], "title": {"text": "exposure to style, percentage points above an even chance"}},
                "yaxis": row_axis(names),
                "showlegend": False,
            },
        }
    )


def exposure_hover(record: Mapping[Any, Any]) -> str:
    """What a judge's exposure says under the pointer."""
    n = f"n = {record['n']:,} pairs" if record["status"] != "point estimate" else "n unknown"
    remark = f"<br>{plain(record['remark'])}" if record["remark"] else ""
    if not np.isfinite(record["exposure"]):
        return f"<b>{plain(record['judge'])}</b><br>no exposure{remark}<br>{n}"
    ends = f" (95 %: {record['low']:.1f}–{record['high']:.1f})" if np.isfinite(record["low"]) else " (no interval)"
    change = f"<br>by {plain(record['change'], 120)}" if record["change"] else ""
    return f"<b>{plain(record['judge'])}</b><br>{record['exposure']:.1f} points{ends}{change}{remark}<br>{n}"


def shifts_chart(table: pd.DataFrame) -> go.Figure:
    """Predicted and observed shift and their difference below each other, with 95 % intervals; of shifts in the first one's unit alone.

    Args:
        table: of `side_by_side`.
    """
    part = table[table["unit"] == table["unit"].iloc[0]]
    value, low, high = (part[column].to_numpy(dtype=float) for column in ("value", "low", "high"))
    names = [plain(text, 30) for text in part["what"]]
    reach = float(np.nanmax(np.abs(np.concatenate([value, low, high])))) if len(part) else 0.0
    span = max(LEAST_SPAN, 1.06 * reach)
    return go.Figure(
        {
            "data": [
                {
                    "type": "scatter",
                    "mode": "markers",
                    "x": value,
                    "y": list(range(len(part))),
                    "marker": {"size": 10, "color": [PREFERRED if number > 0 else DISPREFERRED for number in value]},
                    "error_x": interval(value, low, high),
                    "hovertext": [_shift_hover(record) for record in part.to_dict("records")],
                    "hoverinfo": "text",
                }
            ],
            "layout": {
                **layout(170, (label_width(names), 14, 16, 44)),
                "xaxis": {**AXIS, "range": [-span, span], "title": {"text": f"shift, {plain(part['unit'].iloc[0])}"}},
                "yaxis": row_axis(names),
                "shapes": [upright(0)],
                "showlegend": False,
            },
        }
    )


def _shift_hover(record: Mapping[Any, Any]) -> str:
    ends = f"95 %: {record['low']:+.1f} to {record['high']:+.1f}" if np.isfinite(record["low"]) else "no interval"
    return f"{plain(record['what'])}<br>{record['value']:+.1f} ({ends})<br>n = {record['n']:,}"
