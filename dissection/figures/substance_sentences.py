"""What the page "Style or substance" says: how to read its charts, with their own numbers."""

import numpy as np
import pandas as pd

from dissection.dataset import group_label
from dissection.figures.style import plain_markdown
from dissection.substance.criteria import PRIOR_SCALE
from dissection.substance.measures import FEW_MODELS
from dissection.wording import count

METHOD = (
    "**Share of a family.** Suppose only this family's properties counted: how much would the judge's log-odds vary from pair to pair? "
    "Their mean square is the family's spread, and its part of all families' spreads is its share: from 0 to 1, and all shares add to one. "
    "What noise in the weights would add is taken out first, else a family of many properties would seem to count. Weights are taken as the "
    "verdicts alone have them, without the prior. An interval holds every share that the verdicts do not contradict at the 5 % level.\n\n"
    "**Index.** (style − substance) / (style + substance), of these spreads: −1 is substance alone, 1 style alone, 0 both alike. Safety and "
    "interaction do not enter. It says what sways this judge on these pairs, where the answers differ as they do; it is no verdict on the judge."
)
METHOD_PUBLISHED = (
    "**Share of a family.** Its properties' squared weights, as a part of all squared weights: from 0 to 1, and all shares add to one. The pairs "
    "are not known, so each property counts as if answers differed in it equally often, noise in the weights can't be taken out (it draws "
    "shares towards the families' numbers of properties), and there are no intervals.\n\n"
    "**Index.** (style − substance) / (style + substance), of these sums: −1 is substance alone, 1 style alone, 0 both alike."
)
# Headings of tables; one name means the same in all of them.
COLUMNS = {
    "property": "Property",
    "family": "Family",
    "judge": "Judge",
    "group": "Scenario or condition",
    "groups": "Groups",
    "share": "Share (0 to 1)",
    "index": "Index (−1 to 1)",
    "low": "95 % from",
    "high": "95 % to",
    "first": "Best place",
    "last": "Last place",
    "properties": "Properties",
    "n": "Pairs (n)",
    "status": "Status",
    "remark": "Remark",
    "model": "Model",
    "strength": "Strength (log-odds)",
    "comparisons": "Comparisons",
    "wins": "Won (ties half)",
    "measure": "Measure",
    "method": "Method",
    "correlation": "Correlation",
    "models": "Models (n)",
}
NO_CRITERIA = (
    "No judge of this data gave verdicts on criteria. If yours did (which answer is more correct, safer, shorter …), add a column "
    "`criterion.<judge>.<criterion>` for each, with verdicts as in the labels (a, b, tie or a probability): this view then shows how much each "
    "criterion counts in the judge's overall verdict. Without them, the shares show what the judge goes by among the properties."
)
MANY = 20  # correlations, among which one is expected to seem told apart from 0 by chance
PUBLISHED_WORDS = (
    "No intervals: only posterior means were published, so neither differences nor places are told apart from noise. n unknown."
)


def index_reading(index: pd.DataFrame, field: str, where: str) -> str:
    """Below the chart of the index."""
    known = index[index["index"].notna()].sort_values("index", ascending=False)
    head = f"Left of 0 substance sways more, right of it style ({plain_markdown(where)}). "
    if known.empty:
        return f"{head}No index is told apart from noise; the lines show what is possible. {_n(index)}"
    top, last = known.iloc[0], known.iloc[-1]
    most, least = (plain_markdown(group_label(str(row[field]))) for row in (top, last))
    head += f"Most style: {most}, {_index(top)}"
    head += f"; most substance: {least}, {_index(last)}. " if len(known) > 1 else ". "
    if known["status"].eq("point estimate").all():
        return head + PUBLISHED_WORDS
    style, substance = int((known["low"] > 0).sum()), int((known["high"] < 0).sum())
    head += f"Told apart from 0: {style} with more style, {substance} with more substance, of {len(index)}"
    silent = int((index["status"] == "no signal").sum())
    head += f"; {count(silent, 'cross', 'crosses')} where noise alone would do. " if silent else ". "
    if field == "judge" and len(known) > 1:
        head += (
            f"By its interval {most} is on place {top['first']:.0f}–{top['last']:.0f} of {len(known)} and "
            f"{least} on {last['first']:.0f}–{last['last']:.0f}; the table has all places. "
        )
    return head + _n(index)


def _index(row: "pd.Series[float]") -> str:
    ends = f" (95 %: {row['low']:+.2f} to {row['high']:+.2f})" if np.isfinite(row["low"]) else ""
    return f"{row['index']:+.2f}{ends}"


def _n(frame: pd.DataFrame) -> str:
    least, most = int(frame["n"].min()), int(frame["n"].max())
    return f"n = {least:,} pairs." if least == most else f"n = {least:,}–{most:,} pairs."


def shares_reading(table: pd.DataFrame, where: str) -> str:
    """Below the chart of shares."""
    known = table[table["share"].notna()]
    head = f"How much of what sways a judge comes from each family of properties, {plain_markdown(where)}; shares add to 100 %. "
    if known.empty:
        return f"{head}None is told apart from noise: the verdicts would look alike from judges that go by none of these properties. {_n(table)}"
    if len(set(table["family"])) == 1:
        head += f"All properties are of one family ({table['family'].iloc[0]}), so its share is 100 % by definition. "
    else:
        mean = known.groupby("family", sort=False)["share"].mean().sort_values(ascending=False)
        head += "Means: " + ", ".join(f"{family} {100 * value:.0f} %" for family, value in mean.items()) + ". "
    if known["status"].eq("point estimate").all():
        return head + PUBLISHED_WORDS
    silent = table.loc[table["status"] == "no signal"].drop_duplicates([name for name in ("judge", "group") if name in table])
    if len(silent):
        head += f"{count(len(silent), 'row has', 'rows have')} crosses: no signal beyond noise, so no shares are given there. "
    return f"{head}Lines are 95 % intervals. {_n(table)}"


def criteria_reading(frame: pd.DataFrame, where: str) -> str:
    """Below the chart of criteria."""
    head = (
        "How often the judge prefers the answer that it calls better on this criterion alone: 50 % is a criterion without weight. "
        f"In {plain_markdown(where)}; hollow: not told apart from 50 %. "
    )
    known = frame[frame["status"] == "fitted"]
    for judge, part in list(known.groupby("judge", sort=False))[:3]:
        top = part.iloc[int(part["mean"].abs().to_numpy().argmax())]
        head += (
            f"{plain_markdown(judge)} goes most by *{plain_markdown(top['property'])}*: {top['percent']:.0f} % "
            f"(95 %: {top['percent_low']:.0f}–{top['percent_high']:.0f}), n = {top['n']:,} pairs with all its verdicts. "
        )
    if known.empty:
        head += "No pair has an overall verdict and verdicts on all criteria. "
    return f"{head}Prior: Laplace(0, {PRIOR_SCALE:g}), wide, as criteria are few and strong."


def strengths_reading(frame: pd.DataFrame, left_out: dict[str, tuple[str, ...]], queries: int, resamples: int) -> str:
    """Below the chart of strengths."""
    text = "A model's strength by a judge (Bradley–Terry, ties half): 1 more means winning 73 % of the time. "
    for judge, part in list(frame.groupby("judge", sort=False))[:2]:
        top = part.iloc[int(part["strength"].to_numpy().argmax())]
        text += (
            f"{plain_markdown(judge)} puts {plain_markdown(top['model'])} first: {top['strength']:+.2f} (95 %: {top['low']:+.2f} to "
            f"{top['high']:+.2f}), {top['comparisons']:,} comparisons. "
        )
    for judge, names in list(left_out.items())[:3]:
        said = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
        text += f"Not joined to the others by {plain_markdown(judge)}'s comparisons, so without a strength: {plain_markdown(said)}. "
    return f"{text}Intervals from {resamples} resamples of {queries:,} queries."


def correlations_reading(table: pd.DataFrame, resamples: int) -> str:
    """Below the heatmap of correlations."""
    known = table[table["correlation"].notna()]
    least, most = int(table["models"].min()), int(table["models"].max())
    models = f"{least}" if least == most else f"{least}–{most}"
    text = "Rank correlation of models' strengths by a judge with a measure: 1, the judge ranks models as the measure does; −1, the other way. "
    if known.empty:
        return f"{text}None could be computed: the reasons are in the table. {models} models."
    decided = known[(known["low"] > 0) | (known["high"] < 0)]
    chance = f"; of as many that are 0, about {len(known) / 20:.0f} would seem so by chance" if len(known) >= MANY else ""
    top = known.iloc[int(known["correlation"].abs().to_numpy().argmax())]
    return (
        f"{text}{len(decided)} of {len(known)} are told apart from 0{chance}; the others are faded. Strongest: {plain_markdown(top['judge'])} with "
        f"*{plain_markdown(top['measure'])}*, {top['correlation']:+.2f} (95 %: {top['low']:+.2f} to {top['high']:+.2f}). Over {models} models; "
        f"intervals from {resamples} draws of queries and models."
    )


def few_models(table: pd.DataFrame) -> str:
    """The warning where correlations rest on few models; empty where they do not."""
    least = int(table["models"].min())
    if least >= FEW_MODELS:
        return ""
    return (
        f"Only {count(least, 'model')}: a rank correlation of fewer than {FEW_MODELS} moves much with any one of them. Take these as a first "
        "look, not as a finding."
    )
