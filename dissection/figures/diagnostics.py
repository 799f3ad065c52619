"""Figures of the Diagnostics page: one engine against the other, traces, ranks and the posterior predictive check."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from scipy.stats import rankdata

from dissection.dataset import FloatArray, group_label
from dissection.figures.style import DISPREFERRED, GRID, MUTED, PALETTE, PREFERRED, finish, plain
from dissection.regression.posterior import Posterior

RANK_BINS = 20


def engines_frame(fast: Sequence[Posterior], sampled: Sequence[Posterior]) -> pd.DataFrame:
    """One row a weight that both engines have.

    Returns:
        `judge`, `group`, `property`, `fast`, `nuts` (means in log-odds), `sd` (of NUTS), `apart` (difference of the means in posterior
        sds), `sd_ratio` and `ends_apart` (the larger difference of the ends, in sds).
    """
    by_cell = {(posterior.judge, posterior.group): posterior for posterior in fast if posterior.status == "fitted"}
    frames = []
    for one in sampled:
        other = by_cell.get((one.judge, one.group))
        if one.status != "fitted" or other is None:
            continue
        ends = np.maximum(np.abs(other.low - one.low), np.abs(other.high - one.high))
        frames.append(
            pd.DataFrame(
                {
                    "judge": one.judge,
                    "group": one.group.name,
                    "property": one.properties,
                    "fast": other.mean,
                    "nuts": one.mean,
                    "sd": one.sd,
                    "apart": (other.mean - one.mean) / one.sd,
                    "sd_ratio": other.sd / one.sd,
                    "ends_apart": ends / one.sd,
                }
            )
        )
    columns = ["judge", "group", "property", "fast", "nuts", "sd", "apart", "sd_ratio", "ends_apart"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def engines_chart(frame: pd.DataFrame) -> go.Figure:
    """Means of the fast engine against those of NUTS, with the line of identity; `frame` is of `engines_frame`."""
    means = frame[["fast", "nuts"]].to_numpy(dtype=float)
    low, high = float(means.min()) - 0.05, float(means.max()) + 0.05
    figure = go.Figure(
        [
            go.Scatter(x=[low, high], y=[low, high], mode="lines", line={"color": MUTED, "width": 1}, hoverinfo="skip"),
            go.Scattergl(
                x=frame["nuts"],
                y=frame["fast"],
                mode="markers",
                marker={"size": 5, "color": PREFERRED, "opacity": 0.55},
                hovertext=[
                    f"<b>{plain(row['judge'])}</b> · {plain(row['property'])}<br>{plain(group_label(str(row['group'])))}<br>NUTS {row['nuts']:+.3f}, "
                    f"fast {row['fast']:+.3f}: {row['apart']:+.2f} posterior sd apart"
                    for row in frame.to_dict("records")
                ],
                hoverinfo="text",
            ),
        ]
    )
    figure.update_xaxes(title="posterior mean by NUTS (log-odds)", gridcolor=GRID, zeroline=False, fixedrange=True)
    figure.update_yaxes(title="by the fast engine", gridcolor=GRID, zeroline=False, fixedrange=True)
    figure.update_layout(showlegend=False)
    return finish(figure, height=420, margin=(64, 12, 12, 48))


def trace_chart(draws: FloatArray, name: str) -> go.Figure:
    """The draws of one weight in their order; `draws` is (chains × draws) in log-odds."""
    step = max(1, draws.shape[1] // 500)
    figure = go.Figure(
        [
            go.Scattergl(
                x=np.arange(0, draws.shape[1], step),
                y=chain[::step],
                mode="lines",
                name=f"chain {number + 1}",
                line={"width": 1, "color": PALETTE[number % len(PALETTE)]},
                opacity=0.75,
            )
            for number, chain in enumerate(draws)
        ]
    )
    figure.update_xaxes(title="draw" + (f" (every {step}th shown)" if step > 1 else ""), gridcolor=GRID, zeroline=False, fixedrange=True)
    figure.update_yaxes(title=f"{plain(name, 24)} (log-odds)", gridcolor=GRID, zeroline=False, fixedrange=True)
    figure.update_layout(legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0})
    return finish(figure, height=300, margin=(64, 36, 12, 48))


def rank_counts(draws: FloatArray) -> FloatArray:
    """(chains × bins) how many of each chain's draws fall into each bin of the ranks among all draws (Vehtari et al. 2021)."""
    ranks = rankdata(draws.ravel()).reshape(draws.shape)
    bins = np.minimum((RANK_BINS * (ranks - 0.5) / draws.size).astype(int), RANK_BINS - 1)
    return np.stack([np.bincount(chain, minlength=RANK_BINS) for chain in bins]).astype(float)


def rank_chart(draws: FloatArray) -> go.Figure:
    """Rank histograms of the chains, one above the other; flat where they mix."""
    counts = rank_counts(draws)
    expected = draws.shape[1] / RANK_BINS
    figure = go.Figure()
    for number, chain in enumerate(counts):
        figure.add_bar(
            x=np.arange(RANK_BINS) + 0.5,
            y=chain / expected,
            base=1.6 * (len(counts) - 1 - number),
            marker={"color": PALETTE[number % len(PALETTE)], "opacity": 0.75},
            name=f"chain {number + 1}",
            hovertext=[f"chain {number + 1}: {int(count)} draws, {expected:.0f} expected" for count in chain],
            hoverinfo="text",
        )
        figure.add_hline(y=1.6 * (len(counts) - 1 - number) + 1, line={"color": MUTED, "width": 1, "dash": "dot"})
    figure.update_xaxes(title="rank among all draws, in 20 bins", showgrid=False, zeroline=False, fixedrange=True, showticklabels=False)
    figure.update_yaxes(showgrid=False, zeroline=False, fixedrange=True, showticklabels=False)
    figure.update_layout(barmode="overlay", bargap=0.06, legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0})
    return finish(figure, height=300, margin=(12, 36, 12, 36))


def predictive_chart(frame: pd.DataFrame) -> go.Figure:
    """Observed win shares as dots on the bars of their 95 % predictive intervals; `frame` is of `predictive_check`."""
    place = np.arange(len(frame))
    figure = go.Figure(
        [
            go.Scatter(
                x=np.stack([frame["low"], frame["high"], np.full(len(frame), np.nan)], axis=1).ravel(),
                y=np.repeat(place, 3),
                mode="lines",
                line={"color": MUTED, "width": 8},
                name="95 % of replicated verdicts",
                hoverinfo="skip",
            ),
            go.Scatter(
                x=frame["observed"],
                y=place,
                mode="markers",
                marker={"size": 8, "color": [PREFERRED if inside else DISPREFERRED for inside in frame["inside"]]},
                name="observed",
                hovertext=[
                    f"<b>{plain(row['property'])}</b><br>the better answer won {row['observed']:.0f} % of {row['n']:,} rows"
                    f"<br>replicated: {row['low']:.0f}–{row['high']:.0f} %"
                    for row in frame.to_dict("records")
                ],
                hoverinfo="text",
            ),
        ]
    )
    figure.update_xaxes(title="won by the answer that is better on it", ticksuffix=" %", gridcolor=GRID, zeroline=False, fixedrange=True)
    figure.update_yaxes(
        tickvals=place,
        ticktext=[plain(name, 26) for name in frame["property"]],
        range=[len(frame) - 0.4, -0.6],
        gridcolor=GRID,
        zeroline=False,
        fixedrange=True,
        automargin=True,
    )
    figure.update_layout(legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0})
    return finish(figure, height=110 + 19 * max(len(frame), 3), margin=(8, 36, 8, 48))
