"""How decided judges are apart from what they want, and their paths over rounds."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.figures.likeness import uncrowded
from dissection.figures.parts import AXIS, LEGEND, interval, joined, label_width, level, row_axis, upright
from dissection.figures.style import PALETTE, judge_text, layout, plain
from dissection.regression.posterior import probability


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
    links = [(strength[a], place[a], strength[b], place[b]) for a, b in twins if {a, b} <= set(place)]
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": frame["strength"],
        "y": list(place.values()),
        "marker": {"color": [colours[judge] for judge in frame["judge"]], "size": 9},
        "error_x": interval(frame["strength"], frame["low"], frame["high"]),
        "hovertext": [_strength_hover(row) for row in frame.to_dict("records")],
        "hoverinfo": "text",
        "showlegend": False,
    }
    return go.Figure(
        {
            "data": [joined(links, dotted=True), dots],
            "layout": {
                **layout(80 + 22 * max(len(frame), 3), (label_width(texts), 10, 16, 46)),
                "xaxis": {**AXIS, "rangemode": "tozero", "title": {"text": "strength: length of the weights, log-odds"}},
                "yaxis": row_axis(texts),
            },
        }
    )


def _strength_hover(row: Mapping[Any, Any]) -> str:
    ends = f"95 %: {row['low']:.2f}–{row['high']:.2f}" if np.isfinite(row["low"]) else plain(row["reason"])
    counts = f"<br>n = {row['n']:,} pairs in {row['groups']} groups" if row["n"] else ""
    return f"<b>{plain(row['judge'])}</b><br>strength {row['strength']:.2f} log-odds ({ends}){counts}"


def direction_chart(frame: pd.DataFrame, colours: Mapping[str, str], own: Collection[str] = ()) -> go.Figure:
    """Each judge against one: ratio of strengths across, likeness of directions up; 1 and 1 is the reference itself.

    Args:
        frame: of `relation_table`.
        colours: judge → colour, of `second`.
        own: the judges that the visitor brought.
    """
    low = float(np.nanmin(frame[["cosine", "cosine_low"]].to_numpy(dtype=float), initial=0.5)) - 0.08
    labelled = uncrowded(_on_screen(frame, 1.06 - low))
    dots = {
        "type": "scatter",
        "mode": "markers+text",
        "x": frame["ratio"],
        "y": frame["cosine"],
        "marker": {"color": [colours[judge] for judge in frame["second"]], "size": 10},
        "error_x": interval(frame["ratio"], frame["ratio_low"], frame["ratio_high"]),
        "error_y": interval(frame["cosine"], frame["cosine_low"], frame["cosine_high"]),
        "text": [judge_text(judge, own, 22) if judge in labelled else "" for judge in frame["second"]],
        "textposition": "bottom center",
        "hovertext": [_direction_hover(row) for row in frame.to_dict("records")],
        "hoverinfo": "text",
        "showlegend": False,
    }
    return go.Figure(
        {
            "data": [dots],
            "layout": {
                **layout(460, (64, 10, 16, 50)),
                "xaxis": {**AXIS, "type": "log", "title": {"text": "strength, as a multiple of the reference's"}},
                "yaxis": {**AXIS, "range": [low, 1.06], "title": {"text": "same direction (cosine)"}},
                "shapes": [upright(1), level(1)],
            },
        }
    )


def _direction_hover(row: Mapping[Any, Any]) -> str:
    counts = f"<br>n = {row['n_first']:,} and {row['n_second']:,} pairs" if row["n_first"] else ""
    return (
        f"<b>{plain(row['second'])}</b> against {plain(row['first'])}<br>{_number('strength ×', row, 'ratio')}<br>"
        f"{_number('direction (cosine)', row, 'cosine')}{counts}"
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
    spread = np.linspace(-0.12, 0.12, len(properties)) if len(properties) > 1 else np.zeros(1)
    paths = [
        _path(effects[effects["property"] == name], name, colour, float(offset))
        for offset, colour, name in zip(spread, PALETTE, properties, strict=False)
    ]
    return go.Figure(
        {
            "data": paths,
            "layout": {
                **layout(440, (64, 48, 16, 70)),
                "xaxis": {**AXIS, "tickvals": list(range(1, len(judges) + 1)), "ticktext": [plain(judge, 18) for judge in judges]},
                "yaxis": {**AXIS, "ticksuffix": " %", "title": {"text": "preferred if better only on this"}},
                "shapes": [level(50)],
                "legend": LEGEND,
            },
        }
    )


def _path(part: pd.DataFrame, name: str, colour: str, offset: float) -> dict[str, Any]:
    value, low, high = (probability(part[column].to_numpy(dtype=float)) for column in ("mean", "low", "high"))
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": plain(name, 30),
        "x": part["round"] + offset,
        "y": value,
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "size": 8},
        "error_y": interval(value, low, high, colour),
        "hovertext": [
            f"<b>{plain(name)}</b> · {plain(row['judge'])}<br>preferred {v:.0f} % (95 %: {lo:.0f}–{hi:.0f})<br>n = {row['n']:,}"
            for row, v, lo, hi in zip(part.to_dict("records"), value, low, high, strict=True)
        ],
        "hoverinfo": "text",
    }
