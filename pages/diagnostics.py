"""Diagnostics: the full analysis by NUTS, whether its draws can be trusted, and how far the fast engine is from it."""

import numpy as np
import pandas as pd
import streamlit as st

from dissection import settings
from dissection.dashboard import analysis, controls, session, show
from dissection.dashboard.address import keep
from dissection.dashboard.limits import only_shown
from dissection.dataset import FloatArray, PairDataset, group_label
from dissection.errors import InputError
from dissection.figures.diagnostics import engines_chart, engines_frame, predictive_chart, rank_chart, trace_chart
from dissection.figures.style import plain_markdown
from dissection.regression.diagnostics import MAX_RHAT, MIN_BFMI, MIN_ESS
from dissection.regression.nuts import Draws, Settings
from dissection.regression.posterior import Posterior
from dissection.regression.predictive import predictive_check

# What 2,000 draws × 4 chains take on one core, for a first guess: of a cell, and of each of its pairs.
SECONDS_A_CELL, SECONDS_A_PAIR = 3.0, 0.009
THRESHOLDS = (
    f"A cell passes with R-hat under {MAX_RHAT}, bulk and tail effective sample sizes over {MIN_ESS:.0f}, no divergence and an energy BFMI over "
    f"{MIN_BFMI}; one that fails is drawn as a cross, without numbers."
)


def start_form(dataset: PairDataset) -> None:
    model = session.model()
    labels = {group.name: controls.group_label(group) for group in dataset.selectable_groups}
    with st.container(border=True):
        left, middle, right = st.columns([2, 2, 1])
        with left:
            judges = controls.some_judges(dataset, "sample-judges", default=dataset.judge_names[:1])
        with middle:
            names = list(labels)
            if model.pooled:
                st.caption("The pooled model samples all scenarios of a judge together, as one cell.")
                groups = list(dataset.scenarios)
            else:
                chosen = st.multiselect(
                    "Scenarios and conditions",
                    names,
                    format_func=labels.__getitem__,
                    placeholder="All",
                    **keep("sample-groups", names, [names[0]]),
                )
                groups = [dataset.group(name) for name in chosen or names]
        with right:
            st.selectbox("Draws × 4 chains", analysis.DRAWS, format_func="{:,}".format, **keep("draws", analysis.DRAWS, 2000))
        cells = len(judges) * (1 if model.pooled else len(groups))
        pairs = sum(int(dataset.members(group).sum()) for group in groups) * len(judges)
        seconds = (cells * SECONDS_A_CELL + pairs * SECONDS_A_PAIR * (4 if model.pooled else 1)) / min(settings.WORKERS.read(), cells)
        seconds *= analysis.settings().draws / Settings.draws
        # The key keeps a click that comes while a new number of cells is being counted: without it the button would be another one.
        label = f"Sample {cells:,} {'cell' if cells == 1 else 'cells'} by NUTS"
        if st.button(label, icon=":material/play_arrow:", type="primary", key="sample"):
            try:
                analysis.start(dataset, model, judges, groups)
            except InputError as error:
                show.mistake(error)
            else:
                st.rerun()
        st.caption(
            f"It runs behind the pages; progress is in the sidebar. A first guess: {analysis.time_left(seconds).removesuffix(' left')}, and half a "
            "minute to compile the model. What anyone has sampled of the same verdicts and settings is answered from the cache."
        )


def diagnostics_table(sampled: list[Posterior]) -> pd.DataFrame:
    rows = []
    for posterior in sampled:
        found = posterior.diagnostics
        if found:
            rows.append(
                {
                    "judge": posterior.judge,
                    "group": group_label(posterior.group.name),
                    "n": posterior.n,
                    "passed": "yes" if found.passed else "; ".join(found.failures),
                    "rhat": found.rhat,
                    "ess_bulk": found.ess_bulk,
                    "ess_tail": found.ess_tail,
                    "divergences": found.divergences,
                    "bfmi": found.bfmi,
                    "draws": found.chains * found.draws,
                    "seconds": found.seconds,
                }
            )
    return pd.DataFrame(rows)


def against_fast(dataset: PairDataset, sampled: list[Posterior]) -> None:
    groups = list(dict.fromkeys(posterior.group for posterior in sampled))
    fast = [posterior for group in groups for posterior in session.fit_fast(dataset, group, session.model())]
    frame = engines_frame(fast, sampled)
    if frame.empty:
        st.caption("No cell has numbers from both engines.")
        return
    worst = frame.iloc[int(frame["apart"].abs().to_numpy().argmax())]
    show.chart(
        engines_chart(frame),
        frame,
        "Fast engine against NUTS",
        f"Each dot is one weight, {len(frame):,} in all; on the line the engines agree. Means differ by at most {abs(worst['apart']):.2f} posterior sd "
        f"({plain_markdown(worst['judge'])} on *{plain_markdown(worst['property'])}* in {plain_markdown(group_label(worst['group']))}), sds by at most "
        f"{100 * (frame['sd_ratio'] - 1).abs().max():.0f} %, interval ends by at most {frame['ends_apart'].max():.2f} sd. The sampler itself is off by a few "
        "hundredths.",
        width="narrow",
    )


def draws_of(draws: Draws, posterior: Posterior, dataset: PairDataset) -> FloatArray:
    """(chains × draws × weights) of the group."""
    name = "shared" if posterior.group.kind == "all" and "shared" in draws.posterior else "weights"
    values = np.asarray(draws.posterior[name], dtype=float)
    return values[:, :, dataset.scenarios.index(posterior.group)] if values.ndim == 4 else values


def one_cell(dataset: PairDataset, sampled: list[Posterior]) -> None:
    names = [f"{posterior.judge} · {posterior.group.label}" for posterior in sampled]
    left, right = st.columns(2)
    with left:
        posterior = sampled[names.index(str(st.selectbox("Cell", names, **keep("cell", names, names[0]))))]
    draws = analysis.draws(dataset, posterior, session.model())
    if draws is None:
        st.info("The draws of this cell are no longer in the cache; its summary is. Sample it again to see them.")
        return
    values = draws_of(draws, posterior, dataset)
    with right:
        properties = list(posterior.properties)
        name = str(st.selectbox("Property", properties, **keep("trace", properties, properties[0])))
    one = values[:, :, properties.index(name)]
    left, right = st.columns(2)
    summary = pd.DataFrame({"chain": np.arange(1, len(one) + 1), "mean": one.mean(axis=1), "sd": one.std(axis=1)})
    with left:
        show.chart(
            trace_chart(one, name),
            summary,
            "Trace",
            f"The chains should look alike and wander around one level; their means run from {one.mean(axis=1).min():+.3f} to "
            f"{one.mean(axis=1).max():+.3f}.",
            width="narrow",
        )
    with right:
        show.chart(
            rank_chart(one),
            summary,
            "Ranks",
            "How the draws of each chain rank among all draws: flat along the dotted line where the chains mix.",
            width="narrow",
        )
    if posterior.group.kind == "all" and session.model().pooled:
        return
    predictive(dataset, posterior, draws, values)


def predictive(dataset: PairDataset, posterior: Posterior, draws: Draws, values: FloatArray) -> None:
    cell = analysis.cell_of(dataset, posterior, session.model())
    flat = values.reshape(-1, values.shape[-1])
    if "position_bias" in draws.posterior:
        bias = np.asarray(draws.posterior["position_bias"], dtype=float)
        bias = bias[:, :, dataset.scenarios.index(posterior.group)] if bias.ndim == 3 else bias
        flat = np.column_stack([flat, bias.ravel()])
    check = predictive_check(cell.rows[cell.groups.index(posterior.group)], flat, posterior.properties)
    if check.empty:
        return
    outside = int((~check["inside"]).sum())
    show.chart(
        predictive_chart(check),
        check,
        "Posterior predictive check",
        f"How often the answer won that is better on each property (n = {posterior.n:,} pairs), beside what verdicts replicated from the posterior give. "
        f"{outside} of {len(check)} observed shares lie outside their 95 % interval; shrinkage pulls the replicated ones towards 50 %.",
        width="narrow",
    )


dataset = session.current()
show.page_head("Diagnostics", "Can the numbers be trusted? The full analysis by NUTS, and the fast engine against it.", dataset)
if not dataset.has_pairs or not dataset.judges:
    st.info("There is nothing to sample here: this needs pairs with verdicts.", icon=":material/upload_file:")
    st.stop()
if session.model().folds:
    st.info("The mean of ten fits is for the fast engine alone. Switch it off in the sidebar to sample.", icon=":material/info:")
    st.stop()
if settings.read_only():
    only_shown("start a full analysis")
else:
    start_form(dataset)
# Before what the job has to say, which is the same moment's or a later one's: results are never shown without the warning that came with them.
sampled = analysis.sampled(dataset, dataset.selectable_groups, session.model())
job = analysis.job()
if job:
    for label, message in job.failures():
        st.error(f"**{plain_markdown(label)}** {plain_markdown(message)}", icon=":material/error:")
    for warning in job.warnings():
        st.warning(plain_markdown(warning), icon=":material/warning:")
if not sampled:
    st.info(
        f"Nothing has been sampled yet of this data under the model “{session.model().name}” with {analysis.settings().draws:,} draws a chain. All "
        "numbers on the other pages come from the fast engine, which is held to NUTS by tests (see Method).",
        icon=":material/info:",
    )
    st.stop()
table = diagnostics_table(sampled)
failed = int((table["passed"] != "yes").sum())
st.subheader("What has been sampled", anchor=False)
show.data_table(
    table.round({"rhat": 4, "bfmi": 2, "ess_bulk": 0, "ess_tail": 0, "seconds": 1}),
    "Diagnostics",
    {"rhat": st.column_config.NumberColumn("R-hat", format="%.4f"), "ess_bulk": "bulk ESS", "ess_tail": "tail ESS", "bfmi": "BFMI"},
)
st.caption(
    f"{len(table) - failed:,} of {len(table):,} sampled cells passed; every other cell on these pages is the fast engine's. {THRESHOLDS}"
)
st.subheader("Fast engine against NUTS", anchor=False)
against_fast(dataset, sampled)
st.subheader("One cell", anchor=False)
one_cell(dataset, sampled)
