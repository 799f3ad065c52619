"""Method: how it works, how to read each chart, limits, the citation."""

import numpy as np
import pandas as pd
import streamlit as st

from dissection.dashboard import served, session, show
from dissection.dataset import PairDataset
from dissection.judges import DATA_FOLDER
from dissection.regression.diagnostics import MAX_RHAT, MIN_BFMI, MIN_ESS
from dissection.regression.posterior import effects_frame

SIZES = ((0.0, 0.0, "0 (not planted)"), (1e-9, 0.3, "up to 0.3"), (0.3, 0.6, "0.3 to 0.6"), (0.6, 1.0, "0.6 to 1"), (1.0, 9.0, "over 1"))

VALIDITY = DATA_FOLDER.parent / "docs" / "validity.md"
THRESHOLDS = (
    f"A cell that does not converge, or whose draws fail a diagnostic (R-hat under {MAX_RHAT}, bulk and tail effective sample sizes over "
    f"{MIN_ESS:.0f}, no divergence, energy BFMI over {MIN_BFMI}), is crossed out and has no number."
)
MODEL = r"""
### The question
Two answers to one query are compared on each property: **+1** if A has more of it, **−1** if B has, **0** if they don't differ. A judge
says which answer is better. A logistic regression asks which differences move the verdict:

$$P(\text{A preferred}) = \sigma\Big(\beta\,o + \sum_i \alpha_i\,\varphi_i\Big), \qquad \alpha_i \sim \text{Laplace}(0, b),\quad b = 0.1$$

$\varphi_i$ is the comparison on property $i$ and $\alpha_i$ its weight in log-odds. Every chart shows **100·σ(α)**: how often an answer is
preferred that is better *only* on this property. 50 % is indifference. Each judge is fitted in each scenario or condition on its own.

- **standard** (the default) has a position bias β ~ Normal(0, 1), with *o* = +1 when A was shown first and −1 when B was. A judge that
  was asked in both orders counts each order half, so a pair stays one pair.
- **paper** has no position bias; with b = 0.1 it is the model of the original study, which took the mean of ten fits that each leave a
  tenth of the pairs out (a switch in the sidebar; its intervals are as wide as such a fit's).
- **pooled** fits all scenarios of a judge together: $\alpha_{si} = \mu_i + \delta_{si}$ with $\mu_i \sim \text{Laplace}(0, b)$,
  $\delta_{si} \sim \text{Normal}(0, \tau_i)$ and a spread $\tau_i \sim \text{HalfNormal}(b)$ that is learned for each property. A small scenario
  borrows from the others what they share; "All pairs" shows μ. Conditions overlap with scenarios and have no place in it.

The position bias is shown as a probability: how often the answer that is shown first wins between two that are equal on every property.

A tie counts as half a verdict for each side and a probability as what it says: each verdict *y* adds *y*·log σ(f) + (1 − *y*)·log σ(−f).
Pairs on which some property was not assessed are left out of the fit.

### Two engines
- The **fast** engine is expectation propagation, which fits all judges of a scenario at once, in about a millisecond each. Its interval holds
  95 % of the posterior and is taken from the marginal with its exact prior, since the prior's peak at zero shows in it. Against long NUTS
  runs on ten cells (n from 120 to 820, two models) means agree within 0.05 posterior sd, sds within 6 % and interval ends within 0.2 sd; a
  test holds it to that. The pooled model agrees as well, but where one property goes with all others (length often does) its sds come
  out up to a fifth too small.
- **NUTS** samples the same posterior without that approximation: PyMC states the model, nutpie samples it, in processes behind the page
  (Diagnostics page). With the engine "NUTS where sampled" its results stand in for the fast engine's.
"""

READING = """
### How to read each chart
- **Heatmap** (Dissect): teal is preferred, ochre dispreferred, pale is indifferent. *Faded* cells have a 95 % interval that includes 50 %:
  the data can't tell which way, if any. A small cross is a cell without numbers. Click a cell to read its pairs.
- **Dots** (Dissect): the same with intervals. Hollow dots are undecided. The grey band is what the prior believes before any verdict: an
  interval that fills it says that the data said nothing here. For the demo, crosses show what was planted.
- **Control of false discoveries** (Dissect): keeps unfaded only what Benjamini and Hochberg's procedure keeps over all cells in view, on
  two-sided posterior tail probabilities.
- **Scores**: verdicts that the fit has not seen, foretold. Whole queries are held out, so that no pair of a query, and no swapped twin, is on
  both sides. An explanation that does not beat length alone says little about reasons.
- **Two judges, all against one** (Compare): the difference of effects in log-odds. Both judged the same pairs, so the scatter of their errors
  goes together: from the posterior variances twice the covariance of both means over 200 resamples of queries is taken off. Under a prior
  that draws the two tastes apart this narrows intervals by a few per cent only, which is all that pairing can give.
- **Strength and direction** (Compare): the length of a judge's weights, and the cosine between two judges', both freed of what noise adds.
- **Matrix and tree** (Similarity): correlation of two judges' weights; overall it is the mean over the scenarios (conditions are not
  counted). The tree joins judges by average linkage of 1 − similarity; a branch's support is the share of resamples in which it comes back.
- **How sure** (Similarity): noise draws the similarity of estimates towards 0. The ceiling is what a judge would reach with itself on as many
  fresh pairs; the dot is the similarity of the tastes behind the noise, with its interval.
- **Groups** (Similarity): whether judges of one kind are more alike; the test permutes which judge is of which kind.
- **Map** (Similarity): near means alike; the axes have no meaning of their own.
- **Shares and index** (Style or substance): how much of what moves a judge's log-odds comes from each family of properties, freed of what
  noise adds; the index runs from −1 (substance alone) to 1 (style alone).
- **Predicted gain** (Manipulate): the win rate of the model's answers if they had a property, less what it is. The posterior is taken with a
  wide prior here, Laplace(0, 1), as the usual one would promise too little. The interval has the posterior and the queries in it; "in as many
  fresh verdicts" adds that each verdict is one toss.
- **Exposure** (Manipulate): how far a change of style alone takes the verdict from an even chance, 0 to 50 points.
- **Trust** (Annotate): how far two annotations of the same pairs agree, whether what is shown first is rated higher, and effects without the
  annotators' noise: the regression takes the expected true comparisons in place of the annotated ones.
- **Waterfall** (Pairs): what each property adds to the prediction for one pair, in log-odds or, as exact Shapley values, in probability. The
  steps sum exactly to the prediction.

### Limits
- **A weight is not a cause.** Properties go together (long answers are rich in information); what is not annotated can stand behind what is.
- **The prior pulls towards 50 %.** With Laplace(0, 0.1) and a few hundred pairs, strong tastes are shrunk, and 95 % intervals of *strong*
  weights miss the truth more often than 5 %. Averaged over tastes as the prior expects them, they hold 95 %. With the published weights as
  tastes and 400 pairs, weights under 0.1 are inside their interval 99.6 % of the time, those over 0.6 only 40 %, and are found at half their
  size; with b = 0.2 it is 81 %, and the error is smaller. So read large effects as lower bounds, and look at b = 0.2 in the sidebar too.
  Below are all figures, by size of the weight and number of pairs.
- **Many cells, some by chance.** Of a hundred cells without any effect, a few will look decided; Dissect can control for that.
- **n counts pairs, not information.** The pointer shows on how many pairs a property differs at all; an effect from six pairs is one from six.
- **Published weights** come without intervals and without n; noise in small groups draws their similarities towards 0.
- **Computed text properties** are rules of thumb on the surface of a text; each says below how it is computed. They know English only.
"""

CITATION = """
### Source
The model, the 29 properties and the published weights: Li et al., *Dissecting Human and LLM Preferences*, ACL 2024
([arXiv 2402.11296](https://arxiv.org/abs/2402.11296)).

```bibtex
@inproceedings{li2024dissecting,
  title     = {Dissecting Human and {LLM} Preferences},
  author    = {Li, Junlong and Zhou, Fan and Sun, Shichao and Zhang, Yikai and Zhao, Hai and Liu, Pengfei},
  booktitle = {Proceedings of the 62nd Annual Meeting of the Association for Computational Linguistics},
  year      = {2024}
}
```
"""


def coverage(dataset: PairDataset) -> pd.DataFrame:
    """Share of the demo's planted weights that lie in their 95 % interval, by the size of the weight."""
    effects = effects_frame(session.posteriors(dataset, dataset.scenarios))
    truth = {group: served.planted(dataset, group) for group in dataset.scenarios}
    names = {group.name: group for group in dataset.scenarios}
    known = [judge in truth[names[group]] for judge, group in zip(effects["judge"], effects["group"], strict=True)]
    effects = effects[np.array(known) & (effects["status"] == "fitted")]
    planted = np.array(
        [truth[names[g]][j][p] for j, g, p in zip(effects["judge"], effects["group"], effects["property"], strict=True)], dtype=float
    )
    inside = (effects["low"].to_numpy() <= planted) & (planted <= effects["high"].to_numpy())
    size = np.abs(planted)
    rows = [(label, (size >= low) & (size <= high) if high == 0 else (size > low) & (size <= high)) for low, high, label in SIZES]
    rows.append(("all", np.ones(len(size), dtype=bool)))
    return pd.DataFrame(
        [
            {"planted weight (log-odds)": label, "weights": int(mask.sum()), "inside their interval": 100 * float(inside[mask].mean())}
            for label, mask in rows
            if mask.any()
        ]
    )


dataset = session.current()
show.page_head("Method", "How do these numbers come about, and how far can they be trusted?", dataset)
st.markdown(MODEL)
st.markdown(THRESHOLDS)
st.markdown(READING)
folded = st.expander(
    "What was measured: calibration, coverage, agreement, speed", icon=":material/fact_check:", key="validity", on_change="rerun"
)
if folded.open:
    folded.markdown(VALIDITY.read_text(encoding="utf-8").split("\n", 1)[1].replace("\n## ", "\n#### "))
if any(served.planted(dataset, group) for group in dataset.scenarios):
    table = coverage(dataset)
    everything = table.iloc[-1]
    st.markdown(
        f"""### What shrinkage does: planted against found
The demo's judges have a few strong wishes, stronger than the prior expects. Of their {everything["weights"]:,} planted weights
**{everything["inside their interval"]:.0f} %** lie inside their 95 % interval (model and prior scale as chosen in the sidebar): nearly all of
the small ones, few of the strong ones. This is the price of caution in scenarios of about 240 pairs."""
    )
    show.data_table(
        table,
        "Planted against found",
        {"inside their interval": st.column_config.NumberColumn("inside their 95 % interval", format="%.0f %%")},
    )
st.markdown("### The properties of this data")
show.data_table(
    pd.DataFrame(
        [{"property": p.name, "family": p.family, "meaning": p.meaning, "computed": p.computed or "annotated"} for p in dataset.properties]
    ),
    "Properties",
)
st.markdown(CITATION)
