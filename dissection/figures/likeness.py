"""Which judges are alike: the clustered matrix with its tree, and a map."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dissection.clusters import Clustering
from dissection.dataset import FloatArray
from dissection.figures.style import FADED, GRID, MUTED, PALETTE, SEQUENTIAL, SYMBOLS, finish, judge_text, plain
from dissection.judges import Judge
from dissection.likeness.support import THRESHOLD, Support

MAP_WIDTH, MAP_HEIGHT = 1000, 480
MOST_NAMES = 40
COLOURINGS = ("cluster", "size", "family", "base or aligned")


def colour_groups(judges: Sequence[Judge], by: str, clusters: Mapping[str, int]) -> dict[str, str]:
    """Judge → the group that colours it."""
    if by == "cluster":
        return {judge.name: f"cluster {clusters[judge.name]}" if judge.name in clusters else "no similarity" for judge in judges}
    if by == "size":
        return {judge.name: judge.size_class for judge in judges}
    if by == "family":
        return {judge.name: judge.family or "unknown" for judge in judges}
    return {judge.name: judge.alignment for judge in judges}


def group_colours(groups: Mapping[str, str]) -> dict[str, str]:
    """Group → colour, in the order of the names."""
    return {group: PALETTE[i % len(PALETTE)] for i, group in enumerate(sorted(set(groups.values())))}


def long_frame(similarity: pd.DataFrame) -> pd.DataFrame:
    """One row a pair of judges: `judge`, `other`, `similarity`, most alike first."""
    rows, columns = np.triu_indices(len(similarity), 1)
    frame = pd.DataFrame(
        {"judge": similarity.index[rows], "other": similarity.columns[columns], "similarity": similarity.to_numpy()[rows, columns]}
    )
    return frame.sort_values("similarity", ascending=False, ignore_index=True)


def matrix(
    similarity: pd.DataFrame,
    clustering: Clustering,
    groups: Mapping[str, str],
    scenarios: int,
    own: Collection[str] = (),
    support: Support | None = None,
) -> go.Figure:
    """The matrix in leaf order with its tree above and a strip of group colours beside the names.

    With `support` of the same tree, branches that less than 70 % of the resamples have are faded, and each says its share under the pointer.
    """
    order = [*clustering.order, *clustering.left_out]
    figure = make_subplots(
        rows=2,
        cols=2,
        row_heights=[0.14, 0.86],
        column_widths=[0.018, 0.982],
        vertical_spacing=0.005,
        horizontal_spacing=0.004,
        shared_xaxes=False,
    )
    _tree(figure, clustering, support)
    figure.add_trace(_squares(similarity.loc[order, order].to_numpy(), order, scenarios), row=2, col=2)
    _strip(figure, order, groups, own)
    _name_columns(figure, order, own)
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    return finish(figure, height=max(420, 300 + 19 * len(order)), margin=(8, 8, 8, 8))


def _squares(table: FloatArray, order: Sequence[str], scenarios: int) -> go.Heatmap:
    off_diagonal = table[~np.eye(len(order), dtype=bool)]
    # One judge that is like nobody would otherwise take all contrast from the rest.
    low = float(np.nanquantile(off_diagonal, 0.1)) if np.isfinite(off_diagonal).any() else 0.0
    hover = [
        [f"<b>{plain(a)}</b> · <b>{plain(b)}</b><br>similarity {table[i, j]:.3f}<br>{_over(scenarios)}" for j, b in enumerate(order)]
        for i, a in enumerate(order)
    ]
    return go.Heatmap(
        z=table,
        x=list(range(len(order))),
        y=list(range(len(order))),
        zmin=min(np.floor(low * 10) / 10, 0.9),
        zmax=1,
        colorscale=SEQUENTIAL,
        xgap=1,
        ygap=1,
        text=hover,
        hoverinfo="text",
        colorbar={"thickness": 10, "len": 0.6, "y": 0.4, "title": {"text": "similarity", "side": "top"}, "outlinewidth": 0},
    )


def _name_columns(figure: go.Figure, order: Sequence[str], own: Collection[str]) -> None:
    ends = {"ticks": "", "showgrid": False, "zeroline": False, "fixedrange": True, "row": 2, "col": 2}
    figure.update_xaxes(
        tickvals=list(range(len(order))),
        ticktext=[judge_text(name, own, 26) for name in order],
        tickangle=-60,
        # So many names would run into each other below; the same names stand at the left, and under the pointer.
        showticklabels=len(order) <= MOST_NAMES,
        range=[-0.5, len(order) - 0.5],
        **ends,
    )
    figure.update_yaxes(showticklabels=False, range=[len(order) - 0.5, -0.5], **ends)


def _over(scenarios: int) -> str:
    return f"mean over {scenarios} scenarios" if scenarios > 1 else "one group"


def _tree(figure: go.Figure, clustering: Clustering, support: Support | None) -> None:
    place = {judge: x for x, judge in enumerate(clustering.order)}
    # (x, height) of every node: leaves first, in the order of `linkage`, then the joins from the bottom up.
    nodes = [(float(place[judge]), 0.0) for judge in clustering.judges]
    texts, faded = _branches(clustering, support)
    for (left, right, height, _), text, weak in zip(clustering.linkage, texts, faded, strict=True):
        (x0, y0), (x1, y1) = nodes[int(left)], nodes[int(right)]
        nodes.append(((x0 + x1) / 2, float(height)))
        figure.add_trace(
            go.Scatter(
                # The middle of the crossbar is a point of its own, as the pointer finds points and not lines.
                x=[x0, x0, (x0 + x1) / 2, x1, x1],
                y=[y0, height, height, height, y1],
                mode="lines",
                line={"color": MUTED, "width": 1.3, "dash": "dot" if weak else "solid"},
                opacity=FADED if weak else 1,
                text=text or None,
                hoverinfo="text" if text else "skip",
                showlegend=False,
            ),
            row=1,
            col=2,
        )
    hidden = {"showticklabels": False, "showgrid": False, "zeroline": False, "fixedrange": True}
    figure.update_xaxes(range=[-0.5, len(clustering.judges) + len(clustering.left_out) - 0.5], row=1, col=2, **hidden)
    figure.update_yaxes(rangemode="tozero", row=1, col=2, **hidden)
    figure.update_xaxes(row=1, col=1, **hidden)
    figure.update_yaxes(row=1, col=1, **hidden)


def _branches(clustering: Clustering, support: Support | None) -> tuple[list[str], list[bool]]:
    """What each join says under the pointer, and whether it is faded; the join of all judges has no support to show."""
    joins = len(clustering.linkage)
    if support is None or not support.done:
        return [""] * joins, [False] * joins
    texts = ["all judges" if np.isnan(share) else f"support {100 * share:.0f} % of {support.done} resamples" for share in support.share]
    return texts, [bool(share < THRESHOLD) for share in support.share]


def _strip(figure: go.Figure, order: Sequence[str], groups: Mapping[str, str], own: Collection[str]) -> None:
    colours = group_colours(groups)
    for group, colour in colours.items():
        members = [place for place, name in enumerate(order) if groups.get(name) == group]
        figure.add_trace(
            go.Bar(
                x=[1] * len(members),
                y=members,
                orientation="h",
                width=0.92,
                marker={"color": colour, "line": {"width": 0}},
                name=plain(group, 24),
                hoverinfo="skip",
            ),
            row=2,
            col=1,
        )
    places = list(range(len(order)))
    figure.update_xaxes(range=[0, 1], showticklabels=False, showgrid=False, zeroline=False, fixedrange=True, row=2, col=1)
    figure.update_yaxes(
        tickvals=places,
        ticktext=[judge_text(name, own) for name in order],
        range=[len(order) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
        ticks="",
        fixedrange=True,
        automargin=True,
        row=2,
        col=1,
    )


def uncrowded(places: pd.DataFrame) -> set[str]:
    """The judges whose names have room: those whose label would lie on that of one before are named under the pointer only."""
    spans = np.maximum(np.ptp(places[["x", "y"]].to_numpy(), axis=0), 1e-9) if len(places) else np.ones(2)
    pixels = min(MAP_WIDTH / (1.3 * spans[0]), MAP_HEIGHT / (1.15 * spans[1]))  # a unit's length on a screen of the usual size
    width, height = 6.5 / pixels, 15 / pixels  # a letter, a line
    placed: list[tuple[float, float, float]] = []
    named = set()
    for name, x, y in places[["x", "y"]].itertuples():
        half = width * min(len(name), 26) / 2
        if all(abs(x - other_x) > half + other_half or abs(y - other_y) > height for other_x, other_y, other_half in placed):
            placed.append((x, y, half))
            named.add(name)
    return named


def scatter_map(places: pd.DataFrame, groups: Mapping[str, str], own: Collection[str] = ()) -> go.Figure:
    """Judges as points, near where they are alike; one colour and marker a group."""
    figure = go.Figure()
    named = uncrowded(places)
    for number, (group, colour) in enumerate(group_colours(groups).items()):
        part = places[[groups.get(name) == group for name in places.index]]
        figure.add_trace(
            go.Scatter(
                x=part["x"],
                y=part["y"],
                mode="markers+text",
                text=[judge_text(name, own, 26) if name in named else "" for name in part.index],
                hovertext=[plain(name) for name in part.index],
                textposition="top center",
                textfont={"size": 10},
                marker={"size": 11, "color": colour, "symbol": SYMBOLS[number // len(PALETTE) % len(SYMBOLS)]},
                name=plain(group, 24),
                hovertemplate="<b>%{hovertext}</b><extra></extra>",
            )
        )
    for axis in (figure.update_xaxes, figure.update_yaxes):
        axis(showticklabels=False, gridcolor=GRID, zeroline=False, fixedrange=True, title=None)
    span = float(np.ptp(places["x"])) if len(places) else 1.0
    # Room for names at the edges.
    figure.update_xaxes(range=[places["x"].min() - 0.15 * span - 0.02, places["x"].max() + 0.15 * span + 0.02])
    # Distances are what the map shows, so both axes have one scale.
    figure.update_yaxes(scaleanchor="x", constrain="domain")
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    return finish(figure, height=560)
