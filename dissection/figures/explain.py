"""Why this pair: what each property adds to a prediction, from indifference on, and what a change would do to it."""

from collections.abc import Collection, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.explanation import Explanation, Turn
from dissection.figures.parts import AXIS, interval, label_width, row_axis, upright
from dissection.figures.style import (
    DISPREFERRED,
    MUTED,
    PREFERRED,
    judge_text,
    layout,
    plain,
    plain_markdown,
)

Scale = Literal["probability", "log-odds"]
SCALES: dict[Scale, str] = {"probability": "Probability", "log-odds": "Log-odds"}
COLUMNS: dict[Scale, str] = {"probability": "points", "log-odds": "log_odds"}
START: dict[Scale, float] = {"probability": 50.0, "log-odds": 0.0}
AXES: dict[Scale, str] = {"probability": "← B preferred · A preferred, % → ", "log-odds": "← B preferred · log-odds · A preferred →"}
TOTAL = "prediction"


def waterfall_frame(explanation: Explanation, scale: Scale, properties: Sequence[str] | None = None) -> pd.DataFrame:
    """The steps from indifference to the prediction, the largest first, and the prediction last.

    Args:
        explanation: of one judge and pair.
        scale: "probability" (in %, from 50) or "log-odds" (from 0).
        properties: the order of the steps; None: by size. Those that add nothing are left out unless they are named here.

    Returns:
        `property`, `start`, `end`, `value` (end - start), `low`, `high` (of the value; of the end in the last row), `decided`.
    """
    column, parts = COLUMNS[scale], explanation.parts
    order = step_order([explanation], scale) if properties is None else list(properties)
    places = dict(zip(parts["property"], range(len(parts)), strict=True))
    # A property that the other judge alone has, as only one saw the pair in one order, is a step of 0 here.
    rows = np.array([places.get(name, -1) for name in order], dtype=int)
    value, low, high = (np.append(parts[name].to_numpy(dtype=float), 0.0)[rows] for name in (column, f"{column}_low", f"{column}_high"))
    total, total_low, total_high = explanation.percent if scale == "probability" else explanation.log_odds
    end = START[scale] + np.cumsum(value)
    return pd.DataFrame(
        {
            "property": [*order, TOTAL],
            "start": np.append(end - value, START[scale]),
            "end": np.append(end, total),
            "value": np.append(value, total - START[scale]),
            "low": np.append(low, total_low),
            "high": np.append(high, total_high),
            "decided": np.append(np.append(parts["decided"].to_numpy(dtype=bool), False)[rows], True),
        }
    )


def step_order(explanations: Sequence[Explanation], scale: Scale) -> list[str]:
    """The properties that add something to any of the judges' predictions, those with the largest steps first."""
    sizes: dict[str, float] = {}
    for one in explanations:
        for name, size in zip(one.parts["property"], one.parts[COLUMNS[scale]].abs(), strict=True):
            sizes[name] = max(float(size), sizes.get(name, 0.0))
    return sorted((name for name, size in sizes.items() if size > 0), key=lambda name: -sizes[name])


def waterfall_chart(explanations: Sequence[Explanation], scale: Scale, own: Collection[str] = ()) -> go.Figure:
    """From indifference to each judge's prediction, one step a property with its 95 % interval.

    Args:
        explanations: of one pair, one a judge; several stand side by side with their steps in one order.
        scale: see `waterfall_frame`.
        own: the judges that the visitor brought.
    """
    order = step_order(explanations, scale)
    frames = [waterfall_frame(one, scale, order) for one in explanations]
    texts = [plain(name, 26) for name in order]
    left, top = label_width([*texts, TOTAL]), 30 if len(frames) > 1 else 8
    titles = [judge_text(one.judge, own) for one in explanations] if len(frames) > 1 else [""]
    across = {**AXIS, "range": _reach(frames, scale), "title": {"text": AXES[scale], "font": {"size": 11}}, "anchor": "y"}
    domains = [[(place + 0.04 * (place > 0)) / len(frames), (place + 1) / len(frames)] for place in range(len(frames))]
    names = [f"x{place + 1}" if place else "x" for place in range(len(frames))]
    return go.Figure(
        {
            "data": [
                trace
                for name, frame, one in zip(names, frames, explanations, strict=True)
                for trace in (_links(frame, name), _steps(frame, one, scale, name))
            ],
            "layout": {
                **layout(top + 56 + 24 * max(len(order) + 1, 3), (left, top, 12, 44)),
                **{name.replace("x", "xaxis"): {**across, "domain": domain} for name, domain in zip(names, domains, strict=True)},
                "yaxis": row_axis([*texts, f"<b>{TOTAL}</b>"]),
                "shapes": [upright(START[scale], name) for name in names],
                "annotations": [_panel_title(title, domain[0]) for title, domain in zip(titles, domains, strict=True) if title],
                "showlegend": False,
                "bargap": 0.3,
            },
        }
    )


def _panel_title(text: str, place: float) -> dict[str, Any]:
    shared = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "showarrow": False}
    return {"text": f"<b>{text}</b>", "x": place, "y": 1, **shared}


def _reach(frames: Sequence[pd.DataFrame], scale: Scale) -> list[float]:
    """Both ends of an axis that holds every step and interval."""
    ends = [START[scale]]
    for frame in frames:
        steps = frame.iloc[:-1]
        ends += [*frame["end"], *(steps["start"] + steps["low"]), *(steps["start"] + steps["high"]), *frame.iloc[-1][["low", "high"]]]
    low, high = float(np.nanmin(ends)), float(np.nanmax(ends))
    spare = 0.03 * max(high - low, 0.1)
    return [low - spare, high + spare]


def _links(frame: pd.DataFrame, axis: str) -> dict[str, Any]:
    """Thin lines from the end of each step to the start of the next."""
    steps = len(frame) - 1
    x = np.repeat(frame["end"].to_numpy()[:steps], 3)
    y = np.repeat(np.arange(steps, dtype=float), 3)
    y[1::3] += 1
    x[2::3] = y[2::3] = np.nan
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "mode": "lines",
        "line": {"color": MUTED, "width": 1, "dash": "dot"},
        "hoverinfo": "skip",
        "xaxis": axis,
    }


def _steps(frame: pd.DataFrame, one: Explanation, scale: Scale, axis: str) -> dict[str, Any]:
    value, total = frame["value"].to_numpy(dtype=float), np.arange(len(frame)) == len(frame) - 1
    # The last interval is that of the end, the others' are of the step.
    low, high = (frame[name].to_numpy(dtype=float) - np.where(total, START[scale], 0.0) for name in ("low", "high"))
    colours = [MUTED if last else PREFERRED if step > 0 else DISPREFERRED for step, last in zip(value, total, strict=True)]
    return {
        "type": "bar",
        "orientation": "h",
        "base": frame["start"].to_numpy(),
        "x": value,
        "y": list(range(len(frame))),
        "marker": {
            "color": colours,
            "opacity": [0.9 if sure or np.isnan(end) else 0.35 for sure, end in zip(frame["decided"], low, strict=True)],
        },
        "error_x": interval(value, low, high),
        "hovertext": [_step_hover(row, one, scale, last=last) for row, last in zip(frame.to_dict("records"), total, strict=True)],
        "hoverinfo": "text",
        "xaxis": axis,
    }


def _step_hover(row: dict[Any, Any], one: Explanation, scale: Scale, *, last: bool) -> str:
    head = f"<b>{plain(row['property'])}</b> · {plain(one.judge)}<br>"
    form = ".1f" if scale == "probability" else "+.2f"
    if last:
        ends = f" (95 %: {row['low']:{form}} to {row['high']:{form}})" if not np.isnan(row["low"]) else " (no interval)"
        what = "% of the time A is preferred" if scale == "probability" else "log-odds that A is preferred"
        return f"{head}{row['end']:{form}} {what}{ends}<br>n = {one.n:,} pairs"
    unit = "percentage points" if scale == "probability" else "log-odds"
    ends = f" (95 %: {row['low']:+.2f} to {row['high']:+.2f})" if not np.isnan(row["low"]) else " (no interval)"
    return f"{head}{row['value']:+.2f} {unit} for A{ends}<br>from {row['start']:{form}} to {row['end']:{form}}"


def _share(percent: tuple[float, float, float]) -> str:
    ends = "no interval" if np.isnan(percent[1]) else f"95 %: {percent[1]:.0f}–{percent[2]:.0f}"
    return f"{percent[0]:.0f} % ({ends})"


def waterfall_reading(explanations: Sequence[Explanation], scale: Scale) -> str:
    """How to read the waterfall, with the largest step of its first judge."""
    first = explanations[0]
    column = COLUMNS[scale]
    row = first.parts.iloc[int(first.parts[column].abs().to_numpy().argmax())]
    low, high = row[f"{column}_low"], row[f"{column}_high"]
    unit, form = ("points", ".1f") if scale == "probability" else ("log-odds", ".2f")
    ends = "" if np.isnan(low) else f", 95 %: {low:+{form}} to {high:+{form}}"
    start = "50 %" if scale == "probability" else "0 log-odds"
    how = (
        "Each step is a Shapley value, a property's gain averaged over all orders in which they could come in"
        if scale == "probability"
        else "Each step is the property's weight times its comparison"
    )
    judges = "; ".join(
        f"{plain_markdown(one.judge)}: A is predicted to be preferred {_share(one.percent)}, n = {one.n:,} pairs of {plain_markdown(one.group.label)}"
        for one in explanations
    )
    return (
        f"{judges}. From {start} (indifference) down to the prediction; the largest step{' of the first' if len(explanations) > 1 else ''} is "
        f"*{plain_markdown(row['property'])}*, {row[column]:+{form}} {unit}{ends}. {how}; the steps sum exactly. Faded: the 95 % interval includes 0."
    )


def turn_sentence(turn: Turn, first: Explanation, second: Explanation) -> str:
    """Which property parts two judges on this pair, in words."""
    one, two, name = (plain_markdown(text) for text in (first.judge, second.judge, turn.property))
    if not turn.property or abs(turn.apart) < 0.5:
        return f"{one} and {two} are predicted alike here: {_share(first.percent)} and {_share(second.percent)} for A."
    side = "A" if first.percent[0] > 50 else "B"
    other = "A" if second.percent[0] > 50 else "B"
    sides = f"{one} leans to {side}, {two} to {other}" if turn.sides else f"Both lean to {side}"
    parted = (
        f"{sides}: {_share(first.percent)} against {_share(second.percent)} for A, {abs(turn.apart):.0f} points apart. What parts them most is "
        f"**{name}**: {turn.first:+.1f} points for {one}, {turn.second:+.1f} for {two}. "
    )
    if turn.sides:
        parted += (
            f"It turned the verdict: with {one}'s weight of it alone, {two} would lean to {side}. "
            if turn.turns
            else f"Alone it does not turn the verdict: with {one}'s weight of it, {two} would still lean to {other}. "
        )
    return parted + "The difference has no interval here, as both were fitted on the same pairs."
