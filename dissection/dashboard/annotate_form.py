"""Parts of the Annotate page: what is to be annotated, what it would take, and the asking."""

from typing import Final, NamedTuple

import pandas as pd
import streamlit as st

from dissection.annotating.annotation import UPPER, Annotated, annotate
from dissection.annotating.joining import first_pairs
from dissection.annotating.plan import (
    MOST_NAME,
    MOST_SENTENCE,
    STAGES,
    AnnotationPlan,
    Stage,
    own_property,
    paper_scenarios,
    scenarios_of,
)
from dissection.annotating.questions import whole_prompts
from dissection.annotating.waves import expected_calls, sample_calls
from dissection.dashboard import controls, session
from dissection.dashboard.annotate_result import keep_annotated
from dissection.dashboard.asking_calls import Asking, kept_calls
from dissection.dashboard.asking_run import offer
from dissection.dashboard.asking_words import without_endpoint
from dissection.dashboard.endpoint_form import Connection
from dissection.dataset import PairDataset
from dissection.endpoint.address import Endpoint
from dissection.endpoint.calls import Call
from dissection.endpoint.faults import PaidError
from dissection.properties import FAMILIES, Family, offered_properties
from dissection.rating_rules import ACCURACY, BASIC, SPECIFIC
from dissection.wording import count

SAMPLE_PAIRS: Final = 5
USUAL_AGAIN: Final = 10  # per cent
LABELS: Final[dict[Stage, str]] = {
    "check": "What the query holds",
    "basic": "20 basic properties",
    "errors": "Errors",
    "specific": "What is particular about the query",
}
HELP: Final = (
    "What the query holds: intent, feelings, constraints, stances, mistakes; asked once a query. Basic properties: both answers rated 0 to 3 in one "
    "call. Errors: listed with their severity. What is particular about the query: asked only where the check says that it applies."
)
KINDS: Final = {"keep": "As they are", "paper": "The paper's eleven", "own": "My own list"}
OWN: Final = "annotate-own"
COLUMNS: Final = ("Ask", "Name", "Holds of an answer that …", "Family")


def ask_model(dataset: PairDataset, connection: Connection | None) -> None:
    """The plan, what it would take, and the run.

    Raises:
        InputError: there is nothing to annotate, or a field is wrong.
    """
    plan = _plan(dataset)
    _prompts()
    plan.check(dataset)
    pairs = session.hash_of_pairs(dataset)
    calls = kept_calls(
        "annotate", (pairs, plan), lambda: (sample_calls(dataset, plan, SAMPLE_PAIRS), expected_calls(dataset, plan)), dataset.content_hash
    )
    upper = UPPER if "specific" in plan.stages or plan.reference else ""
    asking = Asking("annotate", f"annotation {pairs}", f"Annotation of {count(len(dataset), 'pair')} of {dataset.name}", calls, upper)
    if connection is None:
        without_endpoint(asking)
        return
    endpoint = connection.endpoint
    done = _done(calls.about, endpoint)
    found = offer(
        asking._replace(calls=calls._replace(every=done.calls), upper="") if done else asking,
        connection,
        lambda client, journal, limits, progress, cancelled: annotate(
            dataset, plan, client, endpoint, journal, limits, progress=progress, cancelled=cancelled
        ),
        lambda client, journal, limits, progress, cancelled: annotate(
            *first_pairs(dataset, plan, SAMPLE_PAIRS), client, endpoint, journal, limits, progress=progress, cancelled=cancelled
        ),
    )
    if found is not None and done is None and _whole(found):
        st.session_state["annotate-done"] = _Done(calls.about, endpoint, [outcome.call for outcome in found.run.outcomes], found)
        st.rerun()  # what was an estimate is known now
    made = found or (done.annotated if done else None)
    if made is not None:
        keep_annotated(made, dataset, endpoint.model)


def _plan(dataset: PairDataset) -> AnnotationPlan:
    annotated = {property_.name for property_ in dataset.properties if not property_.computed} | set(dataset.conditions)
    names: dict[Stage, set[str]] = {
        "check": {condition for condition, _ in SPECIFIC.values()},
        "basic": set(BASIC),
        "errors": set(ACCURACY),
        "specific": set(SPECIFIC),
    }
    has = [stage for stage in STAGES if names[stage] & annotated]
    stages = st.pills(
        "What to annotate",
        list(STAGES),
        selection_mode="multi",
        default=[stage for stage in STAGES if stage not in has],
        format_func=lambda stage: LABELS[stage] + (" (the data has it)" if stage in has else ""),
        key=f"annotate-stages-{session.current_key()}",  # the data that come of it start with what they lack
        help=HELP,
        persist_state="session",
    )
    left, right = st.columns(2)
    with left:
        reference = st.toggle(
            "Make a reference answer first",
            key="annotate-reference",
            disabled="errors" not in stages,
            persist_state="session",
            help="The model answers each query itself, and its answer is there to compare with when it looks for errors.",
        )
    with right:
        replace = st.toggle(
            "Replace annotations that the data has",
            key="annotate-replace",
            persist_state="session",
            help="Properties, conditions and notes of the same names; in a new dataset, and this one stays.",
        )
    # What is written there is read once all fields are drawn: a mistake in one takes no other away.
    kind, listed = _scenarios()
    own = _own()
    again, share, seed, most = _extent(compares=bool(own) or any(stage != "check" for stage in stages))
    return AnnotationPlan(
        tuple(stage for stage in STAGES if stage in stages),
        tuple(own_property(name, meaning, family) for name, meaning, family in own),
        scenarios_of(listed) if kind == "own" else paper_scenarios() if kind == "paper" else (),
        reference=reference and "errors" in stages,
        share=share,
        again=again,
        seed=seed,
        replace=replace,
        max_tokens=most,
    )


def _scenarios() -> tuple[str, str]:
    """Which scenarios, a key of `KINDS`, and the list of one's own."""
    kind = controls.choice("Scenarios", list(KINDS), "annotate-scenarios", KINDS)
    if kind == "paper":
        with st.expander("The eleven scenarios", icon=":material/category:"):
            st.dataframe(pd.DataFrame([(one.name, one.meaning) for one in paper_scenarios()], columns=["Name", "Meaning"]), hide_index=True)
    if kind != "own":
        return kind, ""
    text = st.text_area(
        "One scenario a line, NAME: sentence",
        key="annotate-scenario-list",
        max_chars=20_000,
        persist_state="session",
        placeholder="Contracts: a contract is to be written, read or explained.\nOther: anything else.",
    )
    st.caption("Each query goes into the one of these that fits best. Without an “Other” for the rest, it goes into one that does not fit.")
    return kind, text


def _own() -> list[tuple[str, str, Family]]:
    """Name, sentence and family of the properties of the table that are ticked."""
    with st.expander("Properties of your own", icon=":material/add_circle:", expanded=False):
        edited = controls.edited_table(
            OWN,
            _offered,
            250,
            {
                COLUMNS[0]: st.column_config.CheckboxColumn(width="small", default=True),
                COLUMNS[1]: st.column_config.TextColumn(width="small", max_chars=MOST_NAME, default=""),
                COLUMNS[2]: st.column_config.TextColumn(width="large", max_chars=MOST_SENTENCE, default=""),
                COLUMNS[3]: st.column_config.SelectboxColumn(width="small", options=list(FAMILIES), default="other"),
            },
        )
        st.caption(
            "A name and one sentence; both answers are rated from 0 to 3 on how far it holds. Tick those to ask; lines can be changed and added. "
            "Good ones say what can be seen in the text, one thing each."
        )
    return [
        (str(name or ""), str(meaning or ""), family or "other")
        for use, name, meaning, family in edited[list(COLUMNS)].itertuples(index=False)
        if use is True
    ]


def _offered() -> pd.DataFrame:
    return pd.DataFrame([(False, one.name, one.meaning, one.family) for one in offered_properties()], columns=list(COLUMNS))


def _extent(*, compares: bool) -> tuple[float, float, int, int | None]:
    """The share that is annotated again, the share that is annotated at all, the seed of both, and the tokens of a reply."""
    first, second, third, fourth = st.columns(4)
    with first:
        again = st.number_input(
            "Again, swapped (%)",
            0,
            100,
            USUAL_AGAIN,
            key="annotate-again",
            disabled=not compares,
            persist_state="session",
            help="This share of the pairs is annotated once more with the answers in the other order, to see how far the annotations can be trusted.",
        )
    with second:
        share = st.number_input(
            "Of the pairs (%)",
            1,
            100,
            100,
            key="annotate-share",
            persist_state="session",
            help="Fewer make a new dataset of these alone. Another model with the same share and seed gets the same pairs: a second annotator, "
            "to be compared in the view Trust.",
        )
    with third:
        seed = st.number_input(
            "Seed", 0, 10**6, 0, key="annotate-seed", persist_state="session", help="The same seed draws the same pairs."
        )
    with fourth:
        most = st.number_input(
            "Tokens of a reply",
            1,
            None,
            None,
            key="annotate-tokens",
            placeholder="as needed",
            persist_state="session",
            help="At most. Models that think before they answer need more.",
        )
    return (again / 100 if compares else 0.0), share / 100, int(seed), None if most is None else int(most)


def _prompts() -> None:
    folded = st.expander("All prompts, whole", icon=":material/chat:", key="annotate-prompts", on_change="rerun")
    if folded.open:
        with folded:
            prompts = whole_prompts()
            name = st.selectbox("Prompt and its version", list(prompts), key="annotate-prompt")
            st.code("\n\n".join(f"[{role}]\n{text}" for role, text in prompts[name]), language=None, wrap_lines=True)


class _Done(NamedTuple):
    """An annotation of which nothing is open any more: what was asked is known, and no upper bound."""

    about: object
    endpoint: Endpoint
    calls: list[Call]
    annotated: Annotated


def _done(about: object, endpoint: Endpoint) -> _Done | None:
    held: _Done | None = st.session_state.get("annotate-done")
    return held if held is not None and (held.about, held.endpoint) == (about, endpoint) else None


def _whole(found: Annotated) -> bool:
    """Whether every call was answered for good: with a reply, or with one that can't be used."""
    return not found.run.stopped and all(isinstance(outcome.error, PaidError) for outcome in found.run.failures)
