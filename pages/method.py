"""Method: how it works, how to read each chart, limits, the citation."""

import numpy as np
import pandas as pd
import streamlit as st

from dissection.dashboard import session, show
from dissection.dataset import PairDataset
from dissection.regression.posterior import effects_frame

SIZES = ((0.0, 0.0, "0 (not planted)"), (1e-9, 0.3, "up to 0.3"), (0.3, 0.6, "0.3 to 0.6"), (0.6, 1.0, "0.6 to 1"), (1.0, 9.0, "over 1"))

MODEL = r"""
### The question
Two answers to one query are compared on each property: **+1** if A has more of it, **−1** if B has, **0** if they don't differ. A judge
says which answer is better. A logistic regression asks which differences move the verdict:

$$P(\text{A preferred}) = \sigma\Big(\beta\,o + \sum_i \alpha_i\,\varphi_i\Big), \qquad \alpha_i \sim \text{Laplace}(0, b),\quad b = 0.1$$

$\varphi_i$ is the comparison on property $i$ and $\alpha_i$ its weight in log-odds. Every chart shows **100·σ(α)**: how often an answer is
preferred that is better *only* on this property. 50 % is indifference. Each judge is fitted in each scenario or condition on its own.

- **standard** (the default) has a position bias β ~ Normal(0, 1), with *o* = +1 when A was shown first and −1 when B was. A judge that
  was asked in both orders counts each order half, so a pair stays one pair.
- **paper** has no position bias; with b = 0.1 it is the model of the original study.

A tie counts as half a verdict for each side and a probability as what it says: each verdict *y* adds *y*·log σ(f) + (1 − *y*)·log σ(−f).
Pairs on which some property was not assessed are left out of the fit.

### The intervals
The posterior comes from **expectation propagation**, which fits all judges of a scenario at once. The interval holds 95 % of the
posterior and is taken from the marginal with its exact prior, since the prior's peak at zero shows in it. Against long NUTS runs of
PyMC on ten cells (n from 120 to 820, both models) means agree within 0.05 posterior sd, sds within 6 % and interval ends within 0.2 sd;
a test holds it to that. A cell that does not converge is crossed out and has no number.
"""

READING = """
### How to read each chart
- **Heatmap** (Dissect): teal is preferred, ochre dispreferred, pale is indifferent. *Faded* cells have a 95 % interval that includes 50 %:
  the data can't tell which way, if any. A small cross is a cell without numbers. Click a cell to read its pairs.
- **Dots** (Dissect): the same with intervals. Hollow dots are undecided. For the demo, crosses show what was planted.
- **Matrix and tree** (Similarity): correlation of two judges' weights; overall it is the mean over the scenarios (conditions are not
  counted). The tree joins judges by average linkage of 1 − similarity.
- **Map** (Similarity): near means alike; the axes have no meaning of their own.
- **Bars** (Pairs): what each property adds to the predicted log-odds for one pair. They sum exactly to the prediction.

### Limits
- **A weight is not a cause.** Properties go together (long answers are rich in information); what is not annotated can stand behind what is.
- **The prior pulls towards 50 %.** With Laplace(0, 0.1) and a few hundred pairs, strong tastes are shrunk, and 95 % intervals of *strong*
  weights miss the truth more often than 5 %. Averaged over tastes as the prior expects them, they hold 95 %. Raise the prior scale in the
  sidebar to see what depends on it; read large effects as lower bounds.
- **Many cells, some by chance.** Of a hundred cells without any effect, a few will look decided.
- **n counts pairs, not information.** The pointer shows on how many pairs a property differs at all; an effect from six pairs is one from six.
- **Similarity has no interval here**, and noise in small groups draws it towards 0. Published weights come without intervals and without n.
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
    truth = {group: session.planted(dataset, group) for group in dataset.scenarios}
    names = {group.name: group for group in dataset.scenarios}
    effects = effects[effects["judge"].isin(truth[dataset.scenarios[0]]) & (effects["status"] == "fitted")]
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
st.markdown(READING)
if dataset.simulated:
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
