"""One pair explained: the steps to each judge's prediction, two judges side by side, and the tables of properties and verdicts."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dissection.agreement import VERDICT_WORDS, classes
from dissection.dashboard import controls, session, show
from dissection.dashboard.address import keep
from dissection.dataset import Group, PairDataset
from dissection.explanation import POSITION, Explanation, explain, predictions_frame, shown_order, turning_point
from dissection.figures.explain import SCALES, Scale, turn_sentence, waterfall_chart, waterfall_reading
from dissection.figures.style import plain_markdown
from dissection.regression.posterior import Posterior

NONE = "none"
VERDICT_COLUMNS: dict[str, Any] = {
    "judge": "Judge",
    "verdict": "Verdict",
    "percent": st.column_config.NumberColumn("A predicted", format="%.0f %%"),
    "low": st.column_config.NumberColumn("95 % from", format="%.0f %%"),
    "high": st.column_config.NumberColumn("to", format="%.0f %%"),
    "n": "n",
    "ab": "A first",
    "ba": "B first",
}


def orders(dataset: PairDataset, row: int, posteriors: list[Posterior]) -> list[float]:
    """In which order each judge saw the pair, see `shown_order`."""
    return [shown_order(dataset.verdicts[row, dataset.judge_index(posterior.judge)]) for posterior in posteriors]


def why(dataset: PairDataset, row: int, judge: str, group: Group) -> str | None:
    """The steps from indifference to the judge's prediction, beside another judge's where one is chosen; returns that judge's name."""
    st.subheader(f"Why {plain_markdown(judge)} would choose", anchor=False)
    beside = _beside(dataset, judge)
    cells = session.posteriors(dataset, (group,), (judge, beside) if beside else (judge,))
    for cell in cells:
        if not cell.converged:
            st.info(f"No explanation: {cell.status} for {plain_markdown(cell.judge)} in {plain_markdown(group.label)}.")
    explained = [
        explain(cell, dataset.comparisons[row], order)
        for cell, order in zip(cells, orders(dataset, row, cells), strict=True)
        if cell.converged
    ]
    if not explained:
        return beside
    if not any((one.parts["log_odds"] != 0).any() for one in explained):
        st.caption("The two answers differ in no property, so nothing is predicted.")
        return beside
    if len(explained) == 2:
        st.markdown(turn_sentence(turning_point(*explained), *explained))
    _waterfall(dataset, row, explained)
    return beside


def _beside(dataset: PairDataset, judge: str) -> str | None:
    """The other judge, and above it the scale, which `_waterfall` reads."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    labels = {NONE: "no other judge"} | {one.name: controls.judge_label(one) for one in dataset.judges if one.name != judge}
    with left:
        chosen = st.selectbox(
            "Beside", list(labels), format_func=labels.__getitem__, disabled=len(labels) < 2, **keep("beside", list(labels), NONE)
        )
    with right:
        controls.choice("Scale", list(SCALES), "scale", {str(key): name for key, name in SCALES.items()})
    return None if chosen == NONE else str(chosen)


def _waterfall(dataset: PairDataset, row: int, explained: list[Explanation]) -> None:
    scale: Scale = "log-odds" if st.session_state.get("scale") == "log-odds" else "probability"
    table = pd.concat([one.parts.assign(judge=one.judge) for one in explained], ignore_index=True)
    table = table[["judge", *(name for name in table.columns if name != "judge")]]
    names = " ".join(one.judge for one in explained)
    show.chart(
        waterfall_chart(explained, scale, dataset.own_judges),
        table.round(4),
        f"Contributions {dataset.pairs.index[row]} {names}",
        " ".join([waterfall_reading(explained, scale), *_notes(dataset, row, explained)]),
        width="wide" if len(explained) > 1 else "narrow",
        key="waterfall",
    )


def _notes(dataset: PairDataset, row: int, explained: list[Explanation]) -> list[str]:
    """What each judge said of the pair, and what the fit knows of it."""
    found = []
    for one in explained:
        label = dataset.labels[row, dataset.judge_index(one.judge)]
        said = {"–": "gave no verdict", "tie": "said tie"}.get(verdict_word(label), f"preferred {verdict_word(label)}")
        seen = dataset.members(one.group)[row] and dataset.assessed[row] and not np.isnan(label)
        found.append(f"{plain_markdown(one.judge)} {said}{' (this verdict is in the fit)' if seen else ''}.")
    if any((one.parts["property"] == POSITION).any() for one in explained):
        found.append("“Shown first” is the position bias, where only one order was asked.")
    if not dataset.assessed[row]:
        found.append("Some property of this pair was not assessed; it adds nothing here, and the pair was left out of the fit.")
    return found


def tables(dataset: PairDataset, row: int, group: Group) -> None:
    """The pair's comparisons, and each judge's verdict beside its prediction."""
    left, right = st.columns([2, 3])
    with left:
        st.subheader("Properties", anchor=False)
        frame = pd.DataFrame(
            {
                "property": dataset.property_names,
                "A": dataset.scores[row, :, 0].round(3),
                "B": dataset.scores[row, :, 1].round(3),
                "comparison": dataset.comparisons[row],
            }
        )
        differs = frame[frame["comparison"] != 0]
        st.dataframe(differs, hide_index=True)
        st.caption(
            f"{len(differs)} of {len(frame)} properties differ; +1 means A has more of it. Empty scores: only the comparison is known."
        )
    with right:
        st.subheader("Verdicts", anchor=False)
        st.dataframe(_verdicts(dataset, row, group), hide_index=True, column_config=VERDICT_COLUMNS)
        st.caption(
            f"Each judge's verdict, and how often its fit in {plain_markdown(group.label)} (n pairs) predicts A, with a 95 % interval; empty "
            "where there is no fit. The two columns on the right are the verdict with A and with B shown first, as the probability that A is preferred; empty where it was not asked."
        )


def _verdicts(dataset: PairDataset, row: int, group: Group) -> pd.DataFrame:
    cells = session.posteriors(dataset, (group,))
    frame = predictions_frame(cells, dataset.comparisons[row], orders(dataset, row, cells))
    frame["judge"] = [controls.judge_label(judge) for judge in dataset.judges]
    frame.insert(1, "verdict", [verdict_word(label) for label in dataset.labels[row]])
    return frame.drop(columns="status").assign(ab=dataset.verdicts[row, :, 0], ba=dataset.verdicts[row, :, 1])


def verdict_word(label: float) -> str:
    """A soft verdict as A, tie or B; a dash where there is none."""
    place = int(classes(label))
    return VERDICT_WORDS[place] if place >= 0 else "–"
