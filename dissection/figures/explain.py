"""Why this pair: bars of what each property adds to the predicted log-odds."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.explanation import POSITION
from dissection.figures.style import DISPREFERRED, GRID, MUTED, PREFERRED, PRIOR, finish, plain


def contribution_chart(frame: pd.DataFrame, prior_reach: float | None = None) -> go.Figure:
    """Bars of the contributions that are not zero, largest first, with 95 % intervals; right of zero speaks for A.

    Args:
        frame: of `explanation.contributions`.
        prior_reach: half the width of the prior's 95 % interval of a weight, in log-odds; drawn behind the bars.
    """
    shown = frame[frame["contribution"].abs() > 0].sort_values("contribution", key=np.abs, ascending=False)
    known = shown["low"].notna()
    decided = (shown["low"] > 0) | (shown["high"] < 0) | ~known
    figure = go.Figure()
    if prior_reach is not None:
        figure.add_trace(_prior_bars(shown, prior_reach))
    figure.add_trace(
        go.Bar(
            x=shown["contribution"],
            y=[plain(name, 26) for name in shown["property"]],
            orientation="h",
            marker={
                "color": [PREFERRED if value > 0 else DISPREFERRED for value in shown["contribution"]],
                "opacity": [0.9 if sure else 0.35 for sure in decided],
            },
            error_x={
                "array": (shown["high"] - shown["contribution"]).fillna(0),
                "arrayminus": (shown["contribution"] - shown["low"]).fillna(0),
                "color": MUTED,
                "thickness": 1.3,
                "width": 3,
            },
            hovertext=[
                f"<b>{plain(row['property'])}</b><br>{row['contribution']:+.3f} log-odds for A"
                + (f" (95 %: {row['low']:+.3f} to {row['high']:+.3f})" if pd.notna(row["low"]) else " (no interval)")
                for _, row in shown.iterrows()
            ],
            hoverinfo="text",
            showlegend=False,
        )
    )
    figure.add_vline(x=0, line={"color": MUTED, "width": 1})
    figure.update_xaxes(title="← speaks for B · log-odds · speaks for A →", gridcolor=GRID, zeroline=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True)
    figure.update_layout(barmode="overlay", legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0})
    return finish(figure, height=90 + 24 * max(len(shown), 2), margin=(8, 28 if prior_reach is not None else 8, 8, 44))


def _prior_bars(shown: pd.DataFrame, reach: float) -> go.Bar:
    # The position has a prior of its own, which is not this one.
    width = np.where(shown["property"] == POSITION, 0.0, reach * shown["comparison"].abs())
    return go.Bar(
        x=2 * width,
        base=-width,
        y=[plain(name, 26) for name in shown["property"]],
        orientation="h",
        marker={"color": PRIOR},
        name="the prior's 95 %",
        hoverinfo="skip",
    )
