"""Export: what was found, as files that others can use."""

import streamlit as st

from dissection.dashboard import analysis, controls, session, show
from dissection.dataset import Group, PairDataset
from dissection.export import EFFECT_FORMS, effects_table, published_json, safe_cells, table_bytes
from dissection.native_file import native_bytes
from dissection.regression.posterior import Posterior
from dissection.report import ReportInput, report
from dissection.similarity import similarity_matrix

FORMS = {".csv": "CSV", ".parquet": "Parquet", ".jsonl": "JSON Lines", ".json": "JSON"}
NATIVE = {".jsonl": "JSON Lines", ".gz": "JSON Lines, packed", ".parquet": "Parquet", ".csv": "CSV"}


def fitted(dataset: PairDataset, judges: tuple[str, ...]) -> list[Posterior]:
    groups: tuple[Group, ...] = dataset.selectable_groups
    if session.model().pooled:
        groups = tuple(group for group in groups if group.kind != "condition")
    return session.posteriors(dataset, groups, judges)


def about_judges(dataset: PairDataset, stem: str) -> None:
    judges = controls.some_judges(dataset, "export-judges")
    # Fitted now, as downloads are made outside the session, where the sidebar's choices are not known.
    found = fitted(dataset, judges)
    sampled = sum(posterior.engine == "nuts" for posterior in found)
    content = ReportInput(dataset, judges, session.model(), tuple(found), analysis.settings() if sampled else None)
    st.subheader("Report", anchor=False)
    st.caption(
        "One HTML file with interactive charts: portraits, heatmaps, similarity, scores, diagnostics, method, data hash, versions and seeds. It opens "
        f"without a network. {sampled:,} of {len(found):,} cells in it were sampled by NUTS{'' if sampled else '; the sidebar chooses the engine'}."
    )
    st.download_button(
        "Download the report",
        lambda: report(content).encode(),
        file_name=f"{stem}-report.html",
        mime="text/html",
        icon=":material/description:",
        type="primary",
    )
    st.subheader("Effects", anchor=False)
    st.caption(
        "One row a judge, group and property: mean, sd and 95 % interval in log-odds, the percentage preferred, n. The published-weights form holds means alone, of scenarios "
        "and conditions."
    )
    columns = st.columns(len(EFFECT_FORMS) + 1)
    for column, form in zip(columns, EFFECT_FORMS, strict=False):
        column.download_button(
            FORMS[form],
            lambda form=form: table_bytes(effects_table(found), form),
            file_name=f"{stem}-effects{form}",
            icon=":material/download:",
            width="stretch",
        )
    columns[-1].download_button(
        "Published form",
        lambda: published_json(found).encode(),
        file_name=f"{stem}-weights.json",
        icon=":material/download:",
        width="stretch",
    )
    if len(judges) > 1:
        st.subheader("Similarity", anchor=False)
        st.caption(f"The square matrix of {len(judges)} judges: mean over scenarios of the correlation of their weights.")
        scenarios = [posterior for posterior in found if posterior.group.kind == "scenario"]
        st.download_button(
            "Similarity matrix, CSV",
            lambda: safe_cells(similarity_matrix(scenarios)).to_csv(index_label="judge").encode(),
            file_name=f"{stem}-similarity.csv",
            icon=":material/download:",
        )


def about_pairs(dataset: PairDataset, stem: str) -> None:
    st.subheader("Pairs", anchor=False)
    computed = any(prop.computed for prop in dataset.properties)
    st.caption(
        "The data in the native form, with your judges; JSON Lines read back equal. In Parquet a further column with values of several kinds becomes "
        "text; in CSV all further columns are text, and texts that a spreadsheet would run (=, +, -, @ at their start, as lists have) get an apostrophe."
        + (" Properties computed from the texts are left out, as opening the file computes them again." if computed else "")
    )
    for column, (form, label) in zip(st.columns(len(NATIVE)), NATIVE.items(), strict=True):
        name = f"{stem}{'.jsonl' if form == '.gz' else ''}{form}"
        column.download_button(
            label,
            lambda form=form: native_bytes(dataset, form),
            file_name=name,
            icon=":material/download:",
            width="stretch",
            key=f"native{form}",
        )
    st.subheader("Draws", anchor=False)
    sampled = analysis.sampled(dataset, dataset.selectable_groups, session.model())
    if not sampled:
        st.caption(
            "No cell of this data has been sampled under this model; the Diagnostics page does that. The command line keeps draws with --posterior."
        )
        return
    labels = {f"{posterior.judge} · {posterior.group.label}": posterior for posterior in sampled}
    chosen = labels[str(st.selectbox("Sampled cell", list(labels), key="draws-cell"))]
    file = analysis.draws_file(dataset, chosen, session.model())
    if file is None:
        st.caption("The draws of this cell are no longer in the cache; sample it again to have them.")
        return
    st.download_button("Draws, NetCDF for ArviZ", file, file_name=f"{show.file_stem(chosen.judge)}-draws.nc", icon=":material/download:")


dataset = session.current()
show.page_head("Export", "Take away what was found, as files that others can use.", dataset)
stem = show.file_stem(dataset.name)
if dataset.judges:
    about_judges(dataset, stem)
if dataset.has_pairs:
    about_pairs(dataset, stem)
st.caption("Every chart has its own downloads too: the image at its upper right, its table below it.")
