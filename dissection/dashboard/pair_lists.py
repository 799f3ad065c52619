"""Lists that lead to pairs worth reading: surprising verdicts, contested pairs, near-duplicates, and what unites the fit's mistakes."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st

from dissection.dashboard import scoring, session, show, what_if
from dissection.dashboard.address import keep
from dissection.dashboard.kept import kept, shared
from dissection.dataset import Group, PairDataset
from dissection.export import safe_cells
from dissection.figures.style import plain_markdown
from dissection.mistakes import MOST_TEXTS, Mistakes, mistakes
from dissection.regression.model import Model
from dissection.regression.scores import Score, score
from dissection.surprise import (
    MOST_COMPARED,
    THRESHOLD,
    UNLIKELY,
    Duplicates,
    Foretold,
    contested,
    foretell,
    near_duplicates,
    surprising,
    unlikely,
)
from dissection.wording import count

THRESHOLDS = (0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99)
ROWS_HEIGHT = 320
NUMBER = st.column_config.NumberColumn
PAIR_COLUMNS: dict[str, Any] = {
    "row": None,
    "pair_id": "Pair",
    "scenario": "Scenario",
    "query": st.column_config.TextColumn("Query", width="medium"),
}
SURPRISE_COLUMNS: dict[str, Any] = {
    **PAIR_COLUMNS,
    "verdict": "Verdict",
    "predicted": NUMBER("A predicted", format="%.0f %%"),
    "chance": NUMBER("Chance", format="%.1f %%"),
}
CONTESTED_COLUMNS: dict[str, Any] = {
    **PAIR_COLUMNS,
    "a": "A",
    "tie": "Tie",
    "b": "B",
    "n": "n",
    "outside": NUMBER("Outside", format="%.0f %%"),
    "low": NUMBER("95 % from", format="%.0f %%"),
    "high": NUMBER("to", format="%.0f %%"),
}
DUPLICATES_COLUMNS: dict[str, Any] = {
    **PAIR_COLUMNS,
    "other_row": None,
    "other": "Its double",
    "cosine": NUMBER("Alike", format="%.3f"),
    "swapped": "Answers swapped",
    "verdict": "Verdict",
    "other_verdict": "On the double",
    "same": "Same verdict",
}
MARK_COLUMNS: dict[str, Any] = {
    "kind": "Kind",
    "mark": "Mark",
    "where": "Where",
    "wrong": "Wrong",
    "pairs": "n",
    "percent": NUMBER("Wrong of n", format="%.0f %%"),
    "expected": NUMBER("Due", format="%.1f"),
    "odds_ratio": NUMBER("Odds ratio", format="%.2f"),
    "low": NUMBER("95 % from", format="%.2f"),
    "high": NUMBER("to", format="%.2f"),
    "p": NUMBER("p", format="%.2g"),
    "discovery": "Holds at FDR 5 %",
}


def lists(dataset: PairDataset, judge: str, group: Group) -> None:
    """The choice of a list, and the one that was chosen; nothing is computed before."""
    drawn: dict[str, tuple[str, Callable[[PairDataset, str, Group], None]]] = {
        "surprising": ("Surprising verdicts", _surprising),
        "contested": ("Contested pairs", _contested),
        "duplicates": ("Near-duplicates", _duplicates),
        "mistakes": ("What the fit gets wrong", _mistakes),
    }
    names = {key: name for key, (name, _) in drawn.items()}
    kept = keep("list", [None, *names], None)
    chosen = st.segmented_control("Pairs worth reading", list(names), format_func=names.__getitem__, wrap=True, **kept)
    if chosen in drawn:
        with st.container(border=True, key="pair-list"):
            drawn[chosen][1](dataset, judge, group)


def pick(table: pd.DataFrame, key: str, name: str, columns: dict[str, Any], targets: dict[str, str] | None = None) -> None:
    """A table whose rows lead to their pairs by a click, and its CSV.

    Args:
        table: with `pair_id`.
        key: of the table in the session.
        name: of the file that is downloaded.
        columns: headings of the columns, None for those that are not shown.
        targets: column → column with the id of the pair that a click on it opens; others open `pair_id`.
    """

    def clicked() -> None:
        cells: Sequence[tuple[int, str]] = st.session_state[key]["selection"]["cells"]
        if cells:
            place, column = cells[0]
            st.query_params["pair"] = str(table[(targets or {}).get(column, "pair_id")].iloc[place])
            what_if.forget()

    _table(table, key, name, columns, clicked)


def _table(table: pd.DataFrame, key: str, name: str, columns: dict[str, Any], on_select: Literal["rerun"] | Callable[[], None]) -> Any:
    """A table in which a cell can be chosen, and its CSV; what is chosen."""
    chosen = st.dataframe(
        table,
        hide_index=True,
        height="auto" if len(table) < 8 else ROWS_HEIGHT,
        column_config=columns,
        on_select=on_select,
        selection_mode="single-cell",
        key=key,
    )
    st.download_button(
        "Download CSV",
        lambda: safe_cells(table).to_csv(index=False).encode(),
        file_name=f"{show.file_stem(name)}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=f"csv-{key}",
    )
    return chosen


@shared("Predicting verdicts …")
def _score(dataset: PairDataset, group: Group, judge: str, model: Model) -> Score:
    """Of one judge alone, which is faster by their number than the page "Scores" is with all of them."""
    return score(dataset, model, judges=[judge], groups=[group.name])[0]


def _foretold(dataset: PairDataset, judge: str, group: Group) -> Foretold:
    cell = _score(dataset, group, judge, scoring.model())
    return foretell(dataset, cell, session.posteriors(dataset, (group,), (judge,))[0])


def _source(found: Foretold) -> str:
    if found.source == "held out":
        return "Predictions are held out: each by a fit of the fast engine that has not seen the pair or any of its query"
    return f"Predictions are the judge's own fit's, which has seen these verdicts, since they can't be held out: {plain_markdown(found.reason)}"


def _surprising(dataset: PairDataset, judge: str, group: Group) -> None:
    found, where = _foretold(dataset, judge, group), f"{plain_markdown(judge)}, {plain_markdown(group.label)}"
    if found.frame.empty:
        st.caption(f"{where}: nothing was foretold, so nothing can surprise: {plain_markdown(found.reason)}.")
        return
    table, (came, expected) = surprising(dataset, found), unlikely(found)
    st.caption(
        f"{where}: the least expected of {count(len(found.frame), 'verdict')} first; click one to read its pair. {_source(found)}. “Chance” is "
        f"what the fit gave the verdict; the prediction averages over what is not known of the weights, so it has no interval of its own here. "
        + (
            f"Some surprise is to be expected: verdicts that were given less than {UNLIKELY:.0f} % came {count(came, 'time')}, and by the fit's own "
            f"reckoning {expected:.0f} were due."
            if expected >= 0.5 or came
            else f"No prediction is so sure that a verdict has less than {UNLIKELY:.0f} %."
        )
    )
    pick(table, "list-surprising", f"Surprising verdicts {judge} {group.name}", SURPRISE_COLUMNS)


def _contested(dataset: PairDataset, judge: str, group: Group) -> None:
    del judge  # all judges are in it
    where = plain_markdown(group.label)
    if len(dataset.judges) < 2:
        st.caption("This data has one judge only. Pairs are contested between two judges or more; add one on the Upload page.")
        return
    table = contested(dataset, group)
    if table.empty:
        st.caption(f"{where}: no two judges gave different verdicts on one pair.")
        return
    st.caption(
        f"{where}: the pairs that divide the {len(dataset.judges)} judges most; click one to read it. “Outside” is the share of a pair's judges "
        "(n) that are not in the largest camp of A, tie and B, with its 95 % interval as if they were drawn from many judges; the list is "
        "sorted by its lower end."
    )
    pick(table, "list-contested", f"Contested pairs {group.name}", CONTESTED_COLUMNS)


@shared("Comparing texts …")
def _near_duplicates(dataset: PairDataset, group: Group, judge: str, threshold: float) -> Duplicates:
    return near_duplicates(dataset, group, judge, threshold)


def _duplicates(dataset: PairDataset, judge: str, group: Group) -> None:
    threshold = st.select_slider("At least this alike", THRESHOLDS, **keep("alike", THRESHOLDS, THRESHOLD))
    found, where = _near_duplicates(dataset, group, judge, float(threshold)), plain_markdown(group.label)
    if found.reason:
        st.caption(f"{where}: {found.reason}, so there is nothing to compare.")
        return
    bounded = (
        f" Only the first {MOST_COMPARED:,} of {found.total:,} pairs were compared, since the work grows with the square; choose a scenario for the others."
        if found.compared < found.total
        else ""
    )
    how = "the cosine of the words of query and answers, weighted by TF-IDF, answers in either place"
    if found.frame.empty:
        st.caption(f"{where}: no two of {found.compared:,} pairs are {threshold:g} alike or more ({how}).{bounded}")
        return
    both = found.frame["same"].dropna()
    agreed = (
        f" {plain_markdown(judge)} gave the same verdict on both in {int(both.sum())} of {len(both)}, places allowed for."
        if len(both)
        else ""
    )
    listed = f", the {len(found.frame)} most alike of them below" if found.found > len(found.frame) else ""
    st.caption(
        f"{where}: {count(found.found, 'couple')} of {found.compared:,} pairs are {threshold:g} alike or more{listed} ({how}); click one to read it."
        f"{agreed}{bounded}"
    )
    pick(found.frame, "list-duplicates", f"Near-duplicates {group.name}", DUPLICATES_COLUMNS, {"other": "other"})


def _marks(dataset: PairDataset, key: tuple[Hashable, ...], found: Foretold) -> Mistakes:
    """`key` says which fit `found` is of."""

    def make() -> Mistakes:
        with st.spinner("Looking for what they share …"):
            return mistakes(dataset, found)

    return kept().result(dataset.content_hash, ("mistakes", *key), make)


def _mistakes(dataset: PairDataset, judge: str, group: Group) -> None:
    found = _foretold(dataset, judge, group)
    marks = _marks(dataset, (judge, group, session.model(), st.session_state.get("engine")), found)
    where = f"{plain_markdown(judge)}, {plain_markdown(group.label)}"
    if marks.reason:
        st.caption(f"{where}: nothing to compare, since {plain_markdown(marks.reason or found.reason)}.")
        return
    held = int(marks.frame["discovery"].sum())
    words = (
        f"words of {'the first ' if marks.read < marks.n and marks.read == MOST_TEXTS else ''}{marks.read:,} pairs"
        if marks.read
        else "no texts to read words in"
    )
    outcome = (
        f"{held} of {marks.tried:,} marks hold at a false discovery rate of 5 %"
        if held
        else f"**None of {marks.tried:,} marks holds at a false discovery rate of 5 %**: what stands first may well be chance"
    )
    st.caption(
        f"{where}: {marks.wrong:,} of {marks.n:,} verdicts with a side are not what was predicted. {_source(found)}. Marks (properties, and {words}) that come more often among "
        f"the wrong ones; the favourite is the answer that the fit expects to win. {outcome}. “Due” is how many wrong ones the fit itself expects; "
        "odds ratio and p: being wrong with the mark against without, among calls of like confidence. Click a mark for its pairs."
    )
    # A row of another judge's marks is no row of these.
    event = _table(marks.frame, f"list-marks-{judge}-{group.name}", f"Marks of wrong pairs {judge} {group.name}", MARK_COLUMNS, "rerun")
    if cells := event["selection"]["cells"]:
        _marked(dataset, found, marks, int(cells[0][0]), judge)


def _marked(dataset: PairDataset, found: Foretold, marks: Mistakes, place: int, judge: str) -> None:
    """The wrong pairs with a mark."""
    mark, members = marks.frame.iloc[place], marks.members[place]
    part = Foretold(found.frame[found.frame["row"].isin(members)], found.source, found.reason)
    st.caption(
        f"The {count(len(members), 'pair')} with *{plain_markdown(mark['mark'])}* ({mark['where']}) that were got wrong, the least expected verdict first; "
        "click one to read it."
    )
    pick(surprising(dataset, part), "list-marked", f"Wrong pairs {mark['mark']} {judge}", SURPRISE_COLUMNS)
