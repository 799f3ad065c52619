"""Parts of the Similarity page: how sure similarities and branches are, and judges in groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dissection import settings
from dissection.dashboard import behind, controls, session, show
from dissection.dashboard.address import keep
from dissection.dataset import Group, PairDataset
from dissection.errors import InputError
from dissection.figures.style import judge_colours, plain_markdown
from dissection.figures.trust import groups_chart, of_one_judge, similarity_chart
from dissection.likeness.crossed import compare_crossed
from dissection.likeness.groups import KINDS, NO_RESAMPLES, Grouping, compare_groups, group_judges
from dissection.likeness.metadata import JUDGE_COLUMN, Metadata, metadata_from_names, metadata_of, read_metadata
from dissection.likeness.reliability import Likeness, likeness, no_intervals
from dissection.likeness.support import RESAMPLES, THRESHOLD, Support, cluster_support
from dissection.regression.fit import Progress
from dissection.regression.posterior import Posterior
from dissection.similarity import METHODS, length_properties, similarity_matrix
from dissection.wording import count

KIND_WORDS = {"size": "Size class", "family": "Family", "aligned": "Base or aligned", "provider": "Provider"}
OWN = "your own"


@dataclass(frozen=True)
class Asked:
    """What similarity is asked for.

    Attributes:
        group: None: the mean over scenarios.
        method: as in `similarity_matrix`.
        without: properties that are left out.
    """

    group: Group | None
    method: str
    without: tuple[str, ...]

    def groups(self, dataset: PairDataset) -> list[str]:
        """The names of those that are averaged."""
        return [self.group.name] if self.group else [group.name for group in dataset.scenarios]

    def where(self, dataset: PairDataset) -> str:
        """In words."""
        place = f"in {self.group.label}" if self.group else f"averaged over {count(len(dataset.scenarios), 'scenario')}"
        return f"{place}{', without length' if self.without else ''}"


def asked(dataset: PairDataset) -> Asked:
    """The choices above every view."""
    first, second, third = st.columns([2, 1.6, 1], vertical_alignment="bottom")
    with first:
        group = controls.group_or_overall(dataset)
    with second:
        method = controls.choice("Similarity", METHODS, "method", {"pearson": "Pearson", "spearman": "Spearman", "cosine": "Cosine"})
    lengths = length_properties(dataset.property_names)
    with third:
        plain = bool(lengths) and st.toggle(
            "Without length",
            help="Leaves out which answer is longer, which most judges like; what is left says more about the rest of their taste.",
            **keep("nolength", [True, False], default=False),
        )
    return Asked(group, method, lengths if plain else ())


def _fitted(dataset: PairDataset, choice: Asked) -> list[Posterior]:
    return session.posteriors(dataset, (choice.group,) if choice.group else dataset.scenarios)


def matrix_of(dataset: PairDataset, choice: Asked) -> pd.DataFrame:
    """Judges × judges, of the posterior means in view."""
    return similarity_matrix(_fitted(dataset, choice), choice.method, choice.without)


def support_toggle(dataset: PairDataset, label: str) -> None:
    """Whether the queries are to be resampled; nothing where that can't be."""
    if no_intervals(dataset, session.model()):
        return
    st.toggle(
        label,
        help=f"Draws the queries anew {RESAMPLES} times, fits every judge again and counts how often each branch comes back. Branches below "
        f"{100 * THRESHOLD:.0f} % are faded.",
        **keep("support", [True, False], default=False),
    )


def support(dataset: PairDataset, choice: Asked) -> Support | None:
    """The support of the tree's branches, where the visitor asked for it by the toggle and it can be had."""
    model = session.model()
    if no_intervals(dataset, model) or not st.session_state.get("support"):
        return None

    def work(progress: Progress) -> Support:
        found = None
        for found in cluster_support(dataset, model, choice.groups(dataset), choice.method, choice.without):
            progress(found.done, found.resamples)
        assert found is not None
        return found

    return behind.result("support", (dataset.content_hash, model, choice), f"Fitting on {RESAMPLES} resamples of the queries", work)


def how_sure(dataset: PairDataset, choice: Asked) -> None:
    """One judge against the others: intervals, ceilings and what is left when the noise is taken out."""
    judge = controls.one_judge(dataset, "Judge", "judge")
    model = session.model()
    reason = no_intervals(dataset, model)
    found: Likeness | None = (
        likeness(dataset, model, choice.groups(dataset), choice.method, choice.without, posteriors=_fitted(dataset, choice))
        if reason
        else behind.result(
            "likeness",
            (dataset.content_hash, model, choice),
            "Similarities with their intervals",
            lambda progress: likeness(dataset, model, choice.groups(dataset), choice.method, choice.without, progress),
        )
    )
    if found is None:
        return
    frame = of_one_judge(found.pairs, judge)
    own = found.ceilings.set_index("judge").loc[judge]
    known = frame[frame["corrected"].notna()]
    name = plain_markdown(judge)
    reading = f"How alike {name} is to each other judge, {plain_markdown(choice.where(dataset))}. "
    if reason:
        reading += f"{plain_markdown(reason)[:1].upper()}{plain_markdown(reason)[1:]}."
    elif len(known):
        top = known.iloc[0]
        reading += (
            f"Noise draws the similarity of estimates (rings) towards 0: with so many verdicts even the same taste would reach only the ceiling "
            f"(bars). Dots are the similarity of the tastes themselves. Most alike: {plain_markdown(top['other'])}, {top['corrected']:.2f} "
            f"(95 %: {top['low']:.2f}–{top['high']:.2f}; of the estimates {top['similarity']:.2f}, ceiling {top['ceiling']:.2f}), n = {top['n']:,} pairs. "
        )
        if pd.notna(own["ceiling"]):
            reading += f"{name} would be alike to itself on as many fresh pairs to {own['ceiling']:.2f}."
    show.chart(
        similarity_chart(frame, judge_colours(dataset.judge_names), dataset.own_judges),
        frame.drop(columns=["judge"]),
        f"Similarity to {judge}",
        reading,
        width="narrow",
        key="how-sure",
    )
    with st.expander(
        "All pairs of judges, and each judge's ceiling", icon=":material/table:", key="all-likeness", on_change="rerun"
    ) as folded:
        if folded.open:
            show.data_table(found.pairs.round(4), "Similarities with intervals")
            show.data_table(found.ceilings.round(4), "Noise ceilings")


def groups(dataset: PairDataset, choice: Asked) -> None:
    """Judges of one kind against judges of different kinds."""
    kinds = [kind for kind in KINDS if len(set(group_judges(dataset.judges, kind).groups.values())) > 1]
    options = [*kinds, OWN]
    kind = controls.choice("Group the judges by", options, "groupby", {**KIND_WORDS, OWN: "Your own column"})
    try:
        own = _metadata(dataset) if kind == OWN else None
        if kind == OWN and own is None:
            return
        grouping = _chosen(own) if own else group_judges(dataset.judges, kind)
    except InputError as error:
        show.mistake(error)
        return
    support_toggle(dataset, "Intervals by resampling")
    held = support(dataset, choice)
    similarity = matrix_of(dataset, choice)
    # The similarities themselves, as those of an engine that samples change when a cell is done.
    key = (dataset.content_hash, session.model(), choice, similarity.to_numpy().tobytes(), tuple(grouping.groups.items()))
    found: pd.DataFrame | None = behind.result(
        "groups",
        (*key, held is not None),
        "Permuting the judges",
        lambda _: compare_groups(similarity, grouping.groups, resampled=held.similarities if held else None),
    )
    if found is None:
        return
    table = found.replace({"remark": {NO_RESAMPLES: no_intervals(dataset, session.model()) or NO_RESAMPLES}})
    show.chart(
        groups_chart(table),
        table,
        f"Groups by {grouping.by}",
        _groups_reading(table, grouping, choice.where(dataset)),
        width="narrow",
        key="groups",
    )
    if own and len(own.columns) > 1:
        _crossed(key, similarity, own, grouping)
    if grouping.left_out:
        said = ", ".join(f"{judge} ({why})" for judge, why in grouping.left_out.items())
        st.caption(f"In no group: {plain_markdown(said)}.")


def _groups_reading(table: pd.DataFrame, grouping: Grouping, where: str) -> str:
    within = table[table["what"] == "within"]
    parts = "; ".join(
        f"within {plain_markdown(row['group'])} {row['mean']:.3f} ({row['judges']} judges, {row['pairs']} pairs)"
        for row in within.to_dict("records")[:6]
        if pd.notna(row["mean"])
    )
    last = table.iloc[-1]
    between = f"{last['mean']:.3f}" if pd.notna(last["mean"]) else "none known"
    text = f"Mean similarity of two judges, {plain_markdown(where)}: {parts or 'none known within a group'}; between groups {between}. "
    if pd.notna(last["contrast"]):
        ends = f" (95 %: {last['low']:+.3f} to {last['high']:+.3f})" if pd.notna(last["low"]) else ""
        text += (
            f"Within less between: {last['contrast']:+.3f}{ends}; p = {last['p']:.4f} of {last['permutations']:,.0f} permutations of the judges: "
            + ("grouping them so does set them apart." if last["p"] < 0.05 else "as much would come by chance.")
        )
    return f"{text} Grouped by {plain_markdown(grouping.by)}."


def _chosen(found: Metadata) -> Grouping:
    """The judges by one of the columns."""
    for note in found.notes:
        st.caption(plain_markdown(note))
    columns = list(found.columns)
    column = str(st.selectbox("Column", columns, key="metadata-column")) if len(columns) > 1 else columns[0]
    return found.grouping(column)


def _crossed(key: behind.Asked, similarity: pd.DataFrame, own: Metadata, one: Grouping) -> None:
    """Judges that share this column alone, against those that share another alone."""
    for column in own.columns:
        if column == one.by:
            continue
        st.subheader(f"{plain_markdown(one.by)} against {plain_markdown(column)}", anchor=False)
        table = _crossed_table(key, similarity, one, own.grouping(column))
        if table is None:
            continue
        first, second, neither = table.to_dict("records")
        st.caption(
            f"{plain_markdown(first['what'])}: mean similarity {first['mean']:.3f} ({first['pairs']:,} pairs of judges); "
            f"{plain_markdown(second['what'])}: {second['mean']:.3f} ({second['pairs']:,}); {plain_markdown(neither['what'])}: "
            f"{neither['mean']:.3f} ({neither['pairs']:,}). First less second {first['contrast']:+.3f}, p = {first['p']:.4f}, and second less "
            f"neither {second['contrast']:+.3f}, p = {second['p']:.4f}, of {first['permutations']:,.0f} permutations of the judges."
        )
        show.data_table(table, f"{one.by} against {column}")


def _crossed_table(key: behind.Asked, similarity: pd.DataFrame, one: Grouping, other: Grouping) -> pd.DataFrame | None:
    return behind.result(
        f"crossed-{other.by}",
        (*key, tuple(other.groups.items())),
        f"Permuting the judges by {one.by} and {other.by}",
        lambda _: compare_crossed(similarity, one, other),
    )


def _metadata(dataset: PairDataset) -> Metadata | None:
    ways = {"edit": "Type them", "file": "Upload a CSV", "names": "Parts of the names"}
    if settings.read_only():
        del ways["file"]
    way = controls.choice("Where the groups stand", list(ways), "groupway", ways)
    names = dataset.judge_names
    if way == "file":
        file = st.file_uploader("A table with a column `judge` and at least one more (CSV, TSV, JSON Lines, Parquet)", key="metadata-file")
        return read_metadata(file.getvalue(), file.name, names) if file else None
    if way == "names":
        pattern = st.text_input("How the names are made", placeholder="llm/prompt", **keep("pattern", None, ""))
        return metadata_from_names(names, pattern) if pattern.strip() else None
    st.caption("Give each judge a group; judges without one are left out.")
    edited = st.data_editor(
        _empty_groups(names), hide_index=True, disabled=[JUDGE_COLUMN], key=f"metadata-{dataset.content_hash[:8]}", height=280
    )
    rows = edited.to_dict("records")
    if sum(bool(str(row["group"] or "").strip()) for row in rows) < 3:
        st.caption("At least three judges in two groups are needed.")
        return None
    return metadata_of([(row[JUDGE_COLUMN], {"group": row["group"]}) for row in rows], names, "the table")


def _empty_groups(names: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame({JUDGE_COLUMN: list(names), "group": ""})
