"""Numbers a person can say: the readings below charts and the answers on the overview, each with its interval and n."""

from typing import Any

import pandas as pd

from dissection.dataset import group_label
from dissection.figures.style import plain_markdown

TOP = 3


NARROW = "\u00a0"  # a no-break space keeps a number and its sign on one line


def _share(row: "pd.Series[Any]", interval: str = f"95{NARROW}%:{NARROW}") -> str:
    if row["status"] == "point estimate":
        return f"{row['percent']:.0f}{NARROW}%"
    return f"{row['percent']:.0f}{NARROW}% ({interval}{row['percent_low']:.0f}–{row['percent_high']:.0f})"


def _undecided(adjective: str, *, controlled: bool) -> str:
    return (
        f"{adjective}: not a discovery at a false discovery rate of 5 %" if controlled else f"{adjective}: the 95 % interval includes 50 %"
    )


def heatmap_reading(frame: pd.DataFrame, where: str, controlled: bool = False) -> str:  # noqa: FBT001, FBT002 (a switch of the reading)
    """How to read a heatmap, with its own strongest cell.

    Args:
        frame: of `effects.percent_frame`.
        where: what is shown.
        controlled: whether `decided` was set under control of false discoveries.
    """
    known = frame[frame["status"].isin(["fitted", "point estimate"])]
    if known.empty:
        return f"{plain_markdown(where)}: no cell has numbers here; crosses mark judges without verdicts or fits that did not converge."
    top = known.iloc[int((known["percent"] - 50).abs().to_numpy().argmax())]
    example = (
        f"Each cell: how often an answer is preferred that is better only on this property; 50 % is indifference. For example "
        f"{plain_markdown(top['judge'])} on *{plain_markdown(top['property'])}* ({plain_markdown(group_label(str(top['group'])))}): {_share(top)}"
    )
    if (known["status"] == "point estimate").all():
        return f"{example}. No intervals: posterior means only, so nothing is faded and n is unknown."
    undecided = 100 * float((~known["decided"]).mean())
    return f"{example}, n = {top['n']:,}. {_undecided('Faded', controlled=controlled)} ({undecided:.0f} % of the cells). Click a cell to read its pairs."


def dots_reading(frame: pd.DataFrame, where: str, controlled: bool = False) -> str:  # noqa: FBT001, FBT002 (a switch of the reading)
    """How to read a dot plot of one group; the arguments are those of `heatmap_reading`."""
    if (frame["status"] == "point estimate").all():
        return f"{plain_markdown(where)}: how often an answer is preferred that is better only on this property. No intervals: posterior means only."
    sizes = frame.groupby("judge", sort=False)["n"].first()
    counts = ", ".join(f"{plain_markdown(judge)} n = {n:,}" for judge, n in sizes.items())
    return (
        f"{plain_markdown(where)}: how often an answer is preferred that is better only on this property, with 95 % intervals. "
        f"{_undecided('Hollow', controlled=controlled)}. Grey band: what the prior alone believes. {counts}. Click a dot to read its pairs."
    )


def likes_and_dislikes(frame: pd.DataFrame, top: int = TOP) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The cells of one judge and group with the largest and the smallest percentages, strongest first; only those on their side of 50."""
    known = frame[frame["status"].isin(["fitted", "point estimate"])].sort_values("percent", ascending=False)
    return known[known["percent"] > 50].head(top), known[known["percent"] < 50].tail(top).iloc[::-1]


def cell_words(row: "pd.Series[Any]") -> str:
    """A cell in words: property, percentage, and in brackets its 95 % interval."""
    return f"{row['property']} {_share(row, interval='')}"


def headline(frame: pd.DataFrame, judge: str) -> str:
    """One sentence on a judge over all scenarios: what it wants in most of them. `frame` holds one row a scenario × property."""
    judge = plain_markdown(judge)
    groups = frame["group"].nunique()
    known = frame[frame["status"].isin(["fitted", "point estimate"])]
    if known.empty:
        return f"**{judge}** has no verdicts here."
    if (known["status"] == "point estimate").all():
        mean = known.groupby("property", sort=False)["percent"].mean().sort_values()
        return (
            f"On average over {groups} scenarios, **{judge}** leans most towards *{plain_markdown(mean.index[-1])}* ({mean.iloc[-1]:.0f} %) and least "
            f"towards *{plain_markdown(mean.index[0])}* ({mean.iloc[0]:.0f} %); no intervals, posterior means only."
        )
    decided = known[known["decided"]]
    wanted = decided[decided["percent"] > 50]["property"].value_counts()
    shunned = decided[decided["percent"] < 50]["property"].value_counts()
    if decided.empty:
        return f"For **{judge}** no property can be told apart from 50 % in any of the {groups} scenarios: too few pairs, or no taste."
    words = [f"*{plain_markdown(name)}* (in {count} of {groups})" for name, count in wanted.head(3).items()]
    sentence = (
        f"**{judge}** clearly prefers answers with more of {', '.join(words)}"
        if words
        else f"**{judge}** has no clear preference for a property"
    )
    if len(shunned):
        sentence += f", and clearly avoids {', '.join(f'*{plain_markdown(name)}* (in {count})' for name, count in shunned.head(2).items())}"
    return sentence + ". In brackets: scenarios whose 95 % interval leaves out 50 %."
