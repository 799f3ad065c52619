"""Parts of the Compare page: two judges, or one judge in two scenarios."""

import pandas as pd
import streamlit as st

from dissection.contrasts.paired import Contrast, contrast
from dissection.contrasts.resampling import RESAMPLES
from dissection.contrasts.sides import Side
from dissection.contrasts.table import difference_table
from dissection.dashboard import behind, controls, session, show
from dissection.dashboard.address import keep
from dissection.dashboard.compare_pairs import agreement, pairs_behind
from dissection.dataset import PairDataset
from dissection.figures.compare import difference_words, differences_chart, percent_columns
from dissection.figures.dots import dot_plot
from dissection.figures.effects import order_properties, percent_frame
from dissection.figures.style import PALETTE, judge_colours, plain_markdown
from dissection.regression.discoveries import LEVEL

SAME = "the same"
ORDERS = {"size": "By difference", "family": "By family"}


def two_judges(dataset: PairDataset) -> None:
    """The difference of two judges, or of one judge in two scenarios; what makes it; and how far they agree."""
    first, second = _sides(dataset)
    if first is None or second is None:
        return
    model = session.model()
    found: Contrast | None = behind.result(
        "two-judges",
        (dataset.content_hash, first, second, model),
        f"Refitting on {RESAMPLES} resamples of the queries",
        lambda progress: contrast(dataset, first, second, model, progress=progress),
    )
    if found is not None:
        _show_contrast(dataset, found)
    else:
        _meanwhile(dataset, first, second)
    if first.group == second.group:
        pairs_behind(dataset, first, second)
        agreement(dataset, first.judge, second.judge)


def _sides(dataset: PairDataset) -> tuple[Side | None, Side | None]:
    names = list(dataset.judge_names)
    labels = {group.name: controls.group_label(group) for group in dataset.selectable_groups}
    columns = st.columns([1.3, 1.3, 1, 1])
    with columns[0]:
        first = controls.one_judge(dataset, "Judge", "first")
    with columns[1]:
        other = next((name for name in names if name != first), first)
        twin = _twin(dataset, first) or other
        second = str(st.selectbox("Against", names, **keep("second", names, twin)))
    with columns[2]:
        group = str(st.selectbox("In", list(labels), format_func=labels.__getitem__, **keep("in", list(labels), next(iter(labels)))))
    with columns[3]:
        options = [SAME, *labels]
        where = str(
            st.selectbox(
                "Against it in",
                options,
                format_func=lambda name: {SAME: "the same pairs"}.get(name) or labels[name],
                **keep("in2", options, SAME),
            )
        )
    sides = Side(first, group), Side(second, group if where == SAME else where)
    if sides[0] == sides[1]:
        st.info("Both sides are the same. Choose another judge, or another scenario for the second.", icon=":material/compare_arrows:")
        return None, None
    return sides


def _meanwhile(dataset: PairDataset, first: Side, second: Side) -> None:
    """Each side with its own interval, which needs no refits."""
    if first.group != second.group:
        return
    frame = percent_frame(session.posteriors(dataset, (dataset.group(first.group),), (first.judge, second.judge)))
    show.chart(
        dot_plot(
            frame,
            order_properties(frame, dataset.properties, "value"),
            tuple(dict.fromkeys((first.judge, second.judge))),
            dataset.judge_names,
            own=dataset.own_judges,
        ),
        frame,
        f"Side by side {first.judge} {second.judge}",
        "Each judge with its own 95 % interval. These say nothing of the difference, as both judged the same pairs; that needs the refits.",
        width="narrow",
        key="meanwhile",
    )


def _twin(dataset: PairDataset, name: str) -> str | None:
    """Another version of the same model, where there is one."""
    judge = dataset.judges[dataset.judge_index(name)]
    if judge.family in (None, "human"):
        return None
    return next((one.name for one in dataset.judges if one.name != name and (one.family, one.size) == (judge.family, judge.size)), None)


def _show_contrast(dataset: PairDataset, found: Contrast) -> None:
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    with left:
        order = controls.choice("Order", list(ORDERS), "order", ORDERS)
    with right:
        controls.false_discoveries()
    table = percent_columns(difference_table([found]))
    table["shown"] = table["discovery"] if controls.false_discoveries_controlled() else table["decided"]
    if order == "family":
        frame = table.rename(columns={"difference": "mean"})
        wanted = order_properties(frame.assign(judge="", group=""), dataset.properties, "family")
        table = table.set_index("property").loc[wanted].reset_index()
    else:
        table = table.iloc[(-table["difference"]).argsort(kind="stable")].reset_index(drop=True)
    colours = judge_colours(dataset.judge_names)
    one, two = found.first, found.second
    pair = (colours[one.judge], colours[two.judge] if two.judge != one.judge else PALETTE[-1])
    names = tuple(f"{side.judge}" + ("" if one.group == two.group else f" in {side.group.label}") for side in (one, two))
    show.chart(
        differences_chart(table, (names[0], names[1]), pair),
        table.drop(columns=["shown"]),
        f"Difference {one.judge} {two.judge}",
        _reading(table, found, names[0], names[1]),
        on_click=(lambda point: session.open_pairs(*point["customdata"][:3])),
        key="differences",
    )


def _reading(table: pd.DataFrame, found: Contrast, first: str, second: str) -> str:
    one, two = plain_markdown(first), plain_markdown(second)
    if found.note and not found.sd.any():
        return f"{one} and {two}: {plain_markdown(found.note)} (n = {found.n_common:,} pairs)."
    shown = table[table["shown"]]
    head = f"{len(shown)} of {len(table)} differences are decided" + (
        f", at most {100 * LEVEL:.0f} % of them expected to be wrong. "
        if controls.false_discoveries_controlled()
        else " (their 95 % interval leaves out 0). "
    )
    if len(shown):
        top = shown.iloc[int(shown["difference"].abs().to_numpy().argmax())]
        head += (
            f"Largest: better only on *{plain_markdown(top['property'])}*, {one} prefers it {top['first_percent']:.0f} % of the time and {two} "
            f"{top['second_percent']:.0f} %: {plain_markdown(difference_words(top.to_dict()))}. "
        )
    how = (
        f"Intervals take into account that both judged the same pairs: the errors' correlation comes from {found.resamples} refits on resampled "
        f"queries (seed {found.seed}), here {table['rho'].median():.2f} at the median. "
        if found.resamples
        else f"{plain_markdown(found.note)[:1].upper()}{plain_markdown(found.note)[1:]}. "
    )
    return f"{head}{how}n = {found.first.n:,} and {found.second.n:,} pairs, {found.n_common:,} in common, of {found.queries:,} queries. Fast engine."
