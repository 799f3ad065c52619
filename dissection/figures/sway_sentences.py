"""What the page "Manipulate" says: how to read its charts, with their own numbers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dissection.figures.style import plain_markdown
from dissection.regression.discoveries import LEVEL
from dissection.sway.basis import PRIOR_SCALE
from dissection.sway.exposure import SURE
from dissection.sway.gains import Gains
from dissection.sway.shift import REPORTED, Shift
from dissection.wording import count

METHOD = (
    "**A change.** The model's answers gain a property (↑): on each pair they then have more of it than the other answer, where the other's score loses "
    "to some answer in the data, else as much. Where only the comparison is known, it rises by one step (equal answers are taken to leave room, "
    "so the gain is an upper bound). A loss (↓) is the same with the signs turned; a property that some queries alone ask for changes only there. "
    "Nothing else of the answers changes.\n\n"
    "**Win rate.** The mean, over the pairs, of the chance that this judge prefers the model's answer, shown first half the time. The *expected* "
    "interval is for queries such as these: it holds what is not known of the weights, and that the queries are a sample. The interval of *fresh "
    "verdicts* is for as many new verdicts on these very pairs, with the judge's coin tosses.\n\n"
    f"**The fit.** All chosen pairs together, prior Laplace(0, {PRIOR_SCALE:g}): the usual narrow prior draws weights towards 0, and would foretell "
    "too small gains. Gains are what would follow if the weights were causes; whether they are, “Test” tells."
)
EXPOSURE_METHOD = (
    "**Exposure.** Two answers are equal in everything; one is restyled. How far above an even chance does the judge prefer it, in percentage points "
    "(0: style alone gains nothing; 50: style alone decides)? The restyling is picked on one half of what the verdicts say (each style property "
    f"whose direction is {100 * SURE:.0f} % sure there) and tried on the other half, else chance would make every judge look exposed. It is what can be shown, so with few "
    "verdicts less is shown: compare judges on the same pairs."
)
PUBLISHED_LIKES = (
    "These weights came without their pairs, so nothing says how often answers have which property, and no win rate is predicted. Below are the "
    "weights themselves; “Prompt” and “Exposure” go by them."
)
# Headings of tables; one name means the same in all of them.
COLUMNS = {
    "changes": "Changes",
    "change": "Change",
    "together": "Made together",
    "gain": "Gain (points)",
    "low": "95 % from",
    "high": "95 % to",
    "rate": "Win rate after (%)",
    "rate_low": "Win rate, 95 % from",
    "rate_high": "Win rate, 95 % to",
    "fresh_low": "Fresh verdicts, 95 % from (%)",
    "fresh_high": "Fresh verdicts, 95 % to (%)",
    "changed": "Pairs that change (%)",
    "each": "Gain on those (points)",
    "each_low": "On those, 95 % from",
    "each_high": "On those, 95 % to",
    "n": "Pairs (n)",
    "decided": "95 % leave out 0",
    "discovery": f"Holds at FDR {100 * LEVEL:.0f} %",
    "property": "Property",
    "family": "Family",
    "mean": "Weight (log-odds)",
    "percent": "Preferred (%)",
    "percent_low": "Preferred, 95 % from",
    "percent_high": "Preferred, 95 % to",
    "direction": "Sure that it is liked (0 to 1)",
    "differs": "Pairs that differ in it",
    "groups": "Scenarios or conditions",
    "judge": "Judge",
    "exposure": "Exposure (points)",
    "maximum": "Plain maximum (points)",
    "properties": "Style properties",
    "status": "Status",
    "remark": "Remark",
    "what": "Shift of",
    "value": "Shift",
    "unit": "Unit",
}
REFERENCE = (
    f"For comparison: Li et al. (arXiv 2402.11296) moved scores on MT-Bench (1–10) by up to {REPORTED['scores']:+.2f}, and win rates on "
    f"AlpacaEval 2.0 (0–100) by up to {REPORTED['verdicts']:.2f} points."
)


def gains_reading(gains: Gains, where: str) -> str:
    """Below the chart of single changes.

    Args:
        gains: of `single_changes`.
        where: which pairs.
    """
    table = gains.table
    best = table.iloc[int(np.argmax(table["gain"].to_numpy(dtype=float)))]
    told = int(table["discovery"].sum())
    return (
        f"Right: the win rate by {plain_markdown(gains.judge)} would rise; {plain_markdown(where)}. Largest: {plain_markdown(best['changes'])}, "
        f"{points(best, 'gain')}, to a win rate of {best['rate']:.1f} %. {told} of {len(table)} changes are told apart from 0 at a false discovery rate "
        f"of {100 * LEVEL:.0f} % over all properties; the others are hollow. "
        f"{of_whom(gains)}"
    )


def points(row: "pd.Series[float]", name: str) -> str:
    """A gain with its interval."""
    low, high = (row["low"], row["high"]) if name == "gain" else (row[f"{name}_low"], row[f"{name}_high"])
    return f"{row[name]:+.1f} points (95 %: {low:+.1f} to {high:+.1f})"


def of_whom(gains: Gains) -> str:
    """Whose answers change, from which win rate, and how many pairs that is of."""
    if gains.model is None:
        whom = "Either answer of a pair stands for the model, so that it starts at 50 %."
    else:
        rate, low, high = gains.now
        seen = f", {gains.observed:.1f} % of {count(gains.verdicts, 'verdict')}" if gains.verdicts else ""
        whom = f"{plain_markdown(gains.model)} starts at a predicted {rate:.1f} % (95 %: {low:.1f}–{high:.1f}{seen})."
    sampled = f", a random part of {gains.of:,}" if gains.of > gains.n else ""
    left_out = f"; {count(gains.without, 'pair')} not used (not all properties assessed{', or not of this model against another' if gains.model else ''})"
    return f"{whom} n = {gains.n:,} pairs{sampled} of {count(gains.queries, 'query', 'queries')}{left_out if gains.without else ''}."


def together_reading(gains: Gains, direction: str) -> str:
    """Below the chart of changes made together."""
    last = gains.table.iloc[-1]
    word = "gain" if direction == "liked" else "lose"
    who = f"All {last['together']} together {word}" if last["together"] > 1 else f"The only one {word}s"
    return (
        f"Each row adds one change to those above; the line is where the answers start. {who} "
        f"{points(last, 'gain')}: expected win rate {last['rate']:.1f} % (95 %: {last['rate_low']:.1f}–{last['rate_high']:.1f}, thick), and in "
        f"{last['n']:,} fresh verdicts {last['fresh_low']:.1f}–{last['fresh_high']:.1f} % (thin). They change {last['changed']:.0f} % of the pairs."
    )


def ranked_reading(table: pd.DataFrame) -> str:
    """Above the table of what buys most for least."""
    head = (
        "“Gain on those”: percentage points gained on the pairs that the change touches (gain / share of pairs that change, −100 to 100). "
    )
    sure = table[table["discovery"] & (table["gain"] > 0)]
    if sure.empty:
        return head + "No gain is told apart from 0."
    top = sure.iloc[0]
    return head + (
        f"Most for least, of those told apart from 0: {plain_markdown(top['change'])}, {points(top, 'each')} on {top['changed']:.0f} % of the pairs."
    )


def exposure_reading(frame: pd.DataFrame, where: str) -> str:
    """Below the chart of exposure."""
    known = frame[frame["exposure"].notna()]
    head = f"How far style alone takes the verdict from an even chance, 0 to 50 points ({plain_markdown(where)}). "
    if known.empty:
        return head + "No judge has verdicts on pairs whose properties are all known."
    top, last = known.iloc[0], known.iloc[-1]
    head += f"Most exposed: {_exposed(top)}" + (f"; least: {_exposed(last)}. " if len(known) > 1 else ". ")
    if known["status"].eq("point estimate").all():
        return head + "No intervals: only posterior means were published, and chance makes the numbers too high. n unknown."
    above = int((known["low"] > 0).sum())
    silent = int(known["change"].eq("").sum())
    head += f"{above} of {len(frame)} are told apart from 0{f'; {silent} hollow, where no style is told from noise' if silent else ''}. "
    least, most = int(known["n"].min()), int(known["n"].max())
    return head + (f"n = {least:,} pairs." if least == most else f"n = {least:,}–{most:,} pairs.")


def _exposed(row: "pd.Series[float]") -> str:
    ends = f" (95 %: {row['low']:.1f}–{row['high']:.1f})" if np.isfinite(row["low"]) else ""
    by = f", by {plain_markdown(row['change'])}" if row["change"] and np.isfinite(row["low"]) else ""
    return f"{plain_markdown(row['judge'])}, {row['exposure']:.1f} points{ends}{by}"


def shift_reading(shift: Shift) -> str:
    """What was observed, with n and what could not be matched."""
    unit = " %" if shift.kind == "verdicts" else ""
    points_of = " points" if shift.kind == "verdicts" else ""
    ends = "no interval" if np.isnan(shift.low) else f"95 %: {shift.low:+.2f} to {shift.high:+.2f}"
    left = [
        f"{count(number, 'item')} {'is' if number == 1 else 'are'} only in the file {which}"
        for number, which in ((shift.only_before, "before"), (shift.only_after, "after"))
        if number
    ]
    scaled = ""
    if shift.kind == "scores" and np.isfinite(shift.standardised[0]):
        scaled = f", {shift.standardised[0]:+.2f} standard deviations of the items before"
    return (
        f"{'Win rate' if shift.kind == 'verdicts' else 'Mean score'} {shift.before:.2f}{unit} before, {shift.after:.2f}{unit} after: "
        f"{shift.shift:+.2f}{points_of} ({ends}{scaled}; n = {count(shift.n, 'item')} of {count(shift.queries, 'query', 'queries')} in both). "
        + (f"{'; '.join(left)}. " if left else "")
        + (f"{shift.remark}. " if shift.remark else "")
    ).strip()


def likes_reading(table: pd.DataFrame, judge: str) -> str:
    """The most and the least liked property, of the discoveries (of all, where there are no intervals), in words."""
    known = table[table["discovery"] | table["low"].isna()]
    top, last = known[known["mean"] > 0].head(1), known[known["mean"] < 0].tail(1)
    parts = [f"{word} by {_like(row.iloc[0])}" for word, row in (("most pleased", top), ("most put off", last)) if len(row)]
    told = " and ".join(parts) or "neither pleased nor put off by any property, as far as can be told"
    end = "" if len(last) or not len(top) else "; no property is told to put it off"
    return f"If two answers differ in nothing else, {plain_markdown(judge)} is {told}{end}. " + _n(table)


def _like(row: "pd.Series[float]") -> str:
    if not np.isfinite(row["low"]):
        return f"{plain_markdown(row['property'])} (preferred {row['percent']:.0f} % of the time, no interval)"
    sure = 100 * max(row["direction"], 1 - row["direction"])
    ends = f"95 %: {row['percent_low']:.0f}–{row['percent_high']:.0f}"
    return f"{plain_markdown(row['property'])} (preferred {row['percent']:.0f} % of the time, {ends}; direction {sure:.1f} % sure)"


def _n(table: pd.DataFrame) -> str:
    n = int(table["n"].iloc[0])
    return f"n = {n:,} pairs." if n else "n unknown."


def listed(names: Sequence[str], most: int = 4) -> str:
    """A few names, and how many more."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
