"""The readings of the scores page, each with its n and its standard error or interval."""

from collections.abc import Sequence

import pandas as pd

from dissection.dataset import group_label
from dissection.figures.scores import HIGHER_IS_BETTER, METRIC_LABELS, shown_error, shown_value
from dissection.figures.style import plain_markdown
from dissection.regression.calibration import CalibrationError
from dissection.regression.collinearity import Collinearity
from dissection.wording import count

NAMED = 6
FEW_DIFFER = 20
NO_BREAK = "\u00a0"


def _some(names: Sequence[str], most: int = NAMED) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _said(value: float, error: float, metric: str) -> str:
    without = "none, all pairs have the same value"
    return f"{shown_value(value, metric)} (standard error {shown_error(error, metric) if pd.notna(error) else without})".replace(
        " %", f"{NO_BREAK}%"
    )


def score_reading(frame: pd.DataFrame, metric: str, where: str, field: str = "judge", folds: int = 5) -> str:
    """How to read the chart of scores, with the best explained row; `frame` is of `scores_frame`."""
    scored = frame[frame["status"] == "scored"]
    if scored.empty:
        return f"{plain_markdown(where)}: nothing could be scored here."
    explained = scored[scored["predictor"] == "explanation"].sort_values(metric, ascending=metric not in HIGHER_IS_BETTER, kind="stable")
    best = explained.iloc[0]
    beside = scored[(scored[field] == best[field]) & scored["predictor"].isin(["majority", "length alone"]) & scored[metric].notna()]
    others = "; ".join(f"{row['predictor']} {_said(row[metric], row[f'{metric}_se'], metric)}" for _, row in beside.iterrows())
    name = plain_markdown(group_label(str(best[field])) if field == "group" else best[field])
    words = (
        f"{plain_markdown(where)}: {METRIC_LABELS[metric].lower()} on pairs that the fit has not seen ({folds} folds of whole queries), with 95{NO_BREAK}% "
        f"intervals (1.96 standard errors over queries, the fits taken as given); the dotted line is a coin toss. Best explained: {name}, "
        f"{_said(best[metric], best[f'{metric}_se'], metric)}, n = {best['n']:,}" + (f"; beside it {others}." if others else ".")
    )
    if (scored["predictor"].eq("ceiling") & scored["accuracy"].notna()).any() and metric == "accuracy":
        words += (
            " Own agreement: how often the judge gives the same verdict when the order is swapped. No explanation without position can "
            "foretell more than half of the rest; one with position can."
        )
    return words


def length_sentence(frame: pd.DataFrame, field: str = "judge") -> str:
    """Which explanations don't beat length alone, in bold type where there are any; `frame` is of `scores_frame`."""
    known = frame[(frame["predictor"] == "explanation") & frame["difference"].notna()]
    if known.empty:
        reasons = sorted(set(frame.loc[(frame["predictor"] == "length alone") & (frame["status"] == "scored"), "note"]) - {""})
        return f"Length alone is not available: {plain_markdown('; '.join(reasons))}." if reasons else ""
    poor = known[~known["beats_length"].astype(bool)].sort_values("difference", kind="stable")
    rule = "more than two standard errors of the paired difference in log loss"
    if poor.empty:
        return f"Every explanation here beats length alone by {rule} ({len(known)} of {len(known)})."
    names = [
        f"{plain_markdown(group_label(str(row[field])) if field == 'group' else row[field])} ({row['difference']:+.4f} nats a pair, standard error "
        + (f"{row['difference_se']:.4f}" if pd.notna(row["difference_se"]) else "none, no pair differs")
        + f", n = {row['n']:,})"
        for _, row in poor.iterrows()
    ]
    return f"**The explanation doesn't beat length alone** for {len(poor)} of {len(known)}: {_some(names)}. In brackets: its gain on length alone; to beat that takes {rule}."


def unscored_sentence(frame: pd.DataFrame, field: str = "judge") -> str:
    """Who has no score, and why; empty where everyone has one."""
    rest = frame[(frame["predictor"] == "explanation") & (frame["status"] != "scored")]
    names = [
        f"{plain_markdown(group_label(str(row[field])) if field == 'group' else row[field])} ({plain_markdown(row['note'])})"
        for _, row in rest.iterrows()
    ]
    return f"Not scored: {_some(names)}." if names else ""


def calibration_reading(table: pd.DataFrame, error: CalibrationError, where: str) -> str:
    """How to read a calibration chart, with its worst bin; `table` is of `calibration`."""
    worst = table.iloc[int((table["observed"] - table["predicted"]).abs().to_numpy().argmax())]
    verdict = "more than chance gives" if error.value > error.chance_high else "no more than chance gives"
    return (
        f"{plain_markdown(where)}: held-out predictions in {count(len(table), 'bin')} of nearly equal counts, with 95{NO_BREAK}% intervals (Wilson); on the dotted "
        f"line predictions are right. Farthest from it: {100 * worst['predicted']:.0f}{NO_BREAK}% foretold for A, {100 * worst['observed']:.0f}{NO_BREAK}% came "
        f"(95{NO_BREAK}%: {100 * worst['low']:.0f}–{100 * worst['high']:.0f}, n = {worst['n']:,g}). Expected calibration error {100 * error.value:.1f} points, n = {error.n:,}: "
        f"{verdict}, which is {100 * error.chance:.1f} on average and up to {100 * error.chance_high:.1f} in 95{NO_BREAK}% of cases were every prediction right."
    )


def correlation_reading(found: Collinearity, pairs: pd.DataFrame, confusable: pd.DataFrame, where: str) -> str:
    """How to read the chart of correlations; `pairs` is of `correlation_frame`, `confusable` of `collinearity.confusable`."""
    known = pairs[pairs["r"].notna()]
    words = f"{plain_markdown(where)}: Pearson correlation of the comparisons, n = {found.n:,} pairs. "
    if known.empty:
        return words + "No two properties vary here, so there is none."
    top = known.iloc[0]
    words += (
        f"Strongest: *{plain_markdown(top['property'])}* and *{plain_markdown(top['other'])}*, r = {top['r']:+.2f}; on {top['unlike']:,} of {found.n:,} pairs "
        "they don't go together, and only these can tell them apart. "
    )
    if confusable.empty:
        return words + "No two are closer than |r| = 0.8, and no variance inflation is above 10."
    return words + f"{count(len(confusable), 'pair')} of properties can hardly be told apart here; they are named below."


def confusable_sentences(confusable: pd.DataFrame) -> list[str]:
    """One sentence a pair of properties that can't be told apart."""
    found = []
    for _, row in confusable.iterrows():
        interval = f"95{NO_BREAK}%: {row['r_low']:+.2f} to {row['r_high']:+.2f}" if pd.notna(row["r_low"]) else "no interval"
        vif = "infinite" if row["vif"] == float("inf") else f"{row['vif']:.1f}"
        found.append(
            f"*{plain_markdown(row['property'])}* and *{plain_markdown(row['other'])}*: r = {row['r']:+.2f} ({interval}), {row['unlike']:,} of "
            f"{row['n']:,} pairs could tell them apart, variance inflation {vif}."
        )
    return found


def few_pairs_sentence(evidence: pd.DataFrame, where: str) -> str:
    """Which properties rest on few pairs; `evidence` is of `evidence_frame`."""
    few = evidence[evidence["differs"] < FEW_DIFFER].sort_values("differs", kind="stable")
    if few.empty:
        return ""
    names = [f"*{plain_markdown(row['property'])}* on {row['differs']}" for _, row in few.iterrows()]
    return (
        f"**Effects from few pairs.** In {plain_markdown(where)} the two answers differ in {_some(names, 10)} of {evidence['n'].iloc[0]:,} pairs. Nothing that "
        f"rests on fewer than {FEW_DIFFER} pairs should be read without its interval."
    )


def smallest_sentence(evidence: pd.DataFrame, where: str) -> str:
    """How small an effect could have been seen; `evidence` is of `evidence_frame`."""
    known = evidence.dropna(subset=["smallest"]).sort_values("smallest", kind="stable")
    if known.empty:
        return f"{plain_markdown(where)}: no fit, so it is not known how small an effect could have been seen."
    first, last = known.iloc[0], known.iloc[-1]
    return (
        f"{plain_markdown(where)}, n = {first['n']:,} pairs: a taste has to move preference from 50 to {first['smallest']:.0f}{NO_BREAK}% on *{plain_markdown(first['property'])}* "
        f"(differs on {first['differs']:,} pairs), and to {_reach(last['smallest'])} on *{plain_markdown(last['property'])}* ({last['differs']:,}), to be told "
        f"apart from 50{NO_BREAK}% in four of five data sets like this. What is not told apart may still be there. Downwards it is as far from 50."
    )


def _reach(percent: float) -> str:
    return f"more than 99{NO_BREAK}%" if percent > 99 else f"{percent:.0f}{NO_BREAK}%"
