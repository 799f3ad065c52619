"""Parts of the page "Manipulate": what is asked, predicted gains, and the system prompt."""

from dataclasses import dataclass

import streamlit as st

from dissection.dashboard import behind, controls, session, show
from dissection.dashboard.address import keep
from dissection.dashboard.substance import by_text, with_text_properties
from dissection.dataset import PairDataset
from dissection.figures.style import plain_markdown
from dissection.figures.sway import gains_chart, together_chart
from dissection.figures.sway_sentences import (
    COLUMNS,
    METHOD,
    PUBLISHED_LIKES,
    gains_reading,
    likes_reading,
    listed,
    points,
    ranked_reading,
    together_reading,
)
from dissection.regression.model import Model
from dissection.substance.strengths import models_of
from dissection.sway.changes import Change
from dissection.sway.prompt import system_prompt
from dissection.sway.study import DIRECTIONS, MOST_TOP, TOP, Direction, Study, changes_by_weight, published_likes, ranked, study

EITHER = ""
WISHES = {"liked": "What the judge likes", "disliked": "What it likes least"}


@dataclass(frozen=True)
class Asked:
    """What is predicted.

    Attributes:
        judge: its name.
        groups: names of scenarios or conditions; empty: all pairs.
        answers_of: a model that is named in the pairs; empty: either side.
        top: how many changes are made together.
        by_text: the properties are those computed from the texts.
        model: of the regression.
    """

    judge: str
    groups: tuple[str, ...]
    answers_of: str
    top: int
    by_text: bool
    model: Model

    @property
    def where(self) -> str:
        """The pairs in words."""
        return listed(self.groups) or "all pairs"

    def data(self, dataset: PairDataset) -> PairDataset:
        """With the properties that are asked for; reading texts takes a while."""
        return with_text_properties(dataset) if self.by_text else dataset


def asked_for(dataset: PairDataset) -> Asked:
    """The widgets that the views Predicted, Prompt and Test have in common."""
    first, second = st.columns(2)
    with first:
        judge = controls.one_judge(dataset)
    labels = {group.name: controls.group_label(group) for group in dataset.groups}
    with second:
        groups = st.multiselect(
            "Scenarios or conditions, taken together",
            list(labels),
            format_func=labels.__getitem__,
            placeholder="All pairs" if dataset.has_pairs else "All scenarios",
            **keep("swaygroups", list(labels), []),
        )
    third, fourth = st.columns(2, vertical_alignment="bottom")
    models = models_of(dataset)
    answers_of = EITHER
    with third:
        if models:
            answers_of = str(
                st.selectbox(
                    "Whose answers change",
                    [EITHER, *models],
                    format_func=lambda name: name or "either answer of each pair",
                    **keep("swaymodel", [EITHER, *models], EITHER),
                )
            )
        text = by_text(dataset, "swayprops")
    with fourth:
        top = int(st.select_slider("Changes made together", range(1, MOST_TOP + 1), **keep("swaytop", list(range(1, MOST_TOP + 1)), TOP)))
    return Asked(judge, tuple(groups), answers_of, top, text, session.model())


def studied(dataset: PairDataset, asked: Asked) -> Study | None:
    """The predictions; None while they are made, which is shown."""
    found: Study | None = behind.result(
        "sway",
        (dataset.content_hash, asked),
        "Predicting every change",
        lambda progress: study(
            asked.data(dataset), asked.judge, asked.groups, asked.answers_of or None, asked.top, asked.model, progress=progress
        ),
    )
    return found


def direction_choice() -> Direction:
    """What the answers are to have: the same on Prompt and Test."""
    chosen = controls.choice("The answers are given", list(DIRECTIONS), "swayfor", WISHES)
    return "disliked" if chosen == "disliked" else "liked"


def predicted(dataset: PairDataset) -> None:
    """Predicted gains, one by one and together, and which change buys most for least."""
    asked = asked_for(dataset)
    if not dataset.has_pairs:
        st.info(PUBLISHED_LIKES, icon=":material/scale:")
        table = published_likes(dataset, asked.judge, asked.groups)
        st.caption(likes_reading(table, asked.judge))
        show.data_table(table.drop(columns=["discovery"]).round(4), f"Likes of {asked.judge}", COLUMNS)
        return
    found = studied(dataset, asked)
    if found is None:
        return
    st.caption(likes_reading(found.liked, asked.judge))
    show.chart(
        gains_chart(found.singles.table),
        found.singles.table.round(3),
        f"Predicted gains by {asked.judge}",
        gains_reading(found.singles, asked.where),
        width="narrow",
        key="sway-gains",
        columns=COLUMNS,
    )
    _together(found, asked)
    st.subheader("Which change buys most for least", anchor=False)
    table = ranked(found.singles)
    st.caption(ranked_reading(table))
    show.data_table(table.round(2), f"Most for least by {asked.judge}", COLUMNS)
    with st.expander("All likes and dislikes", icon=":material/thumbs_up_down:"):
        show.data_table(found.liked.round(4), f"Likes of {asked.judge}", COLUMNS)
    with st.expander("How this is computed", icon=":material/functions:"):
        st.markdown(METHOD)


def _together(found: Study, asked: Asked) -> None:
    st.subheader("Together", anchor=False)
    direction = direction_choice()
    gains = found.together[direction]
    if gains is None:
        st.info("No change is told apart from 0, so there is nothing to put together.", icon=":material/remove:")
        return
    show.chart(
        together_chart(gains.table, found.changes[direction], gains.now[0]),
        gains.table.round(3),
        f"Changes together by {asked.judge} {direction}",
        together_reading(gains, direction),
        width="narrow",
        key="sway-together",
        columns=COLUMNS,
    )


def changes_in_view(dataset: PairDataset, asked: Asked, direction: Direction) -> tuple[list[Change], Study | None] | None:
    """The changes that a prompt asks for, and the study that they come from (None for published weights); None while they are not known."""
    if not dataset.has_pairs:
        return changes_by_weight(published_likes(dataset, asked.judge, asked.groups), direction, asked.top), None
    found = studied(dataset, asked)
    return None if found is None else (found.changes[direction], found)


def prompt(dataset: PairDataset) -> None:
    """The system prompt, to copy or download."""
    asked = asked_for(dataset)
    direction = direction_choice()
    known = changes_in_view(dataset, asked, direction)
    if known is None:
        return
    changes, found = known
    if not changes:
        st.info("No change is told apart from 0, so there is nothing to ask for.", icon=":material/remove:")
        return
    text = system_prompt(changes, found.properties if found else dataset.properties)
    st.code(text, language=None, wrap_lines=True)
    words = ", ".join(plain_markdown(change.words) for change in changes)
    where = asked.where if dataset.has_pairs or asked.groups else "all scenarios"
    told = "Without pairs no win rate is predicted." if found is None else _promised(found, direction)
    st.caption(
        f"For {plain_markdown(asked.judge)}, {plain_markdown(where)}: {words} (↑ more of it, ↓ less). {told} Whether a model does as it is told, and whether the "
        "judge then follows, is put to the test in the view “Test”."
    )
    st.download_button(
        "Download as text",
        text.encode(),
        file_name=f"system-prompt-{show.file_stem(asked.judge)}-{direction}.txt",
        mime="text/plain",
        icon=":material/download:",
        key="sway-prompt",
    )


def _promised(found: Study, direction: Direction) -> str:
    gains = found.together[direction]
    if gains is None:
        return ""
    last = gains.table.iloc[-1]
    return f"Predicted, if the answers then have all of it: {points(last, 'gain')}, n = {gains.n:,} pairs."
