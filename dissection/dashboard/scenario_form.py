"""Other scenarios for the data in view: by a column, by words in the query, or by computed topics."""

import streamlit as st

from dissection.dashboard import controls, session, show
from dissection.dashboard.kept import shared
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.figures.style import plain_markdown
from dissection.scenarios import MAX_TOPICS, MIN_TOPICS, Rule, by_column, by_rules, by_topics, scenario_columns, with_scenarios

WAYS = {"topics": "Computed topics", "words": "Words in the query", "column": "A column"}


def scenario_form(dataset: PairDataset) -> None:
    """Choose how pairs are grouped and open the result as a dataset of one's own."""
    if not dataset.has_pairs:
        st.info("Published weights have no pairs to group.", icon=":material/block:")
        return
    st.markdown(
        f"**{plain_markdown(dataset.name)}** has {len(dataset.scenarios)} scenarios over {len(dataset):,} pairs. Group its pairs in another way; "
        "what comes out is opened beside it."
    )
    way = controls.choice("Group by", list(WAYS), "grouping", WAYS)
    try:
        found = _grouped(dataset, way)
    except InputError as error:
        show.mistake(error)
        return
    if found is None:
        return
    sizes = found.pairs["scenario"].value_counts()
    st.dataframe(sizes.rename_axis("scenario").reset_index(name="pairs"), hide_index=True, height="auto" if len(sizes) < 12 else 380)
    st.caption(plain_markdown(found.notes[-1]))
    st.button("Open it", type="primary", icon=":material/folder_open:", on_click=session.open_own, args=(found,), key="open-grouped")


def _grouped(dataset: PairDataset, way: str) -> PairDataset | None:
    if way == "column":
        columns = scenario_columns(dataset)
        if not columns:
            st.caption("No column of this data has values that recur.")
            return None
        return by_column(dataset, str(st.selectbox("Column", columns, key="group-column")))
    if way == "words":
        text = st.text_area(
            "One scenario a line",
            placeholder="Code: python, program*, sql\nCooking: recipe, oven",
            key="group-rules",
            help="* stands for any letters.",
        )
        lines = [line for line in text.splitlines() if line.strip()]
        return by_rules(dataset, [Rule.parse(line) for line in lines]) if lines else None
    topics = int(st.number_input("Topics", MIN_TOPICS, MAX_TOPICS, 8, key="group-topics"))
    return _topics(dataset, topics)


@shared("Looking for topics …")
def _topic_names(dataset: PairDataset, topics: int) -> tuple[list[str], str]:
    found = by_topics(dataset, topics)
    return found.pairs["scenario"].tolist(), found.notes[-1]


def _topics(dataset: PairDataset, topics: int) -> PairDataset:
    return with_scenarios(dataset, *_topic_names(dataset, topics))
