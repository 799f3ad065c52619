"""Judges compared: differences with their intervals, strength and direction, and paths over rounds."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.dataset import group_label
from dissection.figures.likeness import uncrowded
from dissection.figures.style import FADED, GRID, MUTED, PALETTE, PREFERRED, judge_text, layout, plain
from dissection.regression.posterior import probability

AXIS = {"gridcolor": GRID, "zeroline": False, "fixedrange": True}
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
    rows = table.to_dict("records")
    places = np.arange(len(rows))
    hover = [difference_hover(row) for row in rows]
    opacity = np.where(table["shown"], 1.0, FADED)
    texts = [plain(row["property"], 30) for row in rows]
    left = 14 + int(6.3 * max((len(text) for text in texts), default=4))
    joined: dict[str, Any] = {"x": [], "y": []}
    for place, row in zip(places, rows, strict=True):
        joined["x"] += [row["first_percent"], row["second_percent"], None]
        joined["y"] += [place, place, None]
    traces: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", **joined, "line": {"color": MUTED, "width": 2}, "hoverinfo": "skip", "showlegend": False}
    ]
    for side, name, colour, symbol in zip(("first", "second"), names, colours, ("circle", "diamond"), strict=True):
        marker = {"color": colour, "size": 9, "symbol": symbol, "opacity": opacity}
        x = table[f"{side}_percent"]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": x,
                "y": places,
                "name": plain(name, 34),
                "marker": marker,
                "hovertext": hover,
                "hoverinfo": "text",
            }
        )
    traces += [
        _forest(table, places, mask, colour, hover)
        for mask, colour in ((table["shown"], PREFERRED), (~table["shown"], MUTED))
        if mask.any()
    ]
    reach = float(np.nanmax(np.abs(table[["low", "high"]].to_numpy(dtype=float)), initial=0.1)) * 1.05
    line = {"type": "line", "layer": "below", "yref": "paper", "y0": 0, "y1": 1, "line": {"color": MUTED, "width": 1}}
    return go.Figure(
        {
            "data": traces,
            "layout": {
                **layout(110 + _ROW * max(len(rows), 3), (left, 40, 16, 50)),
                "xaxis": {**AXIS, "domain": [0, 0.49], "ticksuffix": " %", "title": {"text": "preferred if better only on this"}},
                "xaxis2": {**AXIS, "domain": [0.53, 1], "range": [-reach, reach], "title": {"text": "difference, log-odds"}},
                "yaxis": {**AXIS, "tickvals": places, "ticktext": texts, "range": [len(rows) - 0.4, -0.6]},
                "shapes": [{**line, "xref": "x", "x0": 50, "x1": 50}, {**line, "xref": "x2", "x0": 0, "x1": 0}],
                "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
            },
        }
    )


def _forest(table: pd.DataFrame, places: Any, mask: Any, colour: str, hover: Sequence[str]) -> dict[str, Any]:
    part, value = table[mask], table.loc[mask, "difference"]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": value,
        "y": places[mask],
        "xaxis": "x2",
        "marker": {"color": colour, "size": 8, "symbol": "square"},
        "error_x": {"array": part["high"] - value, "arrayminus": value - part["low"], "color": colour, "thickness": 1.5, "width": 0},
        "hovertext": [text for text, here in zip(hover, mask, strict=True) if here],
        "hoverinfo": "text",
        "customdata": part[["first", "first_group", "property"]].to_numpy(),
        "showlegend": False,
    }


def strength_chart(
    frame: pd.DataFrame, colours: Mapping[str, str], twins: Sequence[tuple[str, str]], own: Collection[str] = ()
) -> go.Figure:
    """How decided each judge is, with intervals; the two of a pair of twins are joined.

    Args:
        frame: of `strengths`, the rows from the top.
        colours: judge → colour.
        twins: (base, aligned) versions of one model.
        own: the judges that the visitor brought.
    """
    texts = [judge_text(judge, own) for judge in frame["judge"]]
    place = {judge: row for row, judge in enumerate(frame["judge"])}
    strength = dict(zip(frame["judge"], frame["strength"], strict=True))
    joined: dict[str, Any] = {"x": [], "y": []}
    for pair in twins:
        if set(pair) <= set(place):
            joined["x"] += [*(strength[judge] for judge in pair), None]
            joined["y"] += [*(place[judge] for judge in pair), None]
    hover = [
        f"<b>{plain(row['judge'])}</b><br>strength {row['strength']:.2f} log-odds"
        + (f" (95 %: {row['low']:.2f}–{row['high']:.2f})" if np.isfinite(row["low"]) else f" ({plain(row['reason'])})")
        + (f"<br>n = {row['n']:,} pairs in {row['groups']} groups" if row["n"] else "")
        for row in frame.to_dict("records")
    ]
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": frame["strength"],
        "y": list(place.values()),
        "marker": {"color": [colours[judge] for judge in frame["judge"]], "size": 9},
        "error_x": {
            "array": np.nan_to_num(frame["high"] - frame["strength"]),
            "arrayminus": np.nan_to_num(frame["strength"] - frame["low"]),
            "color": MUTED,
            "thickness": 1.5,
            "width": 0,
        },
        "hovertext": hover,
        "hoverinfo": "text",
        "showlegend": False,
    }
    line = {"type": "scatter", "mode": "lines", **joined, "line": {"color": MUTED, "width": 1, "dash": "dot"}, "hoverinfo": "skip"}
    left = 14 + int(6.3 * max((len(text) for text in texts), default=4))
    return go.Figure(
        {
            "data": [{**line, "showlegend": False}, dots],
            "layout": {
                **layout(80 + 22 * max(len(frame), 3), (left, 10, 16, 46)),
                "xaxis": {**AXIS, "rangemode": "tozero", "title": {"text": "strength: length of the weights, log-odds"}},
                "yaxis": {**AXIS, "tickvals": list(place.values()), "ticktext": texts, "range": [len(texts) - 0.4, -0.6]},
            },
        }
    )


def direction_chart(frame: pd.DataFrame, colours: Mapping[str, str], own: Collection[str] = ()) -> go.Figure:
    """Each judge against one: ratio of strengths across, likeness of directions up; 1 and 1 is the reference itself.

    Args:
        frame: of `likeness_table`.
        colours: judge → colour, of `second`.
        own: the judges that the visitor brought.
    """
    hover = [
        f"<b>{plain(row['second'])}</b> against {plain(row['first'])}<br>"
        + _number("strength ×", row, "ratio")
        + "<br>"
        + _number("direction (cosine)", row, "cosine")
        + (f"<br>n = {row['n_first']:,} and {row['n_second']:,} pairs" if row["n_first"] else "")
        for row in frame.to_dict("records")
    ]
    bars = {
        f"error_{axis}": {
            "array": np.nan_to_num(frame[f"{name}_high"] - frame[name]),
            "arrayminus": np.nan_to_num(frame[name] - frame[f"{name}_low"]),
            "color": MUTED,
            "thickness": 1.2,
            "width": 0,
        }
        for axis, name in (("x", "ratio"), ("y", "cosine"))
    }
    low = float(np.nanmin(frame[["cosine", "cosine_low"]].to_numpy(dtype=float), initial=0.5)) - 0.08
    labelled = uncrowded(_on_screen(frame, 1.06 - low))
    dots = {
        "type": "scatter",
        "mode": "markers+text",
        "x": frame["ratio"],
        "y": frame["cosine"],
        "marker": {"color": [colours[judge] for judge in frame["second"]], "size": 10},
        "text": [judge_text(judge, own, 22) if judge in labelled else "" for judge in frame["second"]],
        "textposition": "bottom center",
        "hovertext": hover,
        "hoverinfo": "text",
        "showlegend": False,
        **bars,
    }
    cross = [
        {
            "type": "line",
            "layer": "below",
            "line": {"color": MUTED, "width": 1},
            "xref": "x",
            "x0": 1,
            "x1": 1,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
        },
        {
            "type": "line",
            "layer": "below",
            "line": {"color": MUTED, "width": 1},
            "yref": "y",
            "y0": 1,
            "y1": 1,
            "xref": "paper",
            "x0": 0,
            "x1": 1,
        },
    ]
    return go.Figure(
        {
            "data": [dots],
            "layout": {
                **layout(460, (64, 10, 16, 50)),
                "xaxis": {**AXIS, "type": "log", "title": {"text": "strength, as a multiple of the reference's"}},
                "yaxis": {**AXIS, "range": [low, 1.06], "title": {"text": "same direction (cosine)"}},
                "shapes": cross,
            },
        }
    )


def _on_screen(frame: pd.DataFrame, height: float) -> pd.DataFrame:
    """(judges × x, y) with both axes in the same unit, as the chart, which shows cosines over `height`, is twice as wide as high."""
    places = pd.DataFrame({"x": np.log(frame["ratio"]), "y": frame["cosine"]}).set_axis(frame["second"]).dropna()
    width = max(float(np.ptp(places["x"])), 1e-9) if len(places) else 1.0
    return places.div([width / 2, height], axis="columns")


def _number(label: str, row: Mapping[Any, Any], name: str) -> str:
    if not np.isfinite(row[name]):
        return f"{label}: none ({plain(row['reason'])})"
    if not np.isfinite(row[f"{name}_low"]):
        return f"{label} {row[name]:.2f} ({plain(row['reason'])})"
    return f"{label} {row[name]:.2f} (95 %: {row[f'{name}_low']:.2f}–{row[f'{name}_high']:.2f})"


def rounds_chart(effects: pd.DataFrame, properties: Sequence[str]) -> go.Figure:
    """The path of some properties over the rounds, with intervals.

    Args:
        effects: of `Rounds.effects`.
        properties: at most as many as the palette has colours.
    """
    judges = list(dict.fromkeys(effects["judge"]))
    spread = np.linspace(-0.12, 0.12, len(properties)) if len(properties) > 1 else [0.0]
    traces = []
    for offset, colour, name in zip(spread, PALETTE, properties, strict=False):
        part = effects[effects["property"] == name]
        value, low, high = (probability(part[column].to_numpy(dtype=float)) for column in ("mean", "low", "high"))
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": plain(name, 30),
                "x": part["round"] + offset,
                "y": value,
                "line": {"color": colour, "width": 2},
                "marker": {"color": colour, "size": 8},
                "error_y": {"array": high - value, "arrayminus": value - low, "color": colour, "thickness": 1.2, "width": 0},
                "hovertext": [
                    f"<b>{plain(name)}</b> · {plain(row['judge'])}<br>preferred {v:.0f} % (95 %: {lo:.0f}–{hi:.0f})<br>n = {row['n']:,}"
                    for row, v, lo, hi in zip(part.to_dict("records"), value, low, high, strict=True)
                ],
                "hoverinfo": "text",
            }
        )
    return go.Figure(
        {
            "data": traces,
            "layout": {
                **layout(440, (64, 48, 16, 70)),
                "xaxis": {**AXIS, "tickvals": list(range(1, len(judges) + 1)), "ticktext": [plain(judge, 18) for judge in judges]},
                "yaxis": {**AXIS, "ticksuffix": " %", "title": {"text": "preferred if better only on this"}},
                "shapes": [
                    {
                        "type": "line",
                        "layer": "below",
                        "line": {"color": MUTED, "width": 1},
                        "xref": "paper",
                        "x0": 0,
                        "x1": 1,
                        "y0": 50,
                        "y1": 50,
                    }
                ],
                "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
            },
        }
    )
