"""What if a pair differed in other properties: each judge's prediction before and after."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.figures.parts import AXIS, LEGEND, interval, joined, label_width, row_axis, upright
from dissection.figures.style import DISPREFERRED, MUTED, PREFERRED, judge_text, layout, plain, plain_markdown


def what_if_chart(frame: pd.DataFrame, own: Collection[str] = ()) -> go.Figure:
    """Dumbbells, one a judge: hollow before, filled after, with 95 % intervals; teal towards A, ochre towards B.

    Args:
        frame: of `explanation.what_if`, the rows from the top.
        own: the judges that the visitor brought.
    """
    texts = [judge_text(name, own) for name in frame["judge"]]
    colours = [PREFERRED if change > 0 else DISPREFERRED if change < 0 else MUTED for change in frame["change"]]
    links = [(a, row - 0.16, b, row + 0.16) for row, (a, b) in enumerate(zip(frame["before"], frame["after"], strict=True))]
    return go.Figure(
        {
            "data": [
                _dots(frame, "before", -0.16, MUTED, hollow=True),
                joined(links, dotted=True),
                _dots(frame, "after", 0.16, colours, hollow=False),
            ],
            "layout": {
                **layout(96 + 28 * max(len(frame), 2), (label_width(texts), 36, 16, 44)),
                "xaxis": {**AXIS, "range": [-1, 101], "ticksuffix": " %", "title": {"text": "how often A is predicted to be preferred"}},
                "yaxis": row_axis(texts),
                "shapes": [upright(50)],
                "legend": LEGEND,
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
        "error_x": interval(value, low, high),
        "hovertext": [_hover(row) for row in frame.to_dict("records")],
        "hoverinfo": "text",
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
