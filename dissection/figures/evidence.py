"""What the pairs can tell apart: correlations of comparisons, and how small an effect of each property they could have shown."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.clusters import cluster
from dissection.figures.parts import label_width
from dissection.figures.style import DIVERGING, layout, plain
from dissection.regression.collinearity import Collinearity
from dissection.regression.discoveries import discoveries, smallest_effect
from dissection.regression.posterior import Posterior, effects_frame, probability

EVIDENCE_LABELS = {
    "property": "Property",
    "differs": "Pairs that differ",
    "n": "Pairs",
    "vif": "Variance inflation",
    "smallest": "Smallest effect seen, %",
    "percent": "Preferred %",
    "low": "95 % from",
    "high": "95 % to",
    "discovery": "Holds at FDR 5 %",
}


def correlation_frame(found: Collinearity) -> pd.DataFrame:
    """One row a pair of properties: `property`, `other`, `r`, `n`, `unlike`; the strongest correlation first, undefined ones last."""
    rows, columns = np.triu_indices(len(found.properties), 1)
    names = np.array(found.properties, dtype=object)
    frame = pd.DataFrame(
        {
            "property": names[rows],
            "other": names[columns],
            "r": found.correlation[rows, columns],
            "n": found.n,
            "unlike": found.unlike[rows, columns].astype(int),
        }
    )
    return frame.sort_values("r", key=np.abs, ascending=False, ignore_index=True)


def order_correlated(found: Collinearity) -> list[int]:
    """Places of the properties, those that go together beside each other, those that never vary last."""
    varies = np.flatnonzero(~np.isnan(np.diag(found.correlation)))
    rest = [place for place in range(len(found.properties)) if place not in varies]
    if len(varies) < 3:
        return [*(int(place) for place in varies), *rest]
    labels = [str(place) for place in varies]
    strength = np.abs(found.correlation[np.ix_(varies, varies)])
    return [*(int(label) for label in cluster(pd.DataFrame(strength, index=labels, columns=labels)).order), *rest]


def correlation_chart(found: Collinearity) -> go.Figure:
    """Pearson correlations of the comparisons, properties that go together beside each other; empty where one never varies."""
    order = order_correlated(found)
    table = found.correlation[np.ix_(order, order)].copy()
    names = [found.properties[place] for place in order]
    hover = [[_hover(found, i, j) for j in order] for i in order]
    np.fill_diagonal(table, np.nan)
    texts = [plain(name, 24) for name in names]
    longest = max((len(text) for text in texts), default=4)
    left, top, right = label_width(texts), 16 + int(longest * 4.9), 70
    axis = {
        "tickvals": list(range(len(names))),
        "ticktext": texts,
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
        "fixedrange": True,
        "automargin": False,
    }
    return go.Figure(
        {
            "data": [
                {
                    "type": "heatmap",
                    "z": table,
                    "x": list(range(len(names))),
                    "y": list(range(len(names))),
                    "zmin": -1,
                    "zmax": 1,
                    "colorscale": DIVERGING,
                    "xgap": 1,
                    "ygap": 1,
                    "text": hover,
                    "hoverinfo": "text",
                    "hoverongaps": True,
                    "colorbar": {"thickness": 10, "len": 0.8, "title": {"text": "r", "side": "top"}, "outlinewidth": 0},
                }
            ],
            "layout": {
                **layout(top + 20 + max(22 * len(names), 90), (left, top, right, 8)),
                "xaxis": {"side": "top", "tickangle": -50, "range": [-0.5, len(names) - 0.5], **axis},
                "yaxis": {"range": [len(names) - 0.5, -0.5], **axis},
            },
        }
    )


def _hover(found: Collinearity, i: int, j: int) -> str:
    if i == j:
        return f"<b>{plain(found.properties[i])}</b><br>differs on {found.differs[i]:.0f} of {found.n:,} pairs"
    head = f"<b>{plain(found.properties[i])}</b> · <b>{plain(found.properties[j])}</b><br>"
    r = found.correlation[i, j]
    if np.isnan(r):
        return f"{head}no correlation: one of them is the same on all {found.n:,} pairs"
    return f"{head}r = {r:+.2f}, n = {found.n:,} pairs<br>{found.unlike[i, j]:.0f} pairs could tell them apart"


def evidence_frame(found: Collinearity, posterior: Posterior, prior_scale: float) -> pd.DataFrame:
    """What one judge's pairs say of each property, the columns of `EVIDENCE_LABELS`.

    Args:
        found: of the same pairs.
        posterior: of the judge in the group.
        prior_scale: b of the model, in log-odds.

    Returns:
        One row a property; percentages are 100·σ(weight). `discovery`: the effect is among those that hold at a false
        discovery rate of 5 % over the properties of this judge in this group. `smallest` is
        NaN where there is no fit, and 100 where the pairs say nothing of the property.
    """
    effects = effects_frame([posterior])
    scatter = posterior.likelihood_sd if posterior.likelihood_sd.size else np.full(len(found.properties), np.nan)
    return pd.DataFrame(
        {
            "property": list(found.properties),
            "differs": found.differs.astype(int),
            "n": found.n,
            "vif": found.vif,
            "smallest": probability(smallest_effect(scatter, prior_scale)),
            "percent": probability(posterior.mean),
            "low": probability(posterior.low),
            "high": probability(posterior.high),
            "discovery": discoveries(effects),
        }
    )
