"""Part of the Annotate page: how far annotations can be trusted, and what their noise does to a judge's effects."""

import pandas as pd
import streamlit as st

from dissection.dashboard import behind, controls, session, show
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.figures.noise import (
    MEASURES,
    agreement_words,
    by_agreement,
    effects_words,
    measure_chart,
    noise_chart,
    position_words,
)
from dissection.noise.agreement import agreement_of_annotations
from dissection.noise.effects import corrected_effects

NO_EFFECTS = "The data has no judge yet, so there are no effects that noise could weaken. Ask or add one, and they are shown here."


def trust(dataset: PairDataset, again: PairDataset, swapped: bool) -> None:  # noqa: FBT001 - how the second differs belongs to it
    """Agreement by property, position effects, and one judge's effects with and without the noise.

    Args:
        dataset: the annotations in use, with A shown first where `swapped`.
        again: a second annotation of some of the same pairs, its comparisons in terms of the same A and B.
        swapped: whether it is by the same annotator with B shown first.
    """
    key = (dataset.content_hash, again.content_hash)
    found: pd.DataFrame | None = behind.result(
        "annotations",
        (*key, swapped),
        "Comparing the two annotations",
        lambda _: agreement_of_annotations(dataset, again, swapped),
    )
    if found is None:
        return
    _agreement(found)
    if swapped and found["position"].notna().any():
        _positions(found)
    st.subheader("What the noise does to effects", anchor=False)
    if not dataset.judges:
        st.info(NO_EFFECTS, icon=":material/gavel:")
        return
    _effects(dataset, again, key)


def _agreement(found: pd.DataFrame) -> None:
    st.subheader("Agreement of the two annotations", anchor=False)
    column = controls.choice("Agreement as", list(MEASURES), "trustas", {name: measure.label for name, measure in MEASURES.items()})
    rows = by_agreement(found, column)
    show.chart(
        measure_chart(rows, column),
        rows.round(4),
        f"Agreement of annotations {column}",
        agreement_words(rows, column),
        width="narrow",
        key="annotation-agreement",
    )


def _positions(found: pd.DataFrame) -> None:
    st.subheader("Position effect", anchor=False)
    rows = found.sort_values("position", ascending=False, na_position="last", kind="stable", ignore_index=True)
    show.chart(
        measure_chart(rows, "position"),
        rows[["property", "n", "position", "position_low", "position_high", "remark"]].round(4),
        "Position effect of annotations",
        position_words(rows),
        width="narrow",
        key="annotation-positions",
    )


def _effects(dataset: PairDataset, again: PairDataset, key: tuple[str, str]) -> None:
    first, second = st.columns(2)
    with first:
        judge = controls.one_judge(dataset)
    with second:
        group = controls.group(dataset)
    model = session.model()
    table: pd.DataFrame | None = behind.result(
        "corrected",
        (*key, judge, group, model),
        "Fitting without the noise",
        lambda progress: corrected_effects(dataset, again, group.name, model, [judge], progress=progress),
    )
    if table is None:
        return
    if table["status"].iloc[0] != "fitted":
        show.limit(
            InputError(
                f"{judge} has no numbers here: {table['status'].iloc[0]}.",
                where=group.label,
                accepted="a judge with verdicts on pairs whose properties are all known",
                remedy="choose another judge or a larger scenario",
            )
        )
        return
    rows = table.sort_values("mean", ascending=False, kind="stable", ignore_index=True)
    show.chart(
        noise_chart(rows),
        rows.round(4),
        f"Effects without noise {judge} {group.name}",
        effects_words(rows, judge, group.label),
        width="narrow",
        key="annotation-effects",
    )
