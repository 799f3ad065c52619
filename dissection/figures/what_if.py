"""What if a pair differed in other properties: each judge's prediction before and after."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.figures.style import DISPREFERRED, GRID, MUTED, PREFERRED, judge_text, layout, plain, plain_markdown


def what_if_chart(frame: pd.DataFrame, own: Collection[str] = ()) -> go.Figure:
    """Dumbbells, one a judge: hollow before, filled after, with 95 % intervals; teal towards A, ochre towards B.

    Args:
        frame: of `explanation.what_if`, the rows from the top.
        own: the judges that the visitor brought.
    """
    texts = [judge_text(name, own) for name in frame["judge"]]
    left = 14 + int(6.3 * max((len(text) for text in texts), default=4))
    colours = [PREFERRED if change > 0 else DISPREFERRED if change < 0 else MUTED for change in frame["change"]]
    axis = {"gridcolor": GRID, "zeroline": False, "fixedrange": True, "automargin": False}
    middle = {"type": "line", "layer": "below", "xref": "x", "yref": "paper", "x0": 50, "x1": 50, "y0": 0, "y1": 1}
    return go.Figure(
        {
            "data": [_dots(frame, "before", -0.16, MUTED, hollow=True), _links(frame), _dots(frame, "after", 0.16, colours, hollow=False)],
            "layout": {
                **layout(96 + 28 * max(len(frame), 2), (left, 36, 16, 44)),
                "xaxis": {**axis, "range": [-1, 101], "ticksuffix": " %", "title": {"text": "how often A is predicted to be preferred"}},
                "yaxis": {**axis, "tickvals": list(range(len(texts))), "ticktext": texts, "range": [len(texts) - 0.4, -0.6]},
                "shapes": [{**middle, "line": {"color": MUTED, "width": 1}}],
                "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
                "showlegend": True,
            },
        }
    )


def _dots(frame: pd.DataFrame, name: str, offset: float, colour: str | list[str], *, hollow: bool) -> dict[str, Any]:
    value, low, high = (frame[column].to_numpy(dtype=float) for column in (name, f"{name}_low", f"{name}_high"))
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": value,
        "y": np.arange(len(frame)) + offset,
        "marker": {"color": colour, "size": 8, "symbol": "circle-open" if hollow else "circle", "line": {"width": 1.5, "color": colour}},
        "error_x": {
            "array": np.nan_to_num(high - value),
            "arrayminus": np.nan_to_num(value - low),
            "color": MUTED,
            "thickness": 1.3,
            "width": 0,
        },
        "hovertext": [_hover(row) for row in frame.to_dict("records")],
        "hoverinfo": "text",
    }


def _links(frame: pd.DataFrame) -> dict[str, Any]:
    nothing = np.full(len(frame), np.nan)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": np.stack([frame["before"], frame["after"], nothing], axis=1).ravel(),
        "y": np.stack([np.arange(len(frame)) - 0.16, np.arange(len(frame)) + 0.16, nothing], axis=1).ravel(),
        "line": {"color": MUTED, "width": 1, "dash": "dot"},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _hover(row: dict[Any, Any]) -> str:
    def share(name: str) -> str:
        ends = "no interval" if np.isnan(row[f"{name}_low"]) else f"95 %: {row[f'{name}_low']:.1f}–{row[f'{name}_high']:.1f}"
        return f"{name} {row[name]:.1f} % ({ends})"

    return f"<b>{plain(row['judge'])}</b><br>{share('before')}<br>{share('after')}<br>{_change(row)}<br>n = {row['n']:,} pairs"


def _change(row: "dict[Any, Any] | pd.Series[Any]") -> str:
    ends = "no interval" if np.isnan(row["change_low"]) else f"95 %: {row['change_low']:+.1f} to {row['change_high']:+.1f}"
    return f"{row['change']:+.1f} points ({ends})"


def what_if_reading(frame: pd.DataFrame, where: str) -> str:
    """How to read the dumbbells, with the largest move.

    Args:
        frame: of `explanation.what_if`.
        where: the group that was fitted.
    """
    top = frame.iloc[int(frame["change"].abs().to_numpy().argmax())]
    crossing = int(((frame["before"] - 50) * (frame["after"] - 50) < 0).sum())
    crossed = f"{crossing} of {len(frame)}" if crossing else f"none of the {len(frame)}"
    moved = (
        "Nothing moves yet"
        if top["change"] == 0
        else f"The largest move is {plain_markdown(top['judge'])}, {_change(top)}, n = {top['n']:,}"
    )
    return (
        f"How often each judge would prefer A, before (hollow) and after (filled), with 95 % intervals; fits of {plain_markdown(where)}. "
        f"{moved}; {crossed} would change sides. A change of a property changes nothing else of the answers here."
    )
