"""Parts of the Compare page: strength apart from direction, and judges as an ordered series."""

import pandas as pd
import plotly.express as px
import streamlit as st

from dissection.contrasts.moments import Moments, moments
from dissection.contrasts.resampling import RESAMPLES
from dissection.contrasts.rounds import Rounds, rounds
from dissection.contrasts.sides import usable_groups
from dissection.contrasts.strength import decidedness, relation, relation_table, soft_judges, strengths
from dissection.contrasts.table import difference_table
from dissection.dashboard import behind, controls, session, show
from dissection.dashboard.address import keep
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.figures.strength import direction_chart, rounds_chart, strength_chart
from dissection.figures.style import PALETTE, finish, judge_colours, plain_markdown
from dissection.judges import Judge
from dissection.wording import count

MOST_PATHS = 6


def twins(judges: tuple[Judge, ...]) -> list[tuple[str, str]]:
    """(base, aligned) versions of one model, by what is known of the judges."""
    base = {(judge.family, judge.size): judge.name for judge in judges if judge.aligned is False and judge.size is not None}
    return [(base[key], judge.name) for judge in judges if judge.aligned and (key := (judge.family, judge.size)) in base]


def strength_and_direction(dataset: PairDataset) -> None:
    """How decided each judge is, and whether it wants the same, only more."""
    pairs = twins(dataset.judges)
    left, right = st.columns([1.4, 2])
    with left:
        reference = controls.one_judge(dataset, "Reference", "reference")
    with right:
        judges = controls.some_judges(dataset, "judges")
    judges = tuple(dict.fromkeys((reference, *judges)))
    found = _moments(dataset, judges)
    if found is None:
        return
    colours = judge_colours(dataset.judge_names)
    table = strengths(found).sort_values("strength", ascending=False, kind="stable").reset_index(drop=True)
    top = table.iloc[0]
    freed = "; noise, which makes it longer, is in it" if found.reason else ", freed of what noise adds"
    show.chart(
        strength_chart(table, colours, pairs, dataset.own_judges),
        table,
        "Strength of judges",
        f"How decided each judge is: the length of its weights (root mean square over {count(len(found.groups), 'group')}){freed}. "
        f"Strongest: {plain_markdown(top['judge'])}, {_with_ends(top, 'strength')}. "
        + ("Dotted lines join base and aligned versions of one model. " if pairs else "")
        + (
            f"There is {plain_markdown(found.reason)}."
            if found.reason
            else f"Jackknife over {len(found.parts)} parts of the queries (seed {found.seed}); fast engine."
        ),
        width="narrow",
        key="strength",
    )
    against = [relation(found, reference, judge) for judge in judges if judge != reference]
    if against:
        frame = relation_table(against)
        show.chart(
            direction_chart(frame, colours, dataset.own_judges),
            frame,
            f"Direction against {reference}",
            f"Right of 1: more decided than {plain_markdown(reference)}. At the top: wants the same things in the same proportions, whatever its strength; "
            "lower: wants other things. "
            + (
                "Noise is in both, and draws every cosine to 0."
                if found.reason
                else "Both are freed of noise, which would draw every cosine to 0."
            ),
            width="narrow",
            key="direction",
        )
    _twins_table(found, [pair for pair in pairs if set(pair) <= set(judges)])
    _decidedness(dataset, judges)


def _moments(dataset: PairDataset, judges: tuple[str, ...]) -> Moments | None:
    model = session.model()
    if not dataset.has_pairs:
        return moments(dataset, judges)
    groups, left_out = usable_groups(dataset, judges)
    if not groups:
        show.limit(
            InputError(
                "There is no scenario in which all of these judges can be fitted.",
                where="; ".join(f"{group}: {reason}" for group, reason in list(left_out.items())[:3]),
                accepted="judges with verdicts in at least one common scenario",
                remedy="choose fewer judges",
            )
        )
        return None
    if left_out:
        st.caption(f"Without {plain_markdown(', '.join(left_out))}, where not every judge can be fitted.")
    return behind.result(
        "moments",
        (dataset.content_hash, judges, tuple(groups), model),
        f"Fitting {len(judges)} judges with parts of the queries left out",
        lambda progress: moments(dataset, judges, groups, model, progress=progress),
    )


def _with_ends(row: "pd.Series[float]", name: str) -> str:
    value = f"{row[name]:.2f}"
    return value if pd.isna(row["low"]) else f"{value} (95 %: {row['low']:.2f}–{row['high']:.2f})"


def _twins_table(found: Moments, pairs: list[tuple[str, str]]) -> None:
    if not pairs:
        return
    st.subheader("Base and aligned versions of one model", anchor=False)
    table = relation_table([relation(found, base, aligned) for base, aligned in pairs])
    told = table[table["ratio_low"].notna()]
    changed = int(((told["ratio_low"] > 1) | (told["ratio_high"] < 1)).sum())
    turned = int((told["cosine_high"] < 1).sum())
    st.caption(
        f"Alignment changes the strength of {changed} of {len(told)} models for sure (the interval of the ratio leaves out 1), and the direction of "
        f"{turned} (the interval of the cosine stays below 1)."
        if len(told)
        else f"{len(table)} models; no intervals: posterior means only. Median ratio of strengths {table['ratio'].median():.2f}, median cosine "
        f"{table['cosine'].median():.2f}."
    )
    show.data_table(
        table.dropna(axis="columns", how="all")
        .rename(columns={"first": "base", "second": "aligned", "n_first": "n base", "n_second": "n aligned"})
        .round(3),
        "Base and aligned",
    )


def _decidedness(dataset: PairDataset, judges: tuple[str, ...]) -> None:
    soft = [judge for judge in judges if dataset.has_pairs and judge in soft_judges(dataset)]
    if not soft:
        return
    st.subheader("How sure each verdict is", anchor=False)
    frame = decidedness(dataset, soft)
    figure = px.violin(
        frame,
        x="decidedness",
        y="judge",
        orientation="h",
        box=True,
        points=False,
        color="judge",
        color_discrete_map=judge_colours(dataset.judge_names),
        range_x=[0, 1],
    )
    figure.update_traces(spanmode="hard")
    figure.update_layout(showlegend=False, xaxis_title="|P(A) − P(B)|", yaxis_title=None)
    summary = frame.groupby("judge", sort=False)["decidedness"].describe().reset_index()
    show.chart(
        finish(figure, 90 + 70 * len(soft), (8, 8, 8, 46)),
        summary,
        "Decidedness",
        "Of judges that gave probabilities: how far apart they put the two answers, pair by pair; 0 is a toss-up, 1 is certain. "
        + "; ".join(
            f"{plain_markdown(row['judge'])}: median {row['50%']:.2f} (half of the pairs {row['25%']:.2f}–{row['75%']:.2f}), n = {row['count']:,.0f}"
            for row in summary.head(6).to_dict("records")
        )
        + ".",
        width="narrow",
        key="decidedness",
    )


def series(dataset: PairDataset) -> None:
    """Judges as rounds: the path of each property, and the drift."""
    names = list(dataset.judge_names)
    left, right = st.columns([2, 1])
    with left:
        order = st.multiselect(
            "Judges, in the order of the rounds",
            names,
            placeholder="Choose at least two, first round first",
            **keep("rounds", names, []),
        )
    with right:
        group = controls.group(dataset)
    if len(order) < 2:
        st.info(
            "Mark the judges that are rounds of one model (of a self-rewarding model, or monthly versions), the first round first. The order in "
            "which you choose them is the order of the rounds.",
            icon=":material/timeline:",
        )
        return
    model = session.model()
    found: Rounds | None = behind.result(
        "rounds",
        (dataset.content_hash, tuple(order), group.name, model),
        f"Refitting {len(order)} rounds on {RESAMPLES} resamples of the queries",
        lambda progress: rounds(dataset, order, group.name, model, progress=progress),
    )
    if found is None:
        return
    _paths(dataset, found, f"{len(order)} rounds in {plain_markdown(group.label)}", f"Rounds {group.name}")


def _paths(dataset: PairDataset, found: Rounds, what: str, name: str) -> None:
    names = list(dataset.property_names)
    chosen = st.multiselect(
        "Properties", names, max_selections=len(PALETTE), placeholder=f"The {MOST_PATHS} that changed most", **keep("paths", names, [])
    )
    total = difference_table([found.to_first[-1]])
    most = list(total.iloc[(-total["difference"].abs()).argsort(kind="stable")]["property"][:MOST_PATHS])
    drift = relation_table(found.drift)
    last, effects = drift.iloc[-1], found.effects()
    show.chart(
        rounds_chart(effects, chosen or most),
        effects,
        name,
        f"{what}; {'the properties that you chose' if chosen else 'the properties that changed most from first to last'}. Total drift: "
        f"{last['distance']:.2f} log-odds (95 %: {last['distance_low']:.2f}–{last['distance_high']:.2f}), freed of noise. From first to last "
        f"{int(total['discovery'].sum())} of {len(total)} properties changed (false discoveries controlled). n = {found.posteriors[0].n:,} pairs in "
        "the first round.",
        key="rounds",
    )
    folded = st.expander("Changes between the rounds", icon=":material/table:", key="round-changes", on_change="rerun")
    if folded.open:
        with folded:
            show.data_table(difference_table([*found.to_first, *found.to_previous]).round(4), "Changes between rounds")
            show.data_table(drift.round(4), "Drift")
