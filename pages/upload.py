"""Upload: a judge's labels, or a whole dataset, with a report before anything is used."""

from pathlib import PurePath

import streamlit as st

from dissection.dashboard import controls, session, show
from dissection.dashboard.hub_form import hub_form
from dissection.dashboard.mapping_form import mapping_form
from dissection.dashboard.scenario_form import scenario_form
from dissection.dataset import PairDataset
from dissection.errors import AmbiguousLabelError, InputError, TakenNameError, UnknownFormError
from dissection.export import effects_table, published_json, safe_cells
from dissection.inspection import inspect
from dissection.labels import TEMPLATE_FORMS, LabelReport, read_labels, template
from dissection.readers import READERS, open_dataset, templates

KINDS = {"labels": "A judge's labels", "dataset": "A whole dataset", "hub": "A dataset of the Hub", "scenarios": "Other scenarios"}


def read(dataset: PairDataset, file, name: str) -> tuple[LabelReport, ...] | None:
    """The reports of a file, asking what only the visitor can know; None while it can't be used."""
    rename: dict[str, str] = {}
    meaning = None
    while True:
        try:
            memo = (file.file_id, name, meaning, tuple(rename.items()), dataset.content_hash)
            held = st.session_state.get("label_reports")
            if not held or held[0] != memo:
                held = (memo, read_labels(file.getvalue(), file.name, dataset, name or None, meaning, rename))
                st.session_state["label_reports"] = held
            return held[1]
        except AmbiguousLabelError as error:
            show.mistake(error)
            if meaning is not None or "1 may mean that A wins" not in error.problem:
                return None
            answer = st.radio("What does 1 stand for?", ["A wins", "B wins (the second answer)"], index=None, key="meaning")
            if answer is None:
                return None
            meaning = "a" if answer == "A wins" else "b"
        except TakenNameError as error:
            show.mistake(error)
            new = st.text_input(f"New name for {error.name}", key=f"rename-{error.name}").strip()
            if not new or error.name in rename or new == error.name:
                return None
            rename[error.name] = new
            name = new if name == error.name else name
        except InputError as error:
            show.mistake(error)
            return None


def show_report(report: LabelReport) -> None:
    unknown = sum(len(rows) for rows in report.unknown_labels.values())
    for column, (label, value) in zip(
        st.columns(5),
        (
            ("Matched pairs", report.matched),
            ("Without a verdict", report.missing),
            ("Unknown ids", report.unknown_ids),
            ("Unknown labels", unknown),
            ("Duplicates", report.duplicates),
        ),
        strict=True,
    ):
        column.metric(label, f"{value:,}")
    st.markdown("\n".join(f"- {show.plain_markdown(line)}" for line in report.summary()))
    if len(report.kappa):
        with st.expander("Agreement with each judge that is there (Cohen's kappa, 95 % interval)", icon=":material/handshake:"):
            show.data_table(report.kappa.round(3), f"Agreement of {report.judge}")


def add(reports: tuple[LabelReport, ...]) -> None:
    """Keep the usable judges; runs before the page is drawn again."""
    try:
        for report in reports:
            if report.usable:
                session.add_judge(report.judge, report.verdicts)
        st.session_state["added"] = [report.judge for report in reports if report.usable]
        # A new key empties the uploader.
        st.session_state["upload_round"] = st.session_state.get("upload_round", 0) + 1
    except InputError as error:
        st.session_state["upload_error"] = error


def labels_upload(dataset: PairDataset) -> None:
    if not dataset.has_pairs:
        st.info(
            "Published weights come without their pairs, so a judge's labels can't be matched to them. Choose another dataset in the sidebar."
        )
        return
    left, right = st.columns([3, 2])
    with left:
        file = st.file_uploader(
            "Labels: CSV, TSV, JSON, JSON Lines or Parquet, also .gz, .zst, .zip",
            key=f"labels_file_{st.session_state.get('upload_round', 0)}",
        )
    with right:
        stem = PurePath(file.name).name.split(".")[0] if file else ""
        name = st.text_input(
            "Judge's name, where the file does not say it", value=stem, max_chars=120, key=f"name-{file.file_id if file else ''}"
        )
        with st.popover("Templates", icon=":material/description:"):
            form = st.selectbox("Form", TEMPLATE_FORMS, key="template_form")
            ending = "csv" if not form.startswith("json") else "jsonl" if form == "json lines" else "json"
            st.download_button(
                "Download template", template(dataset, form), file_name=f"labels-{form.replace(', ', '-').replace(' ', '-')}.{ending}"
            )
            st.caption("Labels are joined by pair_id; only a JSON list goes by order, and its length must be that of the data.")
    st.caption("A verdict is a, b, tie, empty for none, a probability that A is preferred, two scores, or two log-probabilities.")
    if file is None:
        return
    reports = read(dataset, file, name)
    if reports is None:
        return
    for report in reports:
        with st.container(border=True):
            st.markdown(f"**{show.plain_markdown(report.judge)}**")
            show_report(report)
    usable = [report for report in reports if report.usable]
    if not usable:
        st.warning("No pair got a verdict, so there is nothing to add.", icon=":material/block:")
        return
    what = usable[0].judge if len(usable) == 1 else f"{len(usable)} judges"
    st.button(f"Add {what}", type="primary", icon=":material/add:", on_click=add, args=(reports,), key="add")


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


def dataset_upload() -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        file = st.file_uploader(
            "Pairs in any known form (JSON, JSON Lines, Parquet, CSV; also .gz, .zst, .zip), or published weights", key="dataset_file"
        )
    with right, st.popover("Templates", icon=":material/description:"):
        st.download_button("JSON Lines", templates.json_lines(), file_name="pairs.jsonl")
        st.download_button("CSV with dotted columns", templates.dotted_csv(), file_name="pairs.csv")
    st.caption(
        "Pairs with texts but no annotated properties get properties computed from the text. What you upload stays in this session's memory "
        "and is gone when you close the tab."
    )
    forms = {"": "Found by its content", **{reader.NAME: f"{reader.NAME}: {reader.DESCRIPTION}" for reader in READERS}}
    reader = st.selectbox("Form of the file", list(forms), format_func=forms.__getitem__, key="dataset_form") or None
    if file is None:
        return
    memo, held = (file.file_id, reader), st.session_state.get("read_dataset")
    if not held or held[0] != memo:
        try:
            held = (memo, open_dataset(file.getvalue(), file.name, reader))
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
        found = mapping_form(file.file_id, file.getvalue(), file.name)
        if found is None:
            return
    with st.container(border=True):
        st.markdown("  \n".join(show.plain_markdown(line).replace("  \\- ", "- ", 1) for line in inspect(found).lines()))
    st.button("Open it", type="primary", icon=":material/folder_open:", on_click=session.open_own, args=(found,), key="open")


def own_datasets() -> None:
    owned = session.own_datasets()
    for key, dataset in list(owned.items()):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Yours: **{show.plain_markdown(dataset.name)}**, {len(dataset):,} pairs, {len(dataset.judges)} judges")
            st.button("Remove", key=f"remove-{key}", icon=":material/delete:", on_click=owned.pop, args=(key, None))


dataset = session.current()
show.page_head("Upload", "What does your own judge want, and whom is it like?", dataset)
if "upload_error" in st.session_state:
    show.mistake(st.session_state.pop("upload_error"))
if added := st.session_state.pop("added", None):
    st.success(
        f"Added: {', '.join(show.plain_markdown(name) for name in added)}. It is on every page of this session now.",
        icon=":material/check:",
    )
    st.page_link("pages/doctor.py", label="See what is in it, what is odd, and what can be done with it", icon=":material/stethoscope:")
kind = controls.choice("What do you bring?", list(KINDS), "kind", KINDS)
if kind == "labels":
    if dataset.has_pairs:
        st.markdown(
            f"The labels are matched to **{show.plain_markdown(dataset.name)}** ({len(dataset):,} pairs); choose other data in the sidebar."
        )
    labels_upload(dataset)
    own_judges(dataset)
else:
    if kind == "dataset":
        dataset_upload()
    elif kind == "hub":
        hub_form()
    else:
        scenario_form(dataset)
    own_datasets()
