"""Parts of the Judges page: the dataset that was made from queries, who wins in it, and its way into the session and into training."""

import streamlit as st

from dissection.asking.creating import Created
from dissection.asking.online import chosen_rejected, win_rates
from dissection.dashboard import session, show
from dissection.dashboard.judges_result import said_of
from dissection.dataset import PairDataset
from dissection.errors import DatasetError
from dissection.figures.style import plain_markdown
from dissection.figures.win_rates import win_rate_chart, win_rate_table
from dissection.native_file import native_bytes
from dissection.wording import count


def show_created(created: Created, dataset: PairDataset | None) -> None:
    """What came of it, with downloads and a button that opens it.

    Args:
        created: what came of it.
        dataset: its dataset as it is opened.
    """
    if dataset is None:
        st.info(f"There is no dataset yet: {plain_markdown(created.why)}.", icon=":material/hourglass_empty:")
        return
    st.subheader("The new dataset", anchor=False)
    st.markdown(f"**{plain_markdown(dataset.name)}** · {count(len(dataset), 'pair')}, {count(len(dataset.judges), 'judge')}")
    if created.found:
        said_of(created.found)
    if not dataset.judges:
        st.info("No judge was asked. Open it, and ask for verdicts in the first view of this page.", icon=":material/gavel:")
    else:
        judge = st.selectbox("Judge of the win rates and of the pairs for training", dataset.judge_names[::-1], key="created-judge")
        _win_rates(dataset, judge)
        _training(dataset, judge)
    with st.container(horizontal=True):
        st.button("Open it", type="primary", icon=":material/folder_open:", key="created-open", on_click=session.open_own, args=(dataset,))
        st.download_button(
            "Download in the native form (JSON Lines)",
            lambda: native_bytes(dataset, ".jsonl"),
            file_name="pairs.jsonl",
            mime="application/jsonl",
            icon=":material/download:",
            key="created-native",
        )
    if session.own_datasets().get(session.current_key()) is dataset:
        st.page_link("pages/dissect.py", label="See what the judge wants on Dissect", icon=":material/grid_on:")


def _win_rates(dataset: PairDataset, judge: str) -> None:
    try:
        rates = win_rates(dataset, judge)
    except DatasetError:
        st.caption("One model gave all answers, so there is nobody to win against.")
        return
    shown = [rate for rate in rates if rate.n]
    if not shown:
        st.caption("No pair of two models has a verdict, so there are no win rates.")
        return
    best = max(shown, key=lambda rate: rate.rate)
    show.chart(
        win_rate_chart(shown),
        win_rate_table(rates).round(2),
        f"Win rates by {judge}",
        f"How often {plain_markdown(judge)} prefers a model's answers, a tie counting half, with 95 % intervals; hollow where 50 % is within them. "
        f"Highest: {plain_markdown(best.model)} against {plain_markdown(best.other)}, {plain_markdown(best.words())}; interval: "
        f"{plain_markdown(best.interval)}.",
        width="narrow",
        key="win-rates",
    )


def _training(dataset: PairDataset, judge: str) -> None:
    export = chosen_rejected(dataset, judge)
    st.download_button(
        f"Download {count(export.written, 'pair')} for preference training (prompt, chosen, rejected, margin)",
        export.lines,
        file_name="chosen-rejected.jsonl",
        mime="application/jsonl",
        icon=":material/model_training:",
        key="created-training",
        disabled=not export.written,
    )
    st.caption(
        f"The margin is P(chosen preferred) minus P(rejected preferred), over 0 up to 1. Left out: {count(export.ties, 'tie')}, and "
        f"{count(export.missing, 'pair')} without a verdict or a text."
    )
