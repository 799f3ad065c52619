"""Folded parts of the Dissect page: the position bias, and one effect under other priors and pooled over scenarios."""

from dataclasses import replace

import streamlit as st

from dissection.dashboard import controls, session, show
from dissection.dashboard.address import keep
from dissection.dataset import Group, PairDataset
from dissection.figures.closer import bias_frame, interval_chart, pooling_frame, sensitivity_frame
from dissection.figures.style import MUTED, PREFERRED, judge_text, plain_markdown
from dissection.regression.model import POOLED, STANDARD, Model
from dissection.regression.posterior import Posterior

SCALES = (0.05, 0.1, 0.2, 0.5)


def position_biases(dataset: PairDataset, group: Group, judges: tuple[str, ...]) -> None:
    """How often the answer shown first wins between equals, for each judge in the group."""
    folded = st.expander("Position bias of these judges", icon=":material/swap_horiz:", key="position-bias", on_change="rerun")
    if not folded.open:
        return
    with folded:
        frame = bias_frame(session.posteriors(dataset, (group,), judges), session.model().intercept_sd or 1.0)
        if frame.empty:
            st.caption(f"None to show: the model “{session.model().name}” has no position bias, or no judge has numbers here.")
            return
        labels = {judge: judge_text(judge, dataset.own_judges) for judge in judges}
        worst = frame.iloc[int((frame["percent"] - 50).abs().to_numpy().argmax())]
        show.chart(
            interval_chart(frame, "the first-shown answer wins between equals", {"first shown wins": PREFERRED}, row_labels=labels),
            frame,
            f"Position bias {group.name}",
            f"{plain_markdown(group.label)}: how often the answer that is shown first wins when the two are equal on every property; 50 % is no bias. "
            f"The strongest is {plain_markdown(worst['row'])}: {worst['percent']:.0f} % (95 %: {worst['low']:.0f}–{worst['high']:.0f}), n = {worst['n']:,}. "
            "Where a judge saw each pair in one order only, A counts as shown first.",
            width="narrow",
            key="bias",
        )


def _fitted(dataset: PairDataset, group: Group, judge: str, model: Model) -> Posterior:
    return session.fit_fast(dataset, group, model)[dataset.judge_index(judge)]


def one_effect(dataset: PairDataset) -> None:
    """One judge and property: what hangs on the prior's scale, and what a small scenario borrows from the others."""
    folded = st.expander("One effect, closer: the prior and pooling", icon=":material/zoom_in:", key="closer", on_change="rerun")
    if not folded.open:
        return
    with folded:
        first, second, third = st.columns(3)
        with first:
            judge = controls.one_judge(dataset, key="closer-judge")
        with second:
            names = list(dataset.property_names)
            property_name = str(st.selectbox("Property", names, **keep("closer-property", names, names[0])))
        with third:
            labels = {group.name: controls.group_label(group) for group in dataset.selectable_groups}
            chosen = st.selectbox(
                "In", list(labels), format_func=labels.__getitem__, **keep("closer-group", list(labels), next(iter(labels)))
            )
        left, right = st.columns(2)
        with left:
            sensitivity(dataset, judge, dataset.group(str(chosen)), property_name)
        with right:
            pooling(dataset, judge, property_name)


def sensitivity(dataset: PairDataset, judge: str, group: Group, property_name: str) -> None:
    """The effect under four prior scales."""
    base = STANDARD if session.model().pooled else session.model()
    models = [replace(base, prior_scale=scale) for scale in SCALES]
    fits = [(model, _fitted(dataset, group, judge, model)) for model in models]
    fits = [(model, posterior) for model, posterior in fits if posterior.status == "fitted"]
    if not fits:
        st.caption("No fit of this judge in this group has numbers.")
        return
    frame = sensitivity_frame(fits, property_name)
    show.chart(
        interval_chart(frame, "preferred if better only on this property", {"posterior": PREFERRED}),
        frame,
        f"Prior scales {property_name}",
        f"{plain_markdown(judge)} on *{plain_markdown(property_name)}* in {plain_markdown(group.label)} (n = {fits[0][1].n:,}) when the prior is narrower or "
        f"wider: from {frame['percent'].min():.0f} % to {frame['percent'].max():.0f} %. Grey: what each prior believes by itself; an interval that fills it "
        f"says that the data said nothing. Fast engine, model “{base.name}”.",
        width="narrow",
        key="sensitivity",
    )


def pooling(dataset: PairDataset, judge: str, property_name: str) -> None:
    """The effect in every scenario, fitted alone and pooled."""
    if len(dataset.scenarios) < 2:
        st.caption("Pooling shares a taste between scenarios, and this data has only one.")
        return
    scale = session.model().prior_scale
    alone = [_fitted(dataset, group, judge, replace(STANDARD, prior_scale=scale)) for group in dataset.scenarios]
    alone = [posterior for posterior in alone if posterior.status == "fitted"]
    pooled = [
        _fitted(dataset, group, judge, replace(POOLED, prior_scale=scale))
        for group in dataset.selectable_groups
        if group.kind != "condition"
    ]
    if not alone or not all(posterior.status == "fitted" for posterior in pooled if posterior.n):
        st.caption("The pooled fit of this judge did not converge, so there is nothing to set beside the others.")
        return
    frame = pooling_frame(alone, pooled, property_name, scale)
    show.chart(
        interval_chart(frame, "preferred if better only on this property", {"fitted alone": MUTED, "pooled": PREFERRED}),
        frame,
        f"Pooling {property_name}",
        f"{plain_markdown(judge)} on *{plain_markdown(property_name)}* in each scenario, the smallest first: fitted alone, and pooled with the others. What a small "
        "scenario lacks in pairs it borrows; where scenarios differ clearly, little is shared. Fast engine.",
        width="narrow",
        key="pooling",
    )
