"""A table that no reader knows: what each column is taken for, corrected by the visitor, with a preview of five pairs."""

import streamlit as st

from dissection.dashboard import show
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.figures.style import plain_markdown
from dissection.mapping import FIELDS, SIDES, ColumnMapping, Proposal, propose, read_mapped
from dissection.tables import Table, read_table
from dissection.verdicts import word_verdict

NONE = "none"
PREVIEW = 5
MOST_CODES, IN_A_ROW = 8, 3


def mapping_form(file_id: str, content: bytes, filename: str) -> PairDataset | None:
    """The dataset as the visitor maps its columns; None while that can't be read."""
    held: tuple[str, Table, Proposal] | None = st.session_state.get("mapped_table")
    if not held or held[0] != file_id:
        try:
            table = read_table(content, filename)
            held = (file_id, table, propose(table))
        except InputError as error:
            show.mistake(error)
            return None
        st.session_state["mapped_table"] = held
    _, table, proposal = held
    st.markdown("**Which column is what?** This is proposed by names and content; correct it where it is wrong.")
    options = [NONE, *table.columns]
    chosen: dict[str, str] = {}
    # Made row by row, as narrow screens put the places of a row one below the other.
    places = [place for _ in range(0, len(FIELDS), IN_A_ROW) for place in st.columns(IN_A_ROW)]
    for place, name in zip(places, FIELDS, strict=False):
        proposed = proposal.mapping.columns.get(name, NONE)
        reason = proposal.reasons.get(name, "No column looks like it.")
        column = place.selectbox(name.replace("_", " "), options, options.index(proposed), key=f"map-{filename}-{name}", help=reason)
        if column and column != NONE:
            chosen[name] = column
    pairs = {f"{name}: {' and '.join(columns)}": name for name, columns in proposal.mapping.properties.items()}
    kept = st.multiselect("Properties (scores of A and B)", list(pairs), list(pairs), key=f"map-{filename}-properties") if pairs else []
    verdicts = (
        _codes({str(row.get(chosen["winner"])): row.get(chosen["winner"]) for row in table.rows}, filename) if "winner" in chosen else {}
    )
    properties = {pairs[label]: proposal.mapping.properties[pairs[label]] for label in kept}
    mapping = ColumnMapping(chosen, properties, _judge_name(chosen, filename), verdicts)
    st.download_button(
        "Save this mapping", mapping.to_json(), file_name="mapping.json", icon=":material/save:", help="For --mapping on the command line."
    )
    found = _read(file_id, table, mapping)
    if isinstance(found, InputError):
        show.mistake(found)
        return None
    preview = found.pairs.head(PREVIEW).reset_index()[["pair_id", "scenario", "query", "response_a", "response_b"]]
    for number, judge in enumerate(found.judge_names[:PREVIEW]):
        preview[f"{judge}: P(A)"] = found.labels[:PREVIEW, number]
    st.dataframe(preview, hide_index=True)
    st.caption(f"The first {len(preview)} of {len(found):,} pairs as they are read.")
    return found


def _judge_name(chosen: dict[str, str], filename: str) -> str:
    """The name of the one judge where there are verdicts and no column names who gave them."""
    usual = ColumnMapping({}).judge_name
    if "judge" in chosen or not {"winner", "score_a"} & chosen.keys():
        return usual
    return st.text_input("Judge's name, as no column says it", usual, max_chars=120, key=f"map-{filename}-judge-name").strip() or usual


def _read(file_id: str, table: Table, mapping: ColumnMapping) -> PairDataset | InputError:
    """The dataset, or why there is none; kept, as the page is drawn again at every choice on it and texts take long to measure."""
    memo, held = (file_id, mapping.to_json()), st.session_state.get("mapped_pairs")
    if not held or held[0] != memo:
        try:
            held = (memo, read_mapped(table, mapping))
        except InputError as error:
            held = (memo, error.with_traceback(None))
        st.session_state["mapped_pairs"] = held
    found: PairDataset | InputError = held[1]
    return found


def _codes(values: dict[str, object], filename: str) -> dict[str, str]:
    """What values of the winner column stand for that are no known word; nothing is guessed."""
    unknown = [text for text, value in values.items() if word_verdict(value) is None]
    if not unknown:
        return {}
    if len(unknown) > MOST_CODES:
        st.caption(
            f"{len(unknown)} values of the winner column are no verdict, for example {plain_markdown(', '.join(unknown[:3]))}; they are left out."
        )
        return {}
    st.markdown("What do these values of the winner column stand for?")
    found = {}
    for place, text in zip(st.columns(len(unknown)), unknown, strict=True):
        with place:
            side = st.selectbox(plain_markdown(text), list(SIDES), index=None, key=f"map-{filename}-code-{text}", placeholder="not said")
        if side:
            found[text] = side
    return found
