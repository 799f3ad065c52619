"""Part of the page "Style or substance": models' strengths by each judge against concrete measures of them."""

import pandas as pd
import streamlit as st

from dissection import settings
from dissection.dashboard import behind, controls, show
from dissection.dashboard.limits import only_shown
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.export import safe_cells
from dissection.figures.heatmap import heatmap
from dissection.figures.style import judge_colours, plain_markdown
from dissection.figures.substance import CORRELATION, correlation_frame, correlation_hover, strengths_chart
from dissection.figures.substance_sentences import COLUMNS, correlations_reading, few_models, strengths_reading
from dissection.substance.measures import METHODS, MODEL_COLUMN, Measures, correlations, read_measures
from dissection.substance.strengths import RESAMPLES, Strengths, models_of, strengths, strengths_frame
from dissection.wording import count

MOST_BESIDE = 6
FEW_COLUMNS = 8  # of a heatmap that need no wide chart
NO_MODELS = (
    "The pairs do not name the models that answered, so models have no strengths here. Add the columns `model_a` and `model_b` to the file; "
    "the other views need neither."
)
NO_TABLE = (
    "Choose a table of measures to see which of them each judge's ranking of models follows: a column `model` with the names as in the template, and one "
    "column of numbers for each measure (safety, world knowledge, instruction following …)."
)


def measures(dataset: PairDataset) -> None:
    """Strengths of the models, and their correlations with an uploaded table."""
    models = models_of(dataset)
    if len(models) < 2:
        st.info(NO_MODELS if not models else f"All answers are of one model, {plain_markdown(models[0])}: nothing to rank.")
        return
    table = _uploaded(models)
    first, second = st.columns(2)
    with first:
        group = controls.group(dataset)
    with second:
        judges = controls.some_judges(dataset, "judges")
    found: dict[str, Strengths] | None = behind.result(
        "strengths",
        (dataset.content_hash, group, judges),
        f"Models' strengths on {RESAMPLES} resamples of the queries",
        lambda progress: strengths(dataset, judges, group.name, progress=progress),
    )
    if found is None:
        return
    if not found:
        st.info("No judge in view has a verdict on a pair of two models that differ.", icon=":material/leaderboard:")
        return
    if table is not None:
        _correlations(dataset, found, table)
    _strengths(dataset, found)


def _uploaded(models: tuple[str, ...]) -> Measures | None:
    """The table, kept for the session; without one, a template of it."""
    if settings.read_only():
        only_shown("compare them with a table of measures of your own")
        return None
    file = st.file_uploader(
        f"A table with a column `{MODEL_COLUMN}` and a column for each measure (CSV, TSV, JSON Lines, Parquet)", key="measures"
    )
    if file is not None:
        st.session_state["measures-file"] = (file.getvalue(), file.name)
    held: tuple[bytes, str] | None = st.session_state.get("measures-file")
    if held is None:
        st.caption(NO_TABLE)
        st.download_button(
            f"Template with the {len(models)} models (CSV)",
            lambda: safe_cells(pd.DataFrame({MODEL_COLUMN: models, "measure": ""})).to_csv(index=False).encode(),
            file_name="measures.csv",
            mime="text/csv",
            icon=":material/download:",
        )
        return None
    if file is None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"In use: {plain_markdown(held[1])}.")
            st.button("Remove", icon=":material/close:", on_click=_forget)
    try:
        found = read_measures(held[0], held[1], models)
    except InputError as error:  # the strengths need no table
        show.mistake(error)
        return None
    for note in found.notes:
        st.caption(plain_markdown(note))
    return found


def _forget() -> None:
    st.session_state.pop("measures-file", None)


def _correlations(dataset: PairDataset, found: dict[str, Strengths], table: Measures) -> None:
    method = controls.choice("Correlation", METHODS, "rankcorr", {"spearman": "Spearman", "kendall": "Kendall"})
    known = correlations(found, table, method)
    if warning := few_models(known):
        st.warning(warning, icon=":material/warning:")
    show.chart(
        heatmap(
            correlation_frame(known),
            list(found),
            [str(name) for name in table.values],
            row_field="judge",
            column_field="property",
            own=dataset.own_judges,
            scale=CORRELATION,
            hover=correlation_hover,
        ),
        known.round(4),
        f"Judges and measures {method}",
        correlations_reading(known, RESAMPLES),
        width="narrow" if len(table.values.columns) <= FEW_COLUMNS else "wide",
        key="measures-chart",
        columns=COLUMNS,
    )


def _strengths(dataset: PairDataset, found: dict[str, Strengths]) -> None:
    frame = strengths_frame(found)
    shown = list(found)[:MOST_BESIDE]
    if len(found) > MOST_BESIDE:
        st.caption(f"The first {MOST_BESIDE} of {count(len(found), 'judge')}; choose others above. The table has all.")
    means = frame[frame["judge"].isin(shown)].groupby("model")["strength"].mean()
    show.chart(
        strengths_chart(
            frame,
            [str(name) for name in means.sort_values(ascending=False).index],
            shown,
            judge_colours(dataset.judge_names),
            dataset.own_judges,
        ),
        frame.round(4),
        "Strengths of models",
        strengths_reading(
            frame[frame["judge"].isin(shown)],
            {judge: found[judge].left_out for judge in shown if found[judge].left_out},
            max(one.queries for one in found.values()),
            RESAMPLES,
        ),
        width="narrow",
        key="strengths",
        columns=COLUMNS,
    )
