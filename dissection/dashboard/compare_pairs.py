"""Parts of the Compare page: the pairs on which two judges differ, and how far their verdicts agree."""

import json
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dissection.agreement import agreement_frame, confusion
from dissection.contrasts.disagreements import Disagreement, disagreement_groups, disagreements, records
from dissection.contrasts.sides import Side
from dissection.dashboard import session, show
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.figures.agreement import agreement_chart, agreement_reading, confusion_chart, confusion_reading
from dissection.figures.style import plain_markdown

UNEXPLAINED = "no property explains it"
PAIR_COLUMNS = ("pair_id", "scenario", "query", "verdict_a", "verdict_b", "property", "contribution")


def pairs_behind(dataset: PairDataset, first: Side, second: Side) -> None:
    """The pairs with different verdicts, filed under the property that explains most, to read or to take along."""
    folded = st.expander("The pairs that make the difference", icon=":material/rule:", key="disagreements", on_change="rerun")
    if not folded.open:
        return
    with folded:
        try:
            found = disagreements(dataset, first.judge, second.judge, first.group, session.model())
        except InputError as error:
            show.limit(error)
            return
        if not found:
            st.caption("They gave the same verdict on every pair that both judged.")
            return
        st.caption(
            f"{plain_markdown(first.judge)} and {plain_markdown(second.judge)} gave different verdicts on {len(found):,} pairs. Each is filed under "
            "the property that speaks most for it: the largest difference of weights times the comparison. Choose some to read or take along."
        )
        kept = _of_chosen_groups(found)
        read = _list(kept, first, second)
        with st.container(horizontal=True):
            st.download_button(
                f"Download {len(kept):,} pairs for relabelling (JSON Lines)",
                lambda: _json_lines(kept),
                file_name=f"disagreements-{show.file_stem(first.judge)}-{show.file_stem(second.judge)}.jsonl",
                icon=":material/download:",
            )
            if read is not None:
                st.button(
                    "Read this pair",
                    icon=":material/compare_arrows:",
                    on_click=session.open_pair,
                    args=(read.pair_id, first.judge, first.group),
                )


def _of_chosen_groups(found: Sequence[Disagreement]) -> list[Disagreement]:
    """Those of the properties that are chosen in the table; all where none is."""
    groups = disagreement_groups(found)
    groups["property"] = groups["property"].map(lambda name: name if isinstance(name, str) else UNEXPLAINED)
    chosen = st.dataframe(
        groups.assign(share=100 * groups["share"]),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        key="disagreement-groups",
        column_config={
            "share": st.column_config.NumberColumn("share of the disagreements", format="%.0f %%"),
            "contribution": st.column_config.NumberColumn("mean contribution, log-odds", format="%.2f"),
        },
    )
    wanted = {groups["property"].iloc[row] for row in chosen["selection"]["rows"]} or set(groups["property"])
    return [pair for pair in found if (pair.property or UNEXPLAINED) in wanted]


def _list(kept: Sequence[Disagreement], first: Side, second: Side) -> Disagreement | None:
    """A table of the pairs; the one that is chosen in it."""
    picked = st.dataframe(
        pd.DataFrame(records(kept), columns=list(PAIR_COLUMNS)),
        hide_index=True,
        height=320,
        on_select="rerun",
        selection_mode="single-row",
        key="disagreement-pairs",
        # Headings, as two columns of one name would be an error, and judges are called what they like.
        column_config={"verdict_a": first.judge, "verdict_b": second.judge},
    )
    rows = picked["selection"]["rows"]
    return kept[rows[0]] if rows and rows[0] < len(kept) else None


def _json_lines(kept: Sequence[Disagreement]) -> bytes:
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records(kept))
    # Half a character becomes the escape that JSON has for it.
    return "".join(lines).encode("utf-8", "backslashreplace")


def agreement(dataset: PairDataset, first: str, second: str) -> None:
    """Percent, kappa and alpha with their intervals, and the confusion of the verdicts."""
    folded = st.expander("Agreement of their verdicts", icon=":material/handshake:", key="agreement", on_change="rerun")
    if not folded.open:
        return
    with folded:
        frame = agreement_frame(dataset, first, second)
        show.chart(
            agreement_chart(frame), frame, f"Agreement {first} {second}", agreement_reading(frame, first, second), key="agreement-chart"
        )
        table = confusion(*(dataset.labels[:, dataset.judge_index(name)] for name in (first, second)))
        show.chart(
            confusion_chart(table, first, second),
            table,
            f"Confusion {first} {second}",
            confusion_reading(table, first, second),
            width="narrow",
            key="confusion",
        )
