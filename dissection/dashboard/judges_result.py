"""Parts of the Judges page: what judges that were asked said, and their way into the data."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st

from dissection.asking.judging import Asked, Plan, verdicts_of
from dissection.asking.outcome import labels_of, order_table
from dissection.asking.scores import Grades
from dissection.asking.verdicts import Verdicts
from dissection.dashboard import session, show
from dissection.dataset import FloatArray, PairDataset
from dissection.errors import InputError
from dissection.figures.style import plain_markdown
from dissection.settings import JUDGES
from dissection.wording import count

_PERCENT: Final = "%.1f %%"
ORDER_COLUMNS: Final[dict[str, Any]] = {
    "judge": "Judge",
    "pairs": "Pairs with a verdict",
    "ties": "Ties",
    "missing": "Missing",
    "both": "In both orders",
    "same": st.column_config.NumberColumn("Same in both", format=_PERCENT),
    "same_low": st.column_config.NumberColumn("95 % from", format=_PERCENT),
    "same_high": st.column_config.NumberColumn("to", format=_PERCENT),
    "first": st.column_config.NumberColumn("First shown preferred", format=_PERCENT),
    "first_low": st.column_config.NumberColumn("95 % from ", format=_PERCENT),
    "first_high": st.column_config.NumberColumn("to ", format=_PERCENT),
}


def asked_here(key: str) -> set[str]:
    """The visitor's judges on a dataset that came from this page, and may be asked again."""
    found: set[str] = st.session_state.setdefault("asked-judges", {}).setdefault(key, set())
    return found


def show_judges(dataset: PairDataset, asked: Asked, plan: Plan, key: str) -> None:
    """What each judge said, how steady it is, its labels, and a button that joins it to the data in view.

    Args:
        dataset: that was asked about.
        asked: what came of it.
        plan: what was asked.
        key: of the dataset in this session.
    """
    st.subheader("What they said" if len(asked.found) > 1 else "What it said", anchor=False)
    said_of(asked.found)
    usable = {name: verdicts_of(found) for name, found in asked.found.items() if _pairs(found)}
    with st.container(horizontal=True):
        st.download_button(
            "Download labels (JSON Lines)",
            lambda: labels_of(dataset, asked.found),
            file_name=f"{show.file_stem('-'.join(asked.found))[:80]}-labels.jsonl",
            mime="application/jsonl",
            icon=":material/download:",
            key="judges-labels",
        )
        if usable:
            _add_button(key, usable, n=len(dataset))
    if not usable:
        st.warning("No pair got a verdict, so there is nothing to add.", icon=":material/block:")
    elif all(_is_added(key, name, values) for name, values in usable.items()):
        _links(list(usable), plan)


def _pairs(found: Verdicts | Grades) -> int:
    return int(pd.notna(verdicts_of(found)).any(axis=1).sum())


def said_of(found: Mapping[str, Verdicts | Grades]) -> None:
    """Each judge in a sentence; and where pairs were shown in both orders, how steady it is."""
    # Resampling many pairs takes seconds, and the page is drawn anew at each click.
    held: tuple[object, pd.DataFrame] | None = st.session_state.get("order-table")
    if held is None or held[0] is not found:
        held = st.session_state["order-table"] = (found, order_table(found))
    table = held[1]
    steady = _steady(table)
    st.markdown(
        "\n".join(
            f"- **{plain_markdown(judge)}**: {plain_markdown(one.sentence())}. {words}"
            for (judge, one), words in zip(found.items(), steady, strict=True)
        )
    )
    with st.expander("Ties, missing verdicts and both orders, as a table", icon=":material/table:"):
        show.data_table(table.round(2), "judges asked", ORDER_COLUMNS)


def _steady(table: pd.DataFrame) -> Sequence[str]:
    return [
        f"{count(row['ties'], 'tie')} and {row['missing']:,} missing of {count(row['pairs'] + row['missing'], 'pair')}. "
        + (
            f"The same verdict in both orders in {row['same']:.1f} % (95 %: {row['same_low']:.1f}–{row['same_high']:.1f}) and the answer shown "
            f"first preferred in {row['first']:.1f} %{_interval(row)} of {row['both']:,} pairs asked twice; 50 % would be no position bias."
            if row["both"]
            else "No pair has a verdict in both orders, so its position bias is not known."
        )
        for row in table.to_dict("records")
    ]


def _interval(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["first_low"]):
        return " (no interval, as it is the same in every pair)"
    return f" (95 %: {row['first_low']:.1f}–{row['first_high']:.1f})"


# --- Into the data ----------------------------------------------------------------------------------------------------------------


def _is_added(key: str, name: str, values: FloatArray) -> bool:
    held = session.own_judges(key).get(name)
    return held is not None and np.array_equal(held, values, equal_nan=True)


def _add_button(key: str, usable: dict[str, FloatArray], n: int) -> None:
    if all(_is_added(key, name, values) for name, values in usable.items()):
        st.success(f"On every page of this session now: {plain_markdown(', '.join(usable))}.", icon=":material/check:")
        return
    what = plain_markdown(next(iter(usable))) if len(usable) == 1 else count(len(usable), "judge")
    st.button(
        f"Add {what} to the data in view",
        type="primary",
        icon=":material/add:",
        key="judges-add",
        on_click=_add,
        args=(key, usable),
        help=f"Joins the verdicts to the {n:,} pairs, for this session.",
    )


def _add(key: str, usable: dict[str, FloatArray]) -> None:
    """Keep the judges, all or none; runs before the page is drawn again."""
    owned, ours = session.own_judges(key), asked_here(key)
    more = [name for name in usable if name not in owned]
    if len(owned) + len(more) > JUDGES.read():
        st.session_state["upload_error"] = InputError(
            f"These are {count(len(more), 'judge')}, and this session already holds {len(owned)} of yours.",
            accepted=f"{JUDGES.read()} in all",
            remedy="remove some of your judges on the Upload page; what was answered is kept",
        )
        return
    for name, values in usable.items():
        # Without the verdicts of an earlier, shorter asking.
        owned.pop(name, None)
        owned[name] = values
        ours.add(name)
    st.session_state.pop("current", None)


def _links(names: list[str], plan: Plan) -> None:
    with st.container(horizontal=True):
        st.page_link("pages/dissect.py", label="See what they want on Dissect", icon=":material/grid_on:", query_params={"judges": names})
        if plan.round is not None:
            st.page_link(
                "pages/compare.py", label="Follow the rounds on Compare", icon=":material/timeline:", query_params={"compare": "rounds"}
            )
        if len(names) > 1:
            plain = next((name for name, one in zip(names, plan.instructions, strict=False) if not one.name), names[0])
            st.page_link(
                "pages/compare.py",
                label=f"See how far it can be steered: all against {plain_markdown(plain)}",
                icon=":material/balance:",
                query_params={"compare": "against", "reference": plain, "judges": names},
            )
