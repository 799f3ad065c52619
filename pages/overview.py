"""Overview: what is loaded, and what a judge wants, in a sentence a scenario."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dissection.agreement import cohen_kappa
from dissection.dashboard import controls, session, show
from dissection.dashboard.kept import shared
from dissection.dataset import PairDataset
from dissection.figures.effects import percent_frame
from dissection.figures.sentences import cell_words, headline, likes_and_dislikes
from dissection.inspection import inspect, judge_table
from dissection.regression.model import Model
from dissection.regression.posterior import Posterior, probability

MAX_GROUPS = 20
JUDGE_COLUMNS = {
    "judge": "Judge",
    "verdicts": "Verdicts",
    "ties": "Ties",
    "missing": "Missing",
    "share_a": st.column_config.NumberColumn("A preferred", format="%.1f %%"),
    "both_orders": "Asked twice",
    "inconsistent": "Flipped",
    "first_wins": "First shown wins",
    "kappa": st.column_config.NumberColumn("Kappa", format="%.2f"),
    "kappa_95": "95 %",
    "kappa_n": "n of kappa",
}


def badge(row: pd.Series, colour: str) -> str:
    sure = bool(row["decided"]) or row["status"] == "point estimate"
    return f":{colour if sure else 'gray'}-badge[{show.plain_markdown(cell_words(row))}]"


def in_words(dataset: PairDataset, judge: str, posteriors: Sequence[Posterior]) -> list[str]:
    """The headline, then the likes and dislikes in each group that is shown."""
    frame = percent_frame(posteriors)
    parts = dict(tuple(frame.groupby("group", sort=False)))
    lines = [headline(frame[frame["kind"] == "scenario"], judge)]
    for group in dataset.selectable_groups[:MAX_GROUPS]:
        part = parts[group.name]
        if part["status"].isin(["no verdicts", "not converged"]).all():
            lines.append(f":gray[:small[No numbers: {part['status'].iloc[0]}.]]")
            continue
        likes, dislikes = likes_and_dislikes(part)
        badges = [*(badge(row, "green") for _, row in likes.iterrows()), *(badge(row, "orange") for _, row in dislikes.iterrows())]
        lines.append(" ".join(badges) or ":gray[no property leans to either side]")
    return lines


@shared()
def fast_in_words(dataset: PairDataset, model: Model, judge: str) -> list[str]:
    """`in_words` of the fast engine, which takes longer than all else on this page."""
    cells = [cell for group in dataset.selectable_groups for cell in session.fit_fast(dataset, group, model) if cell.judge == judge]
    return in_words(dataset, judge, cells)


def sentences(dataset: PairDataset, judge: str) -> None:
    posteriors = session.posteriors(dataset, dataset.selectable_groups, (judge,))
    sampled = st.session_state.get("engine") == session.SAMPLER
    first, *lines = in_words(dataset, judge, posteriors) if sampled else fast_in_words(dataset, session.model(), judge)
    st.markdown(first)
    shown = dataset.selectable_groups[:MAX_GROUPS]
    sizes = {posterior.group: posterior.n for posterior in posteriors}
    for group, line in zip(shown, lines, strict=True):
        size = f"n = {sizes[group]:,}" if dataset.has_pairs else "n unknown"
        kind = " · condition" if group.kind == "condition" else ""
        name, words = st.columns([1, 4])
        name.markdown(f"**{show.plain_markdown(group.label)}**  \n:gray[:small[{size}{kind}]]")
        words.markdown(line)
    if len(shown) < len(dataset.selectable_groups):
        st.caption(f"The first {len(shown)} of {len(dataset.selectable_groups)} groups; the Dissect page has them all.")


def first_wins(posterior: Posterior) -> str:
    """How often the answer shown first wins between equals, with its 95 % interval."""
    bias = posterior.position_bias
    if bias is None:
        return "not in this model" if posterior.status == "fitted" else posterior.status
    mean, low, high = probability(np.array([bias.mean, bias.low, bias.high]))
    return f"{mean:.0f} % ({low:.0f}–{high:.0f})"


def judges_table(dataset: PairDataset, reference: str) -> pd.DataFrame:
    table = judge_table(dataset)
    against = dataset.labels[:, dataset.judge_index(reference)]
    agreements = [cohen_kappa(dataset.labels[:, column], against) for column in range(len(dataset.judges))]
    table["kappa"] = [agreement.kappa for agreement in agreements]
    table["kappa_95"] = [
        f"{agreement.low:.2f} to {agreement.high:.2f}" if pd.notna(agreement.low) and pd.notna(agreement.high) else "none"
        for agreement in agreements
    ]
    table["kappa_n"] = [agreement.n for agreement in agreements]
    own = table["judge"] == reference
    table.loc[own, "kappa"] = float("nan")
    table.loc[own, "kappa_95"] = "the reference"
    table.insert(7, "first_wins", [first_wins(posterior) for posterior in session.posteriors(dataset, (dataset.selectable_groups[0],))])
    table["judge"] = [controls.judge_label(judge) for judge in dataset.judges]
    return table


dataset = session.current()
show.page_head("What do these judges want?", "The properties of an answer that make each judge prefer it, in one line a scenario.", dataset)
found = inspect(dataset)
if not dataset.judges:
    st.info("This data has no judge yet. Add one on the Upload page.", icon=":material/upload_file:")
else:
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    with left:
        judge = controls.one_judge(dataset)
    with right:
        st.caption(" · ".join(found.facts[: 2 if dataset.has_pairs else 1]).capitalize() + ".")
    with st.container(border=True):
        sentences(dataset, judge)
    reading = (
        "How often an answer is preferred that is better only on this property; 50 % is indifference. :green-badge[preferred] "
        ":orange-badge[dispreferred] :gray-badge[not told apart from 50 %] In brackets the 95 % interval. At most three likes and dislikes each."
    )
    st.caption(reading + (f" {session.model().description}" if dataset.has_pairs else ""))
    if dataset.has_pairs:
        st.subheader("The judges", anchor=False)
        reference = controls.one_judge(dataset, "Agreement with", key="reference")
        show.data_table(judges_table(dataset, reference).round(2), "Judges", JUDGE_COLUMNS)
        st.caption(
            "Ties include pairs on which the two orders disagree; for the share of A a tie counts half. First shown wins: between two answers that are "
            "equal on every property, with its 95 % interval, over all pairs; 50 % is no position bias, and where the order is not known A counts as "
            "first. Kappa is Cohen's, between "
            f"{show.plain_markdown(reference)} and each judge on the pairs that both judged, in three classes: A, tie, B."
        )
with st.expander("What is in this data", icon=":material/inventory_2:", expanded=not dataset.judges):
    st.markdown("\n".join(f"- {show.plain_markdown(line)}" for line in (*found.facts, *found.warnings)))
    st.markdown(
        "\n".join(f"- {show.plain_markdown(line)}" for line in (*found.possible, *(f"not possible: {x}" for x in found.impossible)))
    )
