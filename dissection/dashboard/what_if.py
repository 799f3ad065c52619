"""What if: the comparisons of the pair in view changed by a click, and every judge's prediction before and after."""

import numpy as np
import pandas as pd
import streamlit as st

from dissection.dashboard import session, show
from dissection.dashboard.pair_view import orders
from dissection.dataset import FloatArray, Group, PairDataset
from dissection.explanation import what_if
from dissection.figures.style import plain_markdown
from dissection.figures.what_if import what_if_chart, what_if_reading
from dissection.wording import count

WORDS = {1.0: "A more", 0.0: "equal", -1.0: "B more"}
FEW = 12  # so many properties are all offered; of more, those that differ
MOST_JUDGES = 20


def changes(dataset: PairDataset) -> dict[int, float]:
    """Property's place → comparison, as the address bar holds them; what it can't hold is passed over."""
    found = {}
    for part in st.query_params.get_all("whatif"):
        place, _, value = part.partition("~")
        if place.isdecimal() and int(place) < len(dataset.properties) and value in ("-1", "0", "1"):
            found[int(place)] = float(value)
    return found


def forget() -> None:
    """Take all changes back; for callbacks that turn to another pair."""
    st.query_params.pop("whatif", None)


def panel(dataset: PairDataset, row: int, judges: list[str], group: Group) -> None:
    """The folded part of the page; nothing in it is made before it is opened.

    Args:
        dataset: in view.
        row: of the pair.
        judges: that are shown first.
        group: whose fits predict.
    """
    changed = changes(dataset)
    if changed:  # a link with changes shows them; `expanded` would fold the panel again at Reset
        st.session_state.setdefault("what-if", True)
    folded = st.expander("What if the answers differed otherwise?", icon=":material/tune:", key="what-if", on_change="rerun")
    if not folded.open:
        return
    with folded:
        if not dataset.properties:
            st.caption("This data has no property that could be changed.")
            return
        before = dataset.comparisons[row]
        after = before.copy()
        after[list(changed)] = list(changed.values())
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        with left:
            more = _more(dataset, before, set(changed))
        right.button("Reset", icon=":material/undo:", on_click=forget, disabled=not changed, width="stretch", key="what-if-reset")
        _controls(dataset, more, before, after)
        _predictions(dataset, row, judges, group, after)


def _more(dataset: PairDataset, before: FloatArray, changed: set[int]) -> list[int]:
    """Places of the properties that are offered: those that differ or were changed, and those that the visitor adds."""
    if len(before) <= FEW:
        st.caption("Click how the two answers compare; every judge's prediction follows.")
        return list(range(len(before)))
    differs = [place for place in range(len(before)) if before[place] != 0 or place in changed]
    rest = [name for place, name in enumerate(dataset.property_names) if place not in differs]
    added = st.multiselect(
        "Properties in which they don't differ", rest, placeholder="Add one", key="what-if-more", persist_state="session"
    )
    return sorted({*differs, *(dataset.property_names.index(name) for name in added)})


def _controls(dataset: PairDataset, places: list[int], before: FloatArray, after: FloatArray) -> None:
    columns = st.columns(3)
    for number, place in enumerate(places):
        key = f"whatif-{place}"
        as_found = before[place]
        words = dict(WORDS)
        if as_found not in words:
            words[float(as_found)] = "not assessed" if np.isnan(as_found) else f"as found ({as_found:g})"
        # The address bar alone holds the changes, so that a link, Reset and another pair all find the buttons right. A button that is right
        # already is left alone: what the page sets takes the place of a click that comes while it is drawn.
        pressed = words[float(as_found)] if np.isnan(after[place]) else words[float(after[place])]
        if st.session_state.get(key) != pressed:
            st.session_state[key] = pressed
        columns[number % 3].segmented_control(
            plain_markdown(dataset.property_names[place])
            + (" *(changed)*" if after[place] != as_found and not np.isnan(after[place]) else ""),
            list(words.values()),
            required=True,
            key=key,
            on_change=_changed,
            args=(place, float(as_found)),
        )


def _changed(place: int, as_found: float) -> None:
    value = {word: value for value, word in WORDS.items()}.get(st.session_state[f"whatif-{place}"])
    kept = [part for part in st.query_params.get_all("whatif") if part.partition("~")[0] != str(place)]
    if value is not None and value != as_found:
        kept.append(f"{place}~{value:.0f}")
    st.query_params["whatif"] = kept


def _predictions(dataset: PairDataset, row: int, judges: list[str], group: Group, after: FloatArray) -> None:
    cells = session.posteriors(dataset, (group,))
    frame = what_if(cells, dataset.comparisons[row], after, orders(dataset, row, cells))
    if frame.empty:
        st.caption(f"No judge has a fit in {plain_markdown(group.label)}, so nothing is predicted.")
        return
    first = frame["judge"].isin(judges)
    shown = pd.concat([frame[first], frame[~first]])
    left_out = ""
    if len(shown) > MOST_JUDGES:
        # Chosen by size, shown in the order of the data, so that rows keep their places while they can.
        largest = frame["change"].abs().where(~first, np.inf).nlargest(MOST_JUDGES).index
        left_out = f" Shown are {', '.join(plain_markdown(judge) for judge in judges)} and those that move most; the table has all {count(len(frame), 'judge')}."
        shown = shown[shown.index.isin(largest)]
    show.chart(
        what_if_chart(shown, dataset.own_judges),
        frame.round(3),
        f"What if {dataset.pairs.index[row]}",
        what_if_reading(frame, group.label) + left_out,
        width="narrow",
        key="what-if",
    )
