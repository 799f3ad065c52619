"""Parts of the Compare page: two judges, and several against one reference."""

import json

import pandas as pd
import streamlit as st

from dissection.agreement import agreement_frame, confusion
from dissection.contrasts.disagreements import disagreement_groups, disagreements, records
from dissection.contrasts.paired import AgainstReference, Contrast, against_reference, contrast
from dissection.contrasts.resampling import RESAMPLES
from dissection.contrasts.sides import Side
from dissection.contrasts.table import difference_table
from dissection.dashboard import behind, controls, session, show
from dissection.dashboard.address import keep
from dissection.dataset import Group, PairDataset
from dissection.errors import InputError
from dissection.figures.agreement import agreement_chart, agreement_reading, confusion_chart, confusion_reading
from dissection.figures.compare import difference_hover, difference_words, differences_chart, percent_columns
from dissection.figures.dots import dot_plot
from dissection.figures.effects import order_properties, percent_frame
from dissection.figures.heatmap import LOG_ODDS, heatmap
from dissection.figures.style import PALETTE, judge_colours, plain_markdown
from dissection.regression.discoveries import LEVEL

SAME = "the same"
ORDERS = {"size": "By difference", "family": "By family"}
PAIR_COLUMNS = ("pair_id", "scenario", "query", "verdict_a", "verdict_b", "property", "contribution")


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
        _disagreements(dataset, first, second)
        _agreement(dataset, first.judge, second.judge)


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


def _disagreements(dataset: PairDataset, first: Side, second: Side) -> None:
    folded = st.expander("The pairs that make the difference", icon=":material/rule:", key="disagreements", on_change="rerun")
    if not folded.open:
        return
    with folded:
        try:
            found = disagreements(dataset, first.judge, second.judge, first.group, session.model())
        except InputError as error:
            show.limit(error)
            return
        if not found:
            st.caption("They gave the same verdict on every pair that both judged.")
            return
        one, two = plain_markdown(first.judge), plain_markdown(second.judge)
        groups = disagreement_groups(found)
        none = "no property explains it"
        groups["property"] = groups["property"].map(lambda name: name if isinstance(name, str) else none)
        st.caption(
            f"{one} and {two} gave different verdicts on {len(found):,} pairs. Each is filed under the property that speaks most for it: the "
            "largest difference of weights times the comparison. Choose some to read or take along."
        )
        chosen = st.dataframe(
            groups.assign(share=100 * groups["share"]),
            hide_index=True,
            on_select="rerun",
            selection_mode="multi-row",
            key="disagreement-groups",
            column_config={
                "share": st.column_config.NumberColumn("share of the disagreements", format="%.0f %%"),
                "contribution": st.column_config.NumberColumn("mean contribution, log-odds", format="%.2f"),
            },
        )
        wanted = {groups["property"].iloc[row] for row in chosen["selection"]["rows"]} or set(groups["property"])
        kept = [one for one in found if (one.property or none) in wanted]
        table = pd.DataFrame(records(kept), columns=list(PAIR_COLUMNS)).rename(
            columns={"verdict_a": f"{first.judge}", "verdict_b": f"{second.judge}"}
        )
        picked = st.dataframe(table, hide_index=True, height=320, on_select="rerun", selection_mode="single-row", key="disagreement-pairs")
        rows = picked["selection"]["rows"]
        with st.container(horizontal=True):
            st.download_button(
                f"Download {len(kept):,} pairs for relabelling (JSON Lines)",
                lambda: "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records(kept)).encode(
                    "utf-8", "backslashreplace"
                ),
                file_name=f"disagreements-{show.file_stem(first.judge)}-{show.file_stem(second.judge)}.jsonl",
                icon=":material/download:",
            )
            if rows:
                st.button(
                    "Read this pair",
                    icon=":material/compare_arrows:",
                    on_click=session.open_pair,
                    args=(kept[rows[0]].pair_id, first.judge, first.group),
                )


def _agreement(dataset: PairDataset, first: str, second: str) -> None:
    if first == second:
        return
    folded = st.expander("Agreement of their verdicts", icon=":material/handshake:", key="agreement", on_change="rerun")
    if not folded.open:
        return
    with folded:
        frame = agreement_frame(dataset, first, second)
        show.chart(
            agreement_chart(frame),
            frame,
            f"Agreement {first} {second}",
            agreement_reading(frame, first, second),
            key="agreement-chart",
        )
        table = confusion(*(dataset.labels[:, dataset.judge_index(name)] for name in (first, second)))
        show.chart(
            confusion_chart(table, first, second),
            table,
            f"Confusion {first} {second}",
            confusion_reading(table, first, second),
            width="narrow",
            key="confusion",
        )


def against_one(dataset: PairDataset) -> None:
    """Every judge minus one reference, as a heatmap."""
    left, middle, right = st.columns([1.2, 1.2, 1], vertical_alignment="bottom")
    with left:
        reference = controls.one_judge(dataset, "Reference", "reference")
    with middle:
        group = controls.group(dataset)
    with right:
        st.toggle(
            f"Control false discoveries ({100 * LEVEL:.0f} %)",
            help="Only those stay unfaded that Benjamini and Hochberg's procedure keeps over all cells of this view.",
            **keep("fdr-against", [True, False], default=True),
        )
    judges = tuple(name for name in controls.some_judges(dataset, "judges") if name != reference)
    model = session.model()
    found: AgainstReference | None = behind.result(
        "against",
        (dataset.content_hash, reference, group.name, judges, model),
        f"Refitting {len(judges) + 1} judges on {RESAMPLES} resamples of the queries",
        lambda progress: against_reference(dataset, judges, reference, group.name, model, progress=progress),
    )
    if found is None:
        return
    table = percent_columns(difference_table(found.contrasts))
    table["shown"] = table["discovery"] if st.session_state.get("fdr-against") else table["decided"]
    frame = table.assign(judge=table["first"], group=group.name, status="fitted", mean=table["difference"], decided=table["shown"])
    properties = order_properties(frame, dataset.properties, "family")
    show.chart(
        heatmap(
            frame,
            _by_size(frame),
            properties,
            row_field="judge",
            column_field="property",
            families=dataset.properties,
            own=dataset.own_judges,
            scale=LOG_ODDS,
            hover=difference_hover,
        ),
        table.drop(columns=["shown"]),
        f"Against {reference} {group.name}",
        _against_reading(table, reference, group, found),
        on_click=(lambda point: session.open_pairs(*point["customdata"][:3])),
        key="against",
    )
    if found.left_out:
        reasons = "  \n".join(f"{plain_markdown(judge)}: {plain_markdown(reason)}" for judge, reason in found.left_out.items())
        st.caption(f"Left out:  \n{reasons}")


def _by_size(frame: pd.DataFrame) -> list[str]:
    """Those that differ most from the reference first."""
    size = frame.assign(square=frame["difference"] ** 2).groupby("judge", sort=False)["square"].sum()
    return [str(name) for name in size.sort_values(ascending=False, kind="stable").index]


def _against_reading(table: pd.DataFrame, reference: str, group: Group, found: AgainstReference) -> str:
    shown, name = table[table["shown"]], plain_markdown(reference)
    text = (
        f"Each judge minus {name} in {plain_markdown(group.label)}, in log-odds: teal, the judge wants the property more than {name}; ochre, less. "
        f"{len(shown):,} of {len(table):,} differences are told apart from none; the others are faded. "
    )
    if len(shown):
        top = shown.iloc[int(shown["difference"].abs().to_numpy().argmax())]
        text += f"Largest: {plain_markdown(top['first'])} on *{plain_markdown(top['property'])}*, {plain_markdown(difference_words(top.to_dict()))}. "
    counts = table["n_common"]
    n = f"{counts.min():,}" + (f"–{counts.max():,}" if counts.min() < counts.max() else "")
    return (
        f"{text}Paired intervals from {found.contrasts[0].resamples} resamples of queries, shared by all judges; n = {n} pairs in common."
    )
