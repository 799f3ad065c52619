"""Parts of the Compare page: every judge against one reference."""

import pandas as pd
import streamlit as st

from dissection.contrasts.paired import AgainstReference, against_reference
from dissection.contrasts.resampling import RESAMPLES
from dissection.contrasts.table import difference_table
from dissection.dashboard import behind, controls, session, show
from dissection.dashboard.address import keep
from dissection.dataset import Group, PairDataset
from dissection.figures.compare import difference_hover, difference_words, percent_columns
from dissection.figures.effects import order_properties
from dissection.figures.heatmap import LOG_ODDS, heatmap
from dissection.figures.style import plain_markdown
from dissection.regression.discoveries import LEVEL


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
    resamples = max(one.resamples for one in found.contrasts)  # judges with the reference's own verdicts need none
    how = f"Paired intervals from {resamples} resamples of queries, shared by all judges; " if resamples else ""
    return f"{text}{how}n = {n} pairs in common."
