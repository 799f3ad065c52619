"""Style against substance: shares of property families, the index, models' strengths, and correlations with measures."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.dataset import group_label
from dissection.figures.heatmap import Scale
from dissection.figures.parts import AXIS, LEGEND, interval, label_width, row_axis, upright
from dissection.figures.style import MUTED, judge_text, layout, plain

GAP = 0.045  # between panels, as a share of the width
CORRELATION = Scale("correlation", "correlation", 0, 0.5, 1, 1, "+.1f")


def row_text(name: str, field: str, own: Collection[str]) -> str:
    """A judge or a scenario on an axis."""
    return judge_text(name, own) if field == "judge" else plain(group_label(name), 30)


def shares_chart(
    frame: pd.DataFrame, rows: Sequence[str], families: Sequence[str], field: str, colours: Mapping[str, str], own: Collection[str] = ()
) -> go.Figure:
    """A panel for each family, a dot with its 95 % interval for each judge (or scenario); crosses where noise would do.

    Args:
        frame: of `Shares.shares`, one row a family and row of the chart.
        rows: values of `field`, from the top.
        families: from the left.
        field: "judge" or "group".
        colours: judge → colour.
        own: the judges that the visitor brought.
    """
    places = {name: at for at, name in enumerate(rows)}
    texts = [row_text(name, field, own) for name in rows]
    width = (1 - GAP * (len(families) - 1)) / len(families)
    traces: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    headings = []
    for number, family in enumerate(families):
        suffix = str(number + 1) if number else ""
        part = frame[frame["family"] == family]
        start = number * (width + GAP)
        axes[f"xaxis{suffix}"] = {
            **AXIS,
            "domain": [start, start + width],
            "range": [-3, 103],
            "tickvals": [0, 50, 100],
            "ticktext": ["0", "50", "100 %"],
        }
        count = int(part["properties"].iloc[0])
        headings.append(f"<b>{family}</b> ({count} {'property' if count == 1 else 'properties'})")
        traces.append({**_dots(part, places, field, colours, "share", 100.0, _share_hover), "xaxis": f"x{suffix}"})
    head = {"y": 1, "yref": "paper", "xanchor": "center", "yanchor": "bottom", "yshift": 4, "showarrow": False}
    return go.Figure(
        {
            "data": traces,
            "layout": {
                **layout(80 + 22 * max(len(rows), 3), (label_width(texts), 34, 14, 30)),
                **axes,
                "yaxis": row_axis(texts),
                "showlegend": False,
                "annotations": [
                    {**head, "x": (number + 0.5) * width + number * GAP, "xref": "paper", "text": text}
                    for number, text in enumerate(headings)
                ],
            },
        }
    )


def index_chart(frame: pd.DataFrame, rows: Sequence[str], field: str, colours: Mapping[str, str], own: Collection[str] = ()) -> go.Figure:
    """The index of each judge (or scenario) with its 95 % interval; hollow where it is not told apart from 0.

    Args:
        frame: of `Shares.index`.
        rows: values of `field`, from the top.
        field: "judge" or "group".
        colours: judge → colour.
        own: the judges that the visitor brought.
    """
    texts = [row_text(name, field, own) for name in rows]
    end = {"y": 1, "yref": "paper", "yanchor": "bottom", "yshift": 4, "showarrow": False}
    return go.Figure(
        {
            "data": [_dots(frame, {name: at for at, name in enumerate(rows)}, field, colours, "index", 1.0, _index_hover)],
            "layout": {
                **layout(90 + 22 * max(len(rows), 3), (label_width(texts), 34, 14, 30)),
                "xaxis": {**AXIS, "range": [-1.06, 1.06], "tickvals": [-1, -0.5, 0, 0.5, 1]},
                "yaxis": row_axis(texts),
                "showlegend": False,
                "shapes": [upright(0)],
                "annotations": [
                    {**end, "x": -1, "xanchor": "left", "text": "← substance alone"},
                    {**end, "x": 1, "xanchor": "right", "text": "style alone →"},
                ],
            },
        }
    )


def _dots(
    frame: pd.DataFrame,
    places: Mapping[str, int],
    field: str,
    colours: Mapping[str, str],
    column: str,
    scale: float,
    words: Callable[[Mapping[Any, Any]], str],
) -> dict[str, Any]:
    records = [record for record in frame.to_dict("records") if record[field] in places]
    low, high, value = (np.array([record[name] for record in records], dtype=float) for name in ("low", "high", column))
    middle = np.where(np.isfinite(value), value, (low + high) / 2)
    known = [bool(np.isfinite(number)) for number in value]
    hollow = [column == "index" and bool(record["low"] <= 0 <= record["high"]) for record in records]
    symbols = ["x-thin-open" if not there else "circle-open" if empty else "circle" for there, empty in zip(known, hollow, strict=True)]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": scale * middle,
        "y": [places[record[field]] for record in records],
        "marker": {
            "symbol": symbols,
            "size": [9 if there else 7 for there in known],
            "color": [colours[record["judge"]] if there else MUTED for record, there in zip(records, known, strict=True)],
            "line": {"width": 1.5},
        },
        "error_x": interval(scale * middle, scale * low, scale * high),
        "hovertext": [words(record) for record in records],
        "hoverinfo": "text",
    }


def _head(record: Mapping[Any, Any]) -> str:
    where = f" · {plain(group_label(record['group']))}" if record.get("group") else ""
    return f"<b>{plain(record['judge'])}</b>{where}<br>"


def _tail(record: Mapping[Any, Any]) -> str:
    n = f"n = {record['n']:,} pairs" if record["n"] else "n unknown" if record["status"] == "point estimate" else "n = 0 pairs"
    return f"<br>{n}" + (f"<br>{plain(record['remark'])}" if record["remark"] else "")


def _share_hover(record: Mapping[Any, Any]) -> str:
    head = f"{_head(record)}{plain(record['family'])}: "
    if not np.isfinite(record["share"]):
        return f"{head}no share{_tail(record)}"
    ends = f" (95 %: {100 * record['low']:.0f}–{100 * record['high']:.0f})" if np.isfinite(record["low"]) else ""
    return f"{head}{100 * record['share']:.0f} %{ends}{_tail(record)}"


def _index_hover(record: Mapping[Any, Any]) -> str:
    if not np.isfinite(record["index"]):
        return f"{_head(record)}no index{_tail(record)}"
    ends = f" (95 %: {record['low']:+.2f} to {record['high']:+.2f})" if np.isfinite(record["low"]) else ""
    words = "<br>not told apart from 0" if ends and record["low"] <= 0 <= record["high"] else ""
    return f"{_head(record)}index {record['index']:+.2f}{ends}{words}{_tail(record)}"


def strengths_chart(
    frame: pd.DataFrame, models: Sequence[str], judges: Sequence[str], colours: Mapping[str, str], own: Collection[str] = ()
) -> go.Figure:
    """Models' strengths in log-odds with 95 % intervals, judges side by side.

    Args:
        frame: of `strengths_frame`.
        models: from the top.
        judges: those to draw.
        colours: judge → colour.
        own: the judges that the visitor brought.
    """
    texts = [plain(model, 30) for model in models]
    spread = np.linspace(-0.3, 0.3, len(judges)) if len(judges) > 1 else np.zeros(1)
    traces = []
    for offset, judge in zip(spread, judges, strict=True):
        part = frame[frame["judge"] == judge]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": judge_text(judge, own),
                "x": part["strength"],
                "y": [models.index(model) + offset for model in part["model"]],
                "marker": {"size": 8, "color": colours[judge]},
                "error_x": interval(part["strength"], part["low"], part["high"], colours[judge]),
                "hovertext": [_strength_hover(record) for record in part.to_dict("records")],
                "hoverinfo": "text",
            }
        )
    return go.Figure(
        {
            "data": traces,
            "layout": {
                **layout(110 + len(models) * max(20, 8 * len(judges) + 6), (label_width(texts), 36, 14, 46)),
                "xaxis": {**AXIS, "title": {"text": "strength, log-odds against the mean model"}},
                "yaxis": row_axis(texts),
                "shapes": [upright(0)],
                "legend": LEGEND,
                "showlegend": True,
            },
        }
    )


def _strength_hover(record: Mapping[Any, Any]) -> str:
    return (
        f"<b>{plain(record['model'])}</b> by {plain(record['judge'])}<br>strength {record['strength']:+.2f} "
        f"(95 %: {record['low']:+.2f} to {record['high']:+.2f})<br>won {record['wins']:,.1f} of {record['comparisons']:,} comparisons, ties half"
    )


def correlation_frame(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that `heatmap` asks for, from those of `correlations`: measures stand as properties."""
    known = table["correlation"].notna()
    return table.assign(
        property=table["measure"],
        group="",
        status=np.where(known, "fitted", "no correlation"),
        decided=(table["low"] > 0) | (table["high"] < 0),
    )


def correlation_hover(row: Mapping[Any, Any]) -> str:
    """What a cell says under the pointer."""
    head = f"<b>{plain(row['judge'])}</b> · {plain(row['measure'])}<br>"
    if row["status"] != "fitted":
        return f"{head}no correlation: {plain(row['remark'])} ({row['models']} models)"
    name = "Spearman" if row["method"] == "spearman" else "Kendall"
    words = "" if row["decided"] else "<br>not told apart from 0"
    return f"{head}{name} {row['correlation']:+.2f} (95 %: {row['low']:+.2f} to {row['high']:+.2f})<br>{row['models']} models{words}"
