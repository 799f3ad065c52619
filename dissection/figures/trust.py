"""How far similarities can be trusted: one judge against all others with intervals and ceilings, and groups within and between."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.figures.parts import AXIS, LEGEND, interval, label_width, row_axis
from dissection.figures.style import DISPREFERRED, FADED, MUTED, PREFERRED, judge_text, layout, plain


def of_one_judge(pairs: pd.DataFrame, judge: str) -> pd.DataFrame:
    """The rows of `Likeness.pairs` with this judge, the other one in `other`, most alike first."""
    turned = {"judge": "other", "other": "judge", "n": "n_other", "n_other": "n"}
    mine = pd.concat([pairs[pairs["judge"] == judge], pairs[pairs["other"] == judge].rename(columns=turned)])
    return mine.sort_values(["corrected", "similarity"], ascending=False, ignore_index=True)


def similarity_chart(frame: pd.DataFrame, colours: Mapping[str, str], own: Collection[str] = ()) -> go.Figure:
    """Each other judge: the similarity of the tastes with its interval, the plain similarity, and the noise ceiling.

    Args:
        frame: of `of_one_judge`, the rows from the top.
        colours: judge → colour.
        own: the judges that the visitor brought.
    """
    places = np.arange(len(frame))
    texts = [judge_text(name, own) for name in frame["other"]]
    hover = [_hover(row) for row in frame.to_dict("records")]
    shared: dict[str, Any] = {"type": "scatter", "mode": "markers", "y": places, "hovertext": hover, "hoverinfo": "text"}
    best = frame["corrected"]
    traces = [
        {**shared, "x": frame["ceiling"], "name": "noise ceiling", "marker": {"symbol": "line-ns-open", "size": 15, "color": MUTED}},
        {**shared, "x": frame["similarity"], "name": "of the estimates", "marker": {"symbol": "circle-open", "size": 8, "color": MUTED}},
        {
            **shared,
            "x": best,
            "name": "of the tastes behind the noise, 95 %",
            "marker": {"size": 9, "color": [colours[name] for name in frame["other"]]},
            "error_x": interval(best, frame["low"], frame["high"]),
        },
    ]
    least = float(np.nanmin(frame[["similarity", "low", "corrected"]].to_numpy(dtype=float), initial=0.5))
    return go.Figure(
        {
            "data": [trace for trace in traces if trace["x"].notna().any()],
            "layout": {
                **layout(96 + 22 * max(len(frame), 3), (label_width(texts), 36, 16, 46)),
                "xaxis": {**AXIS, "range": [least - 0.05, 1.03], "title": {"text": "similarity"}},
                "yaxis": row_axis(texts),
                "legend": LEGEND,
            },
        }
    )


def _hover(row: Mapping[Any, Any]) -> str:
    lines = [f"<b>{plain(row['judge'])}</b> · <b>{plain(row['other'])}</b>", f"of the estimates: {_two(row['similarity'])}"]
    if np.isfinite(row["corrected"]):
        lines.append(f"of the tastes: {row['corrected']:.2f} (95 %: {row['low']:.2f}–{row['high']:.2f})")
    if np.isfinite(row["ceiling"]):
        lines.append(f"noise ceiling: {row['ceiling']:.2f}")
    lines.append(f"n = {row['n']:,} and {row['n_other']:,} pairs, {row['common']:,} in common; {row['groups']} groups")
    return "<br>".join([*lines, *([plain(row["remark"])] if row["remark"] else [])])


def _two(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "none"


def groups_chart(table: pd.DataFrame) -> go.Figure:
    """Mean similarity within each group and between each two, with intervals where there are any.

    Args:
        table: of `likeness.groups.compare_groups`; its row over all groups is left out.
    """
    frame = table[table["what"] != "all"].reset_index(drop=True)
    texts = [
        f"within {plain(row['group'], 24)}" if row["what"] == "within" else f"{plain(row['group'], 16)} · {plain(row['other'], 16)}"
        for row in frame.to_dict("records")
    ]
    within = frame["what"] == "within"
    hover = [_group_hover(row) for row in frame.to_dict("records")]
    traces = []
    for mask, name, colour in ((within, "within", PREFERRED), (~within, "between", DISPREFERRED)):
        part = frame[mask]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": part["mean"],
                "y": part.index,
                "marker": {"color": colour, "size": 10, "symbol": "circle" if name == "within" else "diamond"},
                "error_x": interval(part["mean"], part["mean_low"], part["mean_high"], colour),
                "opacity": 1.0 if len(part) else FADED,
                "hovertext": [text for text, here in zip(hover, mask, strict=True) if here],
                "hoverinfo": "text",
            }
        )
    return go.Figure(
        {
            "data": traces,
            "layout": {
                **layout(90 + 26 * max(len(frame), 3), (label_width(texts), 32, 16, 46)),
                "xaxis": {**AXIS, "title": {"text": "mean similarity of two judges"}},
                "yaxis": row_axis(texts),
                "legend": LEGEND,
            },
        }
    )


def _group_hover(row: Mapping[Any, Any]) -> str:
    head = f"<b>{plain(row['group'])}</b>" + ("" if row["what"] == "within" else f" · <b>{plain(row['other'])}</b>")
    mean = f"mean {row['mean']:.3f}" if np.isfinite(row["mean"]) else "no mean"
    if np.isfinite(row["mean_low"]):
        mean += f" (95 %: {row['mean_low']:.3f}–{row['mean_high']:.3f})"
    lines = [head, mean, f"{row['judges']:,} judges, {row['pairs']:,} pairs of judges"]
    if row["what"] == "between" and np.isfinite(row["contrast"]):
        lines.append(f"within less between {row['contrast']:+.3f}, p = {row['p']:.4f}")
    return "<br>".join([*lines, *([plain(row["remark"])] if row["remark"] else [])])
