"""Parts of the Annotate page: what came of an annotation, its way into the session, and how far it can be trusted."""

import dataclasses
from typing import Final, NamedTuple

import pandas as pd
import streamlit as st

from dissection.annotating.annotation import Annotated
from dissection.community.content import identity
from dissection.dashboard import controls, session, show
from dissection.dashboard.trust_view import trust
from dissection.dataset import PairDataset
from dissection.figures.style import plain_markdown
from dissection.native_file import native_bytes
from dissection.rating_rules import LENGTH
from dissection.readers import open_dataset
from dissection.wording import count

SOURCES: Final = {"session": "Annotated again here", "own": "Other data of this session", "file": "A file"}


class _Held(NamedTuple):
    """An annotation of this session, under the name that its dataset gets."""

    annotated: Annotated
    dataset: PairDataset
    key: str
    judges: tuple[str, ...]


def _kept() -> dict[str, _Held]:
    """The last annotation, and those whose data were opened, by the key of their data."""
    found: dict[str, _Held] = st.session_state.setdefault("annotations", {})
    return found


def keep_annotated(found: Annotated, dataset: PairDataset, model: str) -> None:
    """Keep what came of a run for this session, with the judges that the data in view have by now, and show it."""
    kept = _kept()
    held = next((one for one in kept.values() if one.annotated is found and one.judges == dataset.judge_names), None)
    if held is None:
        judged = found.dataset
        rows = dataset.pairs.index.get_indexer(judged.pairs.index)
        for place, judge in enumerate(dataset.judges):
            if judge.name not in judged.judge_names:
                judged = judged.with_judge(judge, dataset.verdicts[rows, place])
        named = dataclasses.replace(judged, name=f"{dataset.name}, annotated by {model}")
        held = _Held(found, named, session.own_key(identity(named)), dataset.judge_names)
        for key in [key for key in kept if key not in session.own_datasets() or key == held.key]:
            del kept[key]
        kept[held.key] = held
    _show(held, "made")


def show_opened() -> None:
    """What came of the annotation whose dataset is the one in view."""
    held = _kept().get(session.current_key())
    if held is not None:
        _show(held, "opened")
        st.divider()


def _show(held: _Held, place: str) -> None:
    found = held.annotated
    with st.container(border=True):
        st.markdown("**What came of it**")
        st.markdown("\n".join(f"- {plain_markdown(line)}." for line in found.sentences()))
        _failures(found, place)
        opened = held.key in session.own_datasets()
        with st.container(horizontal=True):
            if not opened:
                st.button(
                    "Open the annotated data",
                    type="primary",
                    icon=":material/folder_open:",
                    on_click=session.open_own,
                    args=(held.dataset,),
                    key="annotate-open",
                )
            _download(held.dataset, "Download annotations", "annotated", place)
            if found.again is not None:
                _download(found.again, "Download the second annotation", "annotated-again", place)
        if opened:
            _links(held, place)


def _links(held: _Held, place: str) -> None:
    where = {"data": held.key}
    with st.container(horizontal=True):
        if held.dataset.judges:
            st.page_link("pages/dissect.py", label="See what its judges want", icon=":material/grid_on:", query_params=where)
        else:
            st.page_link("pages/judges.py", label="Ask a judge about these pairs", icon=":material/gavel:", query_params=where)
        st.page_link("pages/doctor.py", label="See what is odd in it", icon=":material/stethoscope:", query_params=where)
        if held.annotated.again is not None:
            st.button(
                "See how far it can be trusted",
                icon=":material/verified:",
                on_click=_to_trust,
                args=(held.key,),
                key=f"annotate-trust-{place}",
            )


def _to_trust(key: str) -> None:
    """Runs before the page is drawn again."""
    st.session_state["data"] = key
    st.session_state["annotateview"] = "trust"


def _failures(found: Annotated, place: str) -> None:
    failures = [(stage.stage, label, reason) for stage in found.stages for label, reason in stage.failures]
    if not failures:
        return
    folded = st.expander(
        f"{count(len(failures), 'call')} without a usable reply", icon=":material/error:", on_change="rerun", key=f"failures-{place}"
    )
    if folded.open:
        with folded:
            show.data_table(pd.DataFrame(failures, columns=["Stage", "Call", "Reason"]), f"annotation failures {place}")


def _download(dataset: PairDataset, label: str, stem: str, place: str) -> None:
    st.download_button(
        f"{label} (JSON Lines)",
        lambda: native_bytes(dataset, ".jsonl"),
        file_name=f"{stem}.jsonl",
        mime="application/jsonl",
        icon=":material/download:",
        key=f"download-{stem}-{place}",
    )


def trust_of(dataset: PairDataset) -> None:
    """How far the annotations of the data in view can be trusted, from a second annotation of some of its pairs.

    Raises:
        InputError: the two have nothing in common, or the file can't be read.
    """
    held = _kept().get(session.current_key())
    again = held.annotated.again if held else None
    others = _others(dataset)
    offered = {"session": again is not None, "own": bool(others), "file": True}
    sources = {name: label for name, label in SOURCES.items() if offered[name]}
    source = controls.choice("Compared with", list(sources), "trustwith", sources) if len(sources) > 1 else "file"
    if source == "session" and again is not None:
        trust(dataset, again, swapped=True)
        return
    second = _chosen(others) if source == "own" else _uploaded()
    if second is None:
        return
    swapped = st.toggle(
        "By the same annotator, with the answers in the other order",
        key="trust-swapped",
        persist_state="session",
        help="Then the two differ by chance and by what is shown first, and this position effect is estimated.",
    )
    trust(dataset, second, swapped=swapped)


def _others(dataset: PairDataset) -> dict[str, PairDataset]:
    """Data of this session that annotate some of the same pairs on some of the same properties."""
    return {
        key: other
        for key, other in session.own_datasets().items()
        if key != session.current_key()
        and _annotated(other) & _annotated(dataset)
        and bool(other.pairs.index.isin(dataset.pairs.index).any())
    }


def _annotated(dataset: PairDataset) -> set[str]:
    return {property_.name for property_ in dataset.properties if not property_.computed and property_.name != LENGTH}


def _chosen(others: dict[str, PairDataset]) -> PairDataset:
    key = str(st.selectbox("Second annotation", list(others), format_func=lambda key: others[key].name, key="trust-other"))
    return others[key]


def _uploaded() -> PairDataset | None:
    """The second annotation of the data in view. Who turns to another page and comes back finds it again; who takes the file away does not."""
    place = f"trust-second-{session.current_key()}"
    file = st.file_uploader(
        "A second annotation of pairs of these data, in any native form: same pair_id, same names of properties",
        key=f"trust-file-{session.current_key()}",
        on_change=_forget,
        args=(place,),
    )
    held: PairDataset | None = st.session_state.get(place)
    if file is not None and held is None:
        held = st.session_state[place] = open_dataset(file.getvalue(), file.name)
    if held is None:
        st.info(
            "How far can these annotations be trusted? Annotate a share of the pairs again, in the other order, in the view Annotate; or bring a file "
            "of a second annotator's, human or model.",
            icon=":material/verified:",
        )
        return None
    st.caption(f"Second annotation: {plain_markdown(held.name)}, {count(len(held), 'pair')}.")
    return held


def _forget(place: str) -> None:
    """Runs before the page is drawn again."""
    st.session_state.pop(place, None)
