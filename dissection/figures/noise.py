"""Trust in annotations: agreement of two annotations by property, the position effect, and effects with and without the noise."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dissection.figures.parts import AXIS, LEGEND, interval, joined, label_width, row_axis, upright
from dissection.figures.style import MUTED, PREFERRED, layout, plain, plain_markdown
from dissection.regression.posterior import probability
from dissection.wording import count

NAME_LENGTH = 28
_EFFECTS = ("mean", "low", "high", "corrected", "corrected_low", "corrected_high")
OFFSET = 0.16  # of a row, by which corrected effects stand below the plain ones


class Measure(NamedTuple):
    """A column of `agreement_of_annotations`: its name in menus, its axis, the unit, its digits, and the value of chance or of no effect."""

    label: str
    axis: str
    unit: str
    digits: int
    none: float | None


MEASURES = {
    "alpha": Measure("Alpha", "Krippendorff's alpha (ordinal): 1 full agreement, 0 chance", "", 2, 0.0),
    "kappa": Measure("Kappa", "Cohen's kappa (linear weights): 1 full agreement, 0 chance", "", 2, 0.0),
    "equal": Measure("Equal", "equal comparisons, per cent of pairs", " %", 0, None),
    "opposed": Measure("Contradictions", "+1 against −1, per cent of pairs", " %", 1, None),
    "epsilon": Measure("Noise", "ε: probability that a comparison is drawn anew", "", 2, None),
}
POSITION = Measure("Position effect", "rated higher because shown first (−1 to 1)", "", 3, 0.0)


def by_agreement(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The rows from the top: the most trustworthy first, those without the number last."""
    falling = measure in ("alpha", "kappa", "equal")
    return frame.sort_values(measure, ascending=not falling, na_position="last", kind="stable", ignore_index=True)


def measure_chart(frame: pd.DataFrame, column: str) -> go.Figure:
    """One measure with its interval, a row a property.

    Args:
        frame: of `agreement_of_annotations`, the rows from the top.
        column: a key of `MEASURES`, or "position".
    """
    measure = MEASURES.get(column, POSITION)
    texts = [plain(name, NAME_LENGTH) for name in frame["property"]]
    unsure = frame[f"{column}_low"].isna()
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": frame[column],
        "y": np.arange(len(frame)),
        "marker": {"size": 9, "color": PREFERRED, "symbol": ["circle-open" if open_ else "circle" for open_ in unsure]},
        "error_x": interval(frame[column], frame[f"{column}_low"], frame[f"{column}_high"], PREFERRED),
        "hovertext": [_agreement_hover(row, column, measure) for row in frame.to_dict("records")],
        "hoverinfo": "text",
        "showlegend": False,
    }
    return go.Figure(
        {
            "data": [dots],
            "layout": {
                **layout(76 + 20 * max(len(frame), 3), (label_width(texts), 10, 16, 46)),
                "xaxis": {**AXIS, "title": {"text": measure.axis}},
                "yaxis": row_axis(texts),
                "shapes": [upright(measure.none)] if measure.none is not None else [],
            },
        }
    )


def with_interval(row: Mapping[Any, Any], column: str, measure: Measure) -> str:
    """Words such as 0.61 (95 %: 0.50 to 0.70), or none."""
    if not np.isfinite(row[column]):
        return "none"
    value, low, high = (f"{row[name]:.{measure.digits}f}" for name in (column, f"{column}_low", f"{column}_high"))
    ends = f"95 %: {low} to {high}" if np.isfinite(row[f"{column}_low"]) else "no interval"
    return f"{value}{measure.unit} ({ends})"


def _agreement_hover(row: Mapping[Any, Any], column: str, measure: Measure) -> str:
    lines = [
        f"<b>{plain(row['property'])}</b>",
        f"{measure.label.lower()}: {with_interval(row, column, measure)}",
        f"n = {row['n']:,} pairs annotated twice, {row['differ']:,} differ in this in either annotation",
    ]
    return "<br>".join([*lines, *([plain(row["remark"])] if row["remark"] else [])])


def agreement_words(frame: pd.DataFrame, column: str) -> str:
    """How to read the chart of agreement, with its own numbers."""
    measure = MEASURES[column]
    known = frame[frame[column].notna() & (frame["epsilon"] != 0)]
    n = f"n = {_range(frame['n'])} pairs annotated twice"
    if known.empty:
        return f"No annotated property has this number; the table says why. {n}."
    top, bottom = (known.iloc[place] for place in (0, -1))
    best, worst = (f"{plain_markdown(row['property'])}: {with_interval(row.to_dict(), column, measure)}" for row in (top, bottom))
    middle = f"Median over {count(len(known), 'property', 'properties')} {known[column].median():.{measure.digits}f}{measure.unit}; "
    lacking, computed = int(frame[column].isna().sum()), int((frame["epsilon"] == 0).sum())
    missing = f" {lacking} have none; the table says why." if lacking else ""
    missing += f" Without {count(computed, 'computed property', 'computed properties')}." if computed else ""
    meaning = (
        " ε is the share of comparisons that look drawn anew, whatever the answers are like: the posterior of a model of the two "
        "annotations, with its shortest 95 % interval."
        if column == "epsilon"
        else " Bars hold 95 %: resamples of the queries."
    )
    return f"{middle}from {best} to {worst}.{missing}{meaning} {n}."


def position_words(frame: pd.DataFrame) -> str:
    """How to read the chart of position effects, with its own numbers."""
    known = frame[frame["position_low"].notna()]
    sure = known[(known["position_low"] > 0) | (known["position_high"] < 0)]
    largest = known.iloc[int(known["position"].abs().argmax())] if len(known) else None
    named = (
        ""
        if largest is None
        else f" Largest: {plain_markdown(largest['property'])}, {with_interval(largest.to_dict(), 'position', POSITION)}."
    )
    return (
        "Half of how much higher A is compared when it is shown first than when it is shown second: right of 0, what is shown first is rated "
        f"higher. In {len(sure)} of {count(len(known), 'property', 'properties')} with an interval it leaves out 0.{named} n = {_range(frame['n'])} pairs annotated in both "
        "orders."
    )


def _range(sizes: "pd.Series[int]") -> str:
    low, high = int(sizes.min()), int(sizes.max())
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def noise_chart(frame: pd.DataFrame) -> go.Figure:
    """One judge's effects with the annotations as they are, and without their noise, joined; preferred % if better only on the property.

    Args:
        frame: of `corrected_effects`, one judge in one group, the rows from the top.
    """
    texts = [plain(name, NAME_LENGTH) for name in frame["property"]]
    places = np.arange(len(frame))
    hover = [_effect_hover(row) for row in frame.to_dict("records")]
    percent = {name: probability(frame[name].to_numpy(dtype=float)) for name in _EFFECTS}
    links = [
        (float(before), float(place) - OFFSET, float(after), float(place) + OFFSET)
        for place, before, after in zip(places, percent["mean"], percent["corrected"], strict=True)
    ]
    kinds = (
        ("as annotated", MUTED, "circle-open", -OFFSET, _EFFECTS[:3]),
        ("without the noise", PREFERRED, "circle", OFFSET, _EFFECTS[3:]),
    )
    dots = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": percent[columns[0]],
            "y": places + offset,
            "marker": {"size": 8, "color": colour, "symbol": symbol},
            "error_x": interval(percent[columns[0]], percent[columns[1]], percent[columns[2]], colour),
            "hovertext": hover,
            "hoverinfo": "text",
        }
        for name, colour, symbol, offset, columns in kinds
    ]
    return go.Figure(
        {
            "data": [joined(links), *dots],
            "layout": {
                **layout(100 + 26 * max(len(frame), 3), (label_width(texts), 36, 16, 46)),
                "xaxis": {**AXIS, "ticksuffix": " %", "title": {"text": "preferred % if better only on this property"}},
                "yaxis": row_axis(texts),
                "legend": LEGEND,
                "shapes": [upright(50)],
            },
        }
    )


def _effect_hover(row: Mapping[Any, Any]) -> str:
    values = dict(zip(_EFFECTS, probability(np.array([row[name] for name in _EFFECTS], dtype=float)), strict=True))
    noise = "" if not row["epsilon"] > 0 else f"ε = {with_interval(row, 'epsilon', MEASURES['epsilon'])}; "
    left = (
        ""
        if not (row["epsilon"] > 0 and np.isfinite(row["attenuation"]))
        else f"{100 * row['attenuation']:.0f} % of a weight is left by it"
    )
    return "<br>".join(
        [
            f"<b>{plain(row['judge'])}</b> · {plain(row['property'])}",
            f"as annotated: preferred {_percent(values['mean'], values['low'], values['high'])}",
            f"without the noise: {_percent(values['corrected'], values['corrected_low'], values['corrected_high'])}",
            *([noise + left] if noise + left else []),
            f"n = {row['n']:,} pairs judged, {row['n_again']:,} annotated twice",
            *([plain(row["remark"])] if row["remark"] else []),
        ]
    )


def _percent(value: float, low: float, high: float) -> str:
    return f"{value:.0f} % (95 %: {low:.0f}–{high:.0f})" if np.isfinite(value) else "none"


def effects_words(frame: pd.DataFrame, judge: str, where: str) -> str:
    """How to read the chart of effects, with its own numbers."""
    noisy = frame[frame["epsilon"] > 0]
    decided = [int(((frame[low] > 0) | (frame[high] < 0)).sum()) for low, high in (("low", "high"), ("corrected_low", "corrected_high"))]
    free, unknown = int((frame["epsilon"] == 0).sum()), int(frame["epsilon"].isna().sum())
    kept = f" Computed properties ({free} of {len(frame)}) have no noise of their own, but move with the others." if free else ""
    kept += f" Of {count(unknown, 'property', 'properties')} the noise is not known; the table says why." if unknown else ""
    n = f"n = {int(frame['n'].iloc[0]):,} pairs judged, {_range(frame['n_again'])} annotated twice."
    named = f"{plain_markdown(judge)} in {plain_markdown(where)}"
    if noisy.empty or frame["corrected"].isna().all():
        return f"{named}: no effect is corrected. {decided[0]} are told apart from 50 % as annotated.{kept} {n}"
    moved = frame.iloc[int((frame["corrected"] - frame["mean"]).abs().argmax())]
    before, after = (float(probability(float(moved[name]))) for name in ("mean", "corrected"))
    left = f"{100 * noisy['attenuation'].median():.0f} % of a weight (median of {count(len(noisy), 'property', 'properties')})"
    return (
        f"{named}: filled dots are what the effects would be without the annotator's noise. The noise leaves {left}. "
        f"Most moved: {plain_markdown(moved['property'])}, from {before:.0f} to {after:.0f} %. {decided[0]} effects are told apart from 50 % as "
        f"annotated, {decided[1]} without the noise, whose intervals know that the noise is only estimated.{kept} {n}"
    )
