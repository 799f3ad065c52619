"""Differences of two judges with their intervals: what each prefers, joined, and the difference beside it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.dataset import BoolArray, group_label
from dissection.figures.parts import AXIS, LEGEND, interval, joined, label_width, row_axis, upright
from dissection.figures.style import FADED, MUTED, PREFERRED, layout, plain
from dissection.regression.posterior import probability

_ROW = 24


def percent_columns(table: pd.DataFrame) -> pd.DataFrame:
    """A table of differences with `first_percent` and `second_percent`: how often each side prefers what is better only on the property."""
    return table.assign(
        first_percent=probability(table["first_mean"].to_numpy(dtype=float)),
        second_percent=probability(table["second_mean"].to_numpy(dtype=float)),
    )


def difference_words(row: Mapping[Any, Any]) -> str:
    """A difference with its interval and probability, as in "+0.41 log-odds (95 %: 0.12 to 0.70), real with probability 99.6 %"."""
    if row["note"] and row["sd"] == 0:
        return f"no difference: {row['note']}"
    real = "over 99.9" if row["real"] > 0.999 else f"{100 * row['real']:.{1 if row['real'] > 0.99 else 0}f}"
    return f"{row['difference']:+.2f} log-odds (95 %: {row['low']:+.2f} to {row['high']:+.2f}), this way round with probability {real} %"


def difference_hover(row: Mapping[Any, Any]) -> str:
    """What a difference says under the pointer."""
    in_second = "" if row["second_group"] == row["first_group"] else f" in {plain(group_label(row['second_group']))}"
    counts = f"n = {row['n_first']:,} and {row['n_second']:,} pairs, {row['n_common']:,} in common"
    lines = [
        f"<b>{plain(row['property'])}</b> · {plain(group_label(row['first_group']))}",
        f"{plain(row['first'])}: preferred {row['first_percent']:.0f} %",
        f"{plain(row['second'])}{in_second}: preferred {row['second_percent']:.0f} %",
        difference_words(row),
        f"{counts}; {row['differs_first']:.0f} and {row['differs_second']:.0f} differ in this",
    ]
    if not row["shown"]:
        lines.append("not told apart from no difference")
    return "<br>".join(lines)


def differences_chart(table: pd.DataFrame, names: tuple[str, str], colours: tuple[str, str]) -> go.Figure:
    """What each side prefers, joined by a line, and beside it the difference with its interval; undecided ones are faded.

    Args:
        table: of `percent_columns` with a column `shown` (count as different), one contrast, the rows from the top.
        names: of first and second, for the legend.
        colours: of both.
    """
    hover = [difference_hover(row) for row in table.to_dict("records")]
    texts = [plain(name, 30) for name in table["property"]]
    shown = table["shown"].to_numpy(dtype=bool)
    links = joined([(a, row, b, row) for row, (a, b) in enumerate(zip(table["first_percent"], table["second_percent"], strict=True))])
    sides = [
        _side(table, f"{side}_percent", name, colour, symbol, hover)
        for side, name, colour, symbol in zip(("first", "second"), names, colours, ("circle", "diamond"), strict=True)
    ]
    forest = [_forest(table, mask, colour, hover) for mask, colour in ((shown, PREFERRED), (~shown, MUTED)) if mask.any()]
    reach = float(np.nanmax(np.abs(table[["low", "high"]].to_numpy(dtype=float)), initial=0.1)) * 1.05
    return go.Figure(
        {
            "data": [links, *sides, *forest],
            "layout": {
                **layout(110 + _ROW * max(len(table), 3), (label_width(texts), 40, 16, 50)),
                "xaxis": {**AXIS, "domain": [0, 0.49], "ticksuffix": " %", "title": {"text": "preferred if better only on this"}},
                "xaxis2": {**AXIS, "domain": [0.53, 1], "range": [-reach, reach], "title": {"text": "difference, log-odds"}},
                "yaxis": row_axis(texts),
                "shapes": [upright(50), upright(0, "x2")],
                "legend": LEGEND,
            },
        }
    )


def _side(table: pd.DataFrame, column: str, name: str, colour: str, symbol: str, hover: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": table[column],
        "y": np.arange(len(table)),
        "name": plain(name, 34),
        "marker": {"color": colour, "size": 9, "symbol": symbol, "opacity": np.where(table["shown"], 1.0, FADED)},
        "hovertext": hover,
        "hoverinfo": "text",
    }


def _forest(table: pd.DataFrame, mask: BoolArray, colour: str, hover: Sequence[str]) -> dict[str, Any]:
    part = table[mask]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": part["difference"],
        "y": np.flatnonzero(mask),
        "xaxis": "x2",
        "marker": {"color": colour, "size": 8, "symbol": "square"},
        "error_x": interval(part["difference"], part["low"], part["high"], colour),
        "hovertext": [text for text, here in zip(hover, mask, strict=True) if here],
        "hoverinfo": "text",
        "customdata": part[["first", "first_group", "property"]].to_numpy(),
        "showlegend": False,
    }
