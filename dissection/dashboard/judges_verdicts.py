"""Parts of the Judges page: verdicts on pairs and grades of answers, under one instruction or several."""

from collections.abc import Sequence
from typing import Final

import pandas as pd
import streamlit as st

from dissection.asking.instructions import starting_instructions
from dissection.asking.judging import Plan, ask
from dissection.asking.prompts import template
from dissection.asking.scores import MAX_REPEATS, PROMPT
from dissection.asking.verdicts import BOTH, MAX_TOKENS, Instruction, Order, Way
from dissection.dashboard import controls, session
from dissection.dashboard.asking_calls import Asking, check_size, kept_calls
from dissection.dashboard.asking_run import offer
from dissection.dashboard.asking_words import without_endpoint
from dissection.dashboard.endpoint_form import Connection
from dissection.dashboard.judges_result import asked_here, show_judges
from dissection.dataset import PairDataset
from dissection.endpoint.calls import Call
from dissection.errors import InputError, TakenNameError
from dissection.figures.style import plain_markdown
from dissection.settings import JUDGES
from dissection.wording import count

SAMPLE_PAIRS: Final = 5
WAYS: Final[dict[str, str]] = {"letter": "One letter", "text": "A reason, then the verdict"}
ORDERS: Final[dict[str, str]] = {"both": "Both", "ab": "A first", "ba": "B first"}
TABLE: Final = "judge-instructions"
COLUMNS: Final = ("Ask", "Name", "Instruction")


def verdicts(dataset: PairDataset, connection: Connection | None) -> None:
    """Which answer of each pair is better, in the model's eyes.

    Raises:
        InputError: there is nothing to judge, or a field is wrong.
    """
    left, right = st.columns(2)
    with left:
        way: Way = "text" if controls.choice("Reply", list(WAYS), "verdict-way", WAYS) == "text" else "letter"
    with right:
        chosen = controls.choice("Which answer is shown first", list(ORDERS), "verdict-orders", ORDERS)
    orders: tuple[Order, ...] = BOTH if chosen == "both" else ("ab",) if chosen == "ab" else ("ba",)
    st.caption(
        _OF_WAYS[way] + (_BOTH if chosen == "both" else " In one order, the model's leaning to one place can't be told from its taste.")
    )
    left, right = st.columns(2)
    with left:
        round_ = _round()
    with right:
        most = _max_tokens(way)
    _ask(dataset, connection, Plan("verdict", _instructions(), way, orders, round=round_, max_tokens=most))


_OF_WAYS: Final[dict[Way, str]] = {
    "letter": "The model replies with one letter; where log-probabilities are offered, the verdict is P(first) = p(A) / (p(A) + p(B)).",
    "text": "The model gives a reason and then its verdict; a tie is allowed.",
}
_BOTH: Final = " Each pair is shown in both orders, so that the position bias is estimated, and not taken for taste."


def grades(dataset: PairDataset, connection: Connection | None) -> None:
    """Each answer graded from 1 to 5, several times; the higher mean wins, equal is a tie.

    Raises:
        InputError: there is nothing to grade, or a field is wrong.
    """
    left, right = st.columns(2)
    with left:
        repeats = int(st.number_input("Grades of each answer", 1, MAX_REPEATS, 3, key="judge-repeats", persist_state="session"))
    with right:
        round_ = _round()
    st.caption("Each answer is graded from 1 to 5 on an additive rubric, by itself; the higher mean wins, equal is a tie.")
    with st.popover("The rubric", icon=":material/rule:"):
        st.code("\n\n".join(text for _, text in template(PROMPT)), language=None, wrap_lines=True)
    _ask(dataset, connection, Plan("scores", _instructions(), repeats=repeats, round=round_))


def _round() -> int | None:
    found: int | None = st.number_input(
        "Round",
        0,
        None,
        None,
        key="judge-round",
        placeholder="none",
        persist_state="session",
        help="Of a model that is trained on its own judgements: the judge is called model/round-1 and so on, and the Compare page follows its "
        "taste over the rounds.",
    )
    return found


def _max_tokens(way: Way) -> int | None:
    found: int | None = st.number_input(
        "Tokens of a reply, at most",
        1,
        None,
        None,
        key="judge-tokens",
        placeholder=f"{MAX_TOKENS[way]}",
        persist_state="session",
        help="Models that think before they answer need more.",
    )
    return found


def _instructions() -> tuple[Instruction, ...]:
    """Those of the table that are ticked; each makes a judge of its own."""
    edited = controls.edited_table(
        TABLE,
        _offered,
        247,
        {
            "Ask": st.column_config.CheckboxColumn(width="small", default=True),
            "Name": st.column_config.TextColumn(width="small", max_chars=60, default=""),
            "Instruction": st.column_config.TextColumn(width="large", max_chars=2000),
        },
    )
    st.caption(
        "Each ticked line is a judge of its own, called model/name (the one without a name: as the model): how far can the same model be "
        "steered? Lines can be changed and added."
    )
    chosen = [
        Instruction(str(name or "").strip(), str(text or "").strip())
        for use, name, text in edited[list(COLUMNS)].itertuples(index=False)
        if use is True and isinstance(text, str) and text.strip()
    ]
    if not chosen:
        raise InputError("No instruction is ticked.", accepted="at least one line with a text", remedy="tick one in the table")
    return tuple(chosen)


def _offered() -> pd.DataFrame:
    offered = starting_instructions()
    return pd.DataFrame([(place == 0, one.name, one.text) for place, one in enumerate(offered)], columns=list(COLUMNS))


# --- Asking -----------------------------------------------------------------------------------------------------------------------


def _calls(dataset: PairDataset, plan: Plan) -> tuple[list[Call], list[Call]]:
    parts = plan.calls(dataset)
    return [call for part in parts for call in part[: SAMPLE_PAIRS * plan.per_pair]], [call for part in parts for call in part]


def _ask(dataset: PairDataset, connection: Connection | None, plan: Plan) -> None:
    if not dataset.has_pairs:
        st.info("Published weights come without their pairs, so there is nothing to judge. Choose another dataset in the sidebar.")
        return
    # Without this visitor's judges, whose names a later round of asking may have again.
    key = session.current_key()
    base = session.base_dataset(key)
    check_size(len(base) * plan.per_pair * len(plan.instructions), 0)
    pairs = session.hash_of_pairs(base)
    calls = kept_calls("judges", (pairs, plan), lambda: _calls(base, plan), base.content_hash)
    judges = count(len(plan.instructions), "judge")
    what = f"{'Grades' if plan.mode == 'scores' else 'Verdicts'} of {judges} on {count(len(base), 'pair')} of {base.name}"
    asking = Asking("judges", f"{plan.mode} {pairs}", what, calls)
    if connection is None:
        without_endpoint(asking)
        return
    endpoint = connection.endpoint
    names = plan.judges(endpoint.model, base.judge_names)
    _check_names(key, names)
    st.caption(f"{'It becomes the judge' if len(names) == 1 else 'They become the judges'} {plain_markdown(', '.join(names))}.")
    found = offer(
        asking,
        connection,
        lambda client, journal, limits, progress, cancelled: ask(
            base, plan, client, endpoint, journal, limits, progress=progress, cancelled=cancelled
        ),
    )
    if found is not None and found.found:
        show_judges(base, found, plan, key)


def _check_names(key: str, names: Sequence[str]) -> None:
    """Refuse, before anything is paid, names that the visitor gave to other judges, and more judges than a session holds.

    Raises:
        InputError: so it is.
    """
    owned, ours = session.own_judges(key), asked_here(key)
    for name in names:
        if name in owned and name not in ours:
            raise TakenNameError(name)
    more = len([name for name in names if name not in owned])
    if len(owned) + more > JUDGES.read():
        raise InputError(
            f"These are {count(more, 'judge')}, and this session already holds {len(owned)} of yours.",
            accepted=f"{JUDGES.read()} in all",
            remedy="ask under fewer instructions, or remove some of your judges on the Upload page",
        )
