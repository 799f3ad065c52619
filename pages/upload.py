"""Upload: labels of judges, or a whole dataset, with a report before anything is used."""

import streamlit as st

from dissection import settings
from dissection.append import append
from dissection.dashboard import controls, session, show
from dissection.dashboard.hub_form import download_panel, hub_form
from dissection.dashboard.labels_form import labels_form
from dissection.dashboard.limits import check_pairs, only_shown, visitors_rows
from dissection.dashboard.mapping_form import mapping_form
from dissection.dashboard.scenario_form import scenario_form
from dissection.dataset import PairDataset
from dissection.errors import InputError, UnknownFormError
from dissection.export import effects_table, published_json, safe_cells
from dissection.inspection import inspect
from dissection.readers import READERS, open_dataset, templates

KINDS = {"labels": "A judge's labels", "dataset": "A whole dataset", "hub": "A dataset of the Hub", "scenarios": "Other scenarios"}


def own_judges(dataset: PairDataset) -> None:
    owned = session.own_judges(session.current_key())
    if not owned:
        return
    st.subheader("Your judges on this data", anchor=False)
    for name in list(owned):
        cells = session.posteriors(dataset, dataset.groups, (name,))
        counts = [cell.n for cell in cells if cell.group.kind == "scenario"]
        with st.container(border=True):
            st.markdown(f"**{show.plain_markdown(name)}** · {sum(counts):,} pairs fitted in {sum(n > 0 for n in counts)} scenarios")
            with st.container(horizontal=True):
                st.page_link("pages/dissect.py", label="See it in the heatmap", icon=":material/grid_on:")
                st.page_link("pages/similarity.py", label="See who is like it", icon=":material/hub:")
                stem = show.file_stem(name)
                st.download_button(
                    "Effects (CSV)",
                    safe_cells(effects_table(cells)).to_csv(index=False),
                    file_name=f"{stem}-effects.csv",
                    key=f"csv-own-{name}",
                )
                st.download_button("Published-weights JSON", published_json(cells), file_name=f"{stem}.json", key=f"json-own-{name}")
                st.button("Remove", icon=":material/delete:", key=f"remove-{name}", on_click=owned.pop, args=(name, None))


def dataset_upload(view: PairDataset) -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        file = st.file_uploader(
            "Pairs in any known form (JSON, JSON Lines, Parquet, CSV; also .gz, .zst, .zip), or published weights", key="dataset_file"
        )
    with right, st.popover("Templates", icon=":material/description:"):
        st.download_button("JSON Lines", templates.json_lines(), file_name="pairs.jsonl")
        st.download_button("CSV with dotted columns", templates.dotted_csv(), file_name="pairs.csv")
    st.caption(
        "Pairs with texts but no annotated properties get properties computed from the text. What you upload stays in this session, large texts in "
        "a temporary file of this server, and is gone when you close the tab."
    )
    forms = {"": "Found by its content", **{reader.NAME: f"{reader.NAME}: {reader.DESCRIPTION}" for reader in READERS}}
    reader = st.selectbox("Form of the file", list(forms), format_func=forms.__getitem__, key="dataset_form") or None
    if file is None:
        return
    memo, held = (file.file_id, reader), st.session_state.get("read_dataset")
    if not held or held[0] != memo:
        try:
            with visitors_rows():
                opened = open_dataset(file.getvalue(), file.name, reader)
            check_pairs(opened)
            held = (memo, opened)
        except UnknownFormError as error:
            held = (memo, error)  # kept, so that the file is not read again at each choice of a column
        except InputError as error:
            show.mistake(error)
            return
        st.session_state["read_dataset"] = held
    found = held[1]
    if isinstance(found, UnknownFormError):
        st.warning(
            f"**{show.plain_markdown(found.problem)}** Say below which column is what, or choose its form above.",
            icon=":material/help:",
        )
        with visitors_rows():
            found = mapping_form(file.file_id, file.getvalue(), file.name)
        if found is None:
            return
        try:
            check_pairs(found)
        except InputError as error:
            show.mistake(error)
            return
    with st.container(border=True):
        show.inspection(inspect(found).lines())
    with st.container(horizontal=True):
        st.button("Open it", type="primary", icon=":material/folder_open:", on_click=session.open_own, args=(found,), key="open")
        append_button(view, found, "append")


def append_button(view: PairDataset, further: PairDataset, key: str) -> None:
    """Puts the pairs of a dataset behind those of the data in view, where both have pairs."""
    if view.has_pairs and further.has_pairs:
        st.button(
            f"Append to {show.plain_markdown(view.name)}",
            icon=":material/playlist_add:",
            on_click=open_appended,
            args=(view, further),
            key=key,
            help="Opens a new dataset with the pairs of both; judges and properties are united by name.",
        )


def open_appended(view: PairDataset, further: PairDataset) -> None:
    """Runs before the page is drawn again."""
    try:
        check_pairs(view, further)
        session.open_own(append([view, further]))
    except InputError as error:
        st.session_state["upload_error"] = error


def own_datasets(view: PairDataset) -> None:
    owned = session.own_datasets()
    for key, dataset in list(owned.items()):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Yours: **{show.plain_markdown(dataset.name)}**, {len(dataset):,} pairs, {len(dataset.judges)} judges")
            if key != session.current_key():
                append_button(view, dataset, f"append-{key}")
            st.button("Remove", key=f"remove-{key}", icon=":material/delete:", on_click=owned.pop, args=(key, None))


dataset = session.current()
show.page_head("Upload", "What does your own judge want, and whom is it like?", dataset)
if settings.read_only():
    only_shown("look at data or labels of your own")
    st.stop()
if "upload_error" in st.session_state:
    show.mistake(st.session_state.pop("upload_error"))
if added := st.session_state.pop("added", None):
    st.success(
        f"Added: {', '.join(show.plain_markdown(name) for name in added)}. It is on every page of this session now.",
        icon=":material/check:",
    )
    st.page_link("pages/doctor.py", label="See what is in it, what is odd, and what can be done with it", icon=":material/stethoscope:")
kind = controls.choice("What do you bring?", list(KINDS), "kind", KINDS)
if kind != "hub":
    download_panel()
if kind == "labels":
    if dataset.has_pairs:
        st.markdown(
            f"The labels are matched to **{show.plain_markdown(dataset.name)}** ({len(dataset):,} pairs); choose other data in the sidebar."
        )
    labels_form(dataset)
    own_judges(dataset)
else:
    if kind == "dataset":
        dataset_upload(dataset)
    elif kind == "hub":
        hub_form()
    else:
        scenario_form(dataset)
    own_datasets(dataset)
