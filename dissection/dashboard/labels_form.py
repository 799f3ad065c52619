"""Labels of judges in one file or several: each read with its own questions, reported, and added together."""

from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import streamlit as st

from dissection.dashboard import session, show
from dissection.dashboard.limits import visitors_rows
from dissection.dataset import PairDataset
from dissection.errors import AmbiguousLabelError, InputError, LabelError, TakenNameError
from dissection.figures.style import plain_markdown
from dissection.labels import TEMPLATE_FORMS, LabelReport, MeaningOfOne, read_labels, template
from dissection.settings import JUDGES
from dissection.wording import count

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

Reports = tuple[LabelReport, ...]
Held = dict[tuple[object, ...], Reports | InputError]
MEANINGS: dict[str, MeaningOfOne] = {"A wins": "a", "B wins (the second answer)": "b"}
NAMELESS = "The judge has no name."


def labels_form(dataset: PairDataset) -> None:
    """The part of the Upload page where labels are read, reported and added."""
    if not dataset.has_pairs:
        st.info(
            "Published weights come without their pairs, so a judge's labels can't be matched to them. Choose another dataset in the sidebar."
        )
        return
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left:
        files = st.file_uploader(
            "Labels, in one file or several: CSV, TSV, JSON, JSON Lines or Parquet, also .gz, .zst, .zip",
            accept_multiple_files=True,
            key=f"labels_file_{st.session_state.get('upload_round', 0)}",
        )
    with right:
        _templates(dataset)
    st.caption("A verdict is a, b, tie, empty for none, a probability that A is preferred, two scores, or two log-probabilities.")
    found: list[LabelReport] = []
    refused = []
    numbers = _numbers(files)
    held: Held = st.session_state.get("label_reports", {})
    kept: Held = {}
    for file in files:
        with st.container(border=True):
            st.markdown(f":material/description: **{plain_markdown(file.name)}**")
            reading = _Reading(file, dataset, tuple(report.judge for report in found), numbers[file.file_id], held)
            reports = reading.reports()
            kept |= reading.used
            for place, report in enumerate(reports or (), len(found)):
                _show_report(report, place)
        found += reports or ()
        refused += [file.name] if reports is None else []
    st.session_state["label_reports"] = kept
    if found:
        _add_button(found, refused)


def _templates(dataset: PairDataset) -> None:
    with st.popover("Templates", icon=":material/description:"):
        form = st.selectbox("Form", TEMPLATE_FORMS, key="template_form")
        ending = "csv" if not form.startswith("json") else "jsonl" if form == "json lines" else "json"
        st.download_button(
            "Download template", template(dataset, form), file_name=f"labels-{form.replace(', ', '-').replace(' ', '-')}.{ending}"
        )
        st.caption("Labels are joined by pair_id; only a JSON list goes by order, and its length must be that of the data.")


def _numbers(files: "list[UploadedFile]") -> dict[str, int]:
    """File → its number among all that were chosen in this round, which it keeps when another is taken away."""
    numbers: dict[str, int] = st.session_state.setdefault("label_files", {})
    if not files:
        numbers.clear()
    for file in files:
        numbers.setdefault(file.file_id, len(numbers))
    return numbers


class _Reading:
    """A file of labels, read as often as there is something to ask.

    Args:
        file: as uploaded.
        dataset: that the labels are of.
        taken: judges of the files before it.
        number: for the keys of its fields.
        held: what was read when the page was drawn last, so that no file is read again at each choice; `used` is what this time needs.
    """

    def __init__(self, file: "UploadedFile", dataset: PairDataset, taken: tuple[str, ...], number: int, held: Held) -> None:
        self._file, self._dataset, self._taken, self._held = file, dataset, taken, held
        self.used: Held = {}
        self._suffix = f"-{number}" if number else ""
        self._name: str | None = None
        self._meaning: MeaningOfOne | None = None
        self._rename: dict[str, str] = {}

    def reports(self) -> Reports | None:
        """One report a judge, asking what only the visitor can know; None while the file can't be used."""
        asked: list[tuple[type[LabelError], Callable[[Any], bool]]] = [
            (AmbiguousLabelError, self._ask_meaning),
            (TakenNameError, self._ask_other_name),
            (LabelError, self._ask_name),
        ]
        while True:
            try:
                reports = self._read()
                for report in reports:
                    if report.judge in self._taken:
                        raise TakenNameError(report.judge)
                return reports
            except InputError as error:
                ask = next((ask for kind, ask in asked if isinstance(error, kind)), None)
                if ask is None:
                    show.mistake(error)
                if ask is None or not ask(error):
                    return None

    def _read(self) -> Reports:
        memo = (self._file.file_id, self._name, self._meaning, tuple(self._rename.items()), self._dataset.content_hash)
        found = self._held.get(memo)
        if found is None:
            try:
                with visitors_rows():
                    found = read_labels(self._file.getvalue(), self._file.name, self._dataset, self._name, self._meaning, self._rename)
            except InputError as error:
                found = error
        self.used[memo] = found
        if isinstance(found, InputError):
            raise found.with_traceback(None)  # which holds the file's rows
        return found

    def _ask_meaning(self, error: AmbiguousLabelError) -> bool:
        show.mistake(error)
        if self._meaning is not None or "1 may mean that A wins" not in error.problem:
            return False
        answer = st.radio("What does 1 stand for?", list(MEANINGS), index=None, key=f"meaning{self._suffix}")
        self._meaning = MEANINGS.get(answer or "")
        return self._meaning is not None

    def _ask_other_name(self, error: TakenNameError) -> bool:
        show.mistake(error)
        # Where the new name is taken too, the field above is still the one to correct.
        if error.name in (*self._rename, *self._rename.values()):
            return False
        new = st.text_input(f"New name for {plain_markdown(error.name)}", key=f"rename-{error.name}{self._suffix}").strip()
        if not new or new == error.name:
            return False
        self._rename[error.name] = new
        self._name = new if self._name == error.name else self._name
        return True

    def _ask_name(self, error: LabelError) -> bool:
        if self._name is not None or error.problem != NAMELESS:
            show.mistake(error)
            return False
        stem = PurePath(self._file.name).name.split(".")[0]
        self._name = st.text_input("Judge's name, as the file does not say it", value=stem, max_chars=120, key=f"name-{self._file.file_id}")
        return True


def _show_report(report: LabelReport, place: int) -> None:
    """One judge; `place` among all of them keeps apart those whose names make the same file name."""
    st.markdown(f"**{plain_markdown(report.judge)}**")
    counts = {
        "Matched pairs": report.matched,
        "Without a verdict": report.missing,
        "Unknown ids": report.unknown_ids,
        "Unknown labels": sum(len(rows) for rows in report.unknown_labels.values()),
        "Duplicates": report.duplicates,
    }
    with st.container(horizontal=True):
        for label, value in counts.items():
            st.metric(label, f"{value:,}", width=140)
    st.markdown("\n".join(f"- {plain_markdown(line)}" for line in report.summary()))
    if len(report.kappa):
        with st.expander("Agreement with each judge that is there (Cohen's kappa, 95 % interval)", icon=":material/handshake:"):
            show.data_table(report.kappa.round(3), f"{f'{place + 1} agreement' if place else 'Agreement'} of {report.judge}")


def _add_button(found: list[LabelReport], refused: list[str]) -> None:
    usable = [report for report in found if report.usable]
    if not usable:
        st.warning("No pair got a verdict, so there is nothing to add.", icon=":material/block:")
        return
    left_out = [report.judge for report in found if not report.usable] + refused
    if left_out:
        st.caption(f"Not to be added: {plain_markdown(', '.join(left_out))}.")
    what = usable[0].judge if len(usable) == 1 else f"{len(usable)} judges"
    st.button(f"Add {plain_markdown(what)}", type="primary", icon=":material/add:", on_click=_add, args=(usable,), key="add")


def _add(reports: list[LabelReport]) -> None:
    """Keep the judges, all or none; runs before the page is drawn again."""
    held = len(session.own_judges(session.current_key()))
    try:
        if held + len(reports) > JUDGES.read():
            raise InputError(
                f"These are {count(len(reports), 'judge')}, and this session already holds {held} uploaded ones.",
                accepted=f"{JUDGES.read()} in all",
                remedy="take a file away, or remove some of your judges",
            )
        for report in reports:
            session.add_judge(report.judge, report.verdicts)
        st.session_state["added"] = [report.judge for report in reports]
        st.session_state.pop("label_reports", None)
        # A new key empties the uploader.
        st.session_state["upload_round"] = st.session_state.get("upload_round", 0) + 1
    except InputError as error:
        st.session_state["upload_error"] = error
