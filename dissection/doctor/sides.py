"""Checks of who wins: always the same side, or always the longer answer."""

import numpy as np
from scipy.stats import binomtest

from dissection.agreement import wilson
from dissection.doctor.finding import Finding, percent
from dissection.doctor.verdicts import FEW_VERDICTS
from dissection.doctor.view import View
from dissection.wording import count

SURE = 0.001
UNEVEN = 60.0  # in %: how often one side must win to be odd
EXTREME = 75.0  # in %: how often the longer answer must win (or lose) to be odd


def _with_interval(wins: int, n: int) -> str:
    low, high = (100 * float(end) for end in wilson(wins / n, n))
    return f"{percent(wins, n):.0f} % (95 %: {low:.0f}–{high:.0f}) of {count(n, 'verdict')}"


def winning_side(view: View) -> Finding | None:
    """One side that wins more pairs than chance would give it; a pair is won by the mean verdict of its judges."""
    known = view.known.any(axis=1)
    total = np.where(view.known, view.dataset.labels - 0.5, 0.0).sum(axis=1)
    # Sums of soft verdicts that cancel out may leave a rest of rounding.
    signs = np.where(known & (np.abs(total) > 1e-9), np.sign(total), 0.0)
    wins_a, wins_b = int((signs > 0).sum()), int((signs < 0).sum())
    n, most = wins_a + wins_b, max(wins_a, wins_b)
    if not n or binomtest(most, n).pvalue >= SURE:
        return None
    side, share = "A" if wins_a > wins_b else "B", percent(most, n)
    won = "every one" if most == n else f"{most:,}"
    return Finding(
        "winning-side",
        "odd" if share >= UNEVEN else "fact",
        f"Answer {side} wins {won} of {count(n, 'decided pair')} ({share:.1f} %); by chance that happens less than once in a thousand "
        "(binomial test)",
        "If one side holds a certain model, or the better answer, what sets that side apart looks like what judges want.",
        most,
        share,
        examples=view.examples(np.flatnonzero(signs == (1 if side == "A" else -1)), view.query_excerpt),
        remedy="shuffle which answer is A, unless each side stands for something, such as people and models",
    )


def longer_wins(view: View) -> Finding | None:
    """How often the longer answer is preferred, by each judge."""
    longer = np.sign(view.lengths[:, :1] - view.lengths[:, 1:])
    gain = np.nan_to_num(longer * view.signs)
    wins, losses = (gain > 0).sum(axis=0), (gain < 0).sum(axis=0)
    decided = wins + losses
    n, won = int(decided.sum()), int(wins.sum())
    if not n:
        return None
    shares = 100 * wins / np.maximum(decided, 1)
    extreme = ((shares >= EXTREME) | (shares <= 100 - EXTREME)) & (decided >= FEW_VERDICTS)
    judges = int(extreme.sum())
    said = f"The longer answer wins {_with_interval(won, n)}"
    if judges:
        said += f"; for {judges} of {count(len(shares), 'judge')} at least {EXTREME:.0f} % or at most {100 - EXTREME:.0f} %"
    # The judges with the clearest leaning first; those with a handful of verdicts last.
    order = np.where(decided >= FEW_VERDICTS, np.abs(shares - 50), -1.0)
    return Finding(
        "length-wins",
        "odd" if judges else "fact",
        said,
        f"Where length alone decides (from {EXTREME:.0f} % on, or below {100 - EXTREME:.0f} %), other properties that come with length look "
        "wanted or unwanted too. Verdicts of several judges on one pair depend on each other, so the interval over all is rather narrow.",
        won,
        percent(won, n),
        "verdict",
        view.judge_examples(
            (gain > 0) | (gain < 0), lambda column: f"longer wins {_with_interval(int(wins[column]), int(decided[column]))}", order
        ),
        "keep length among the properties, and compare with length alone on the Scores page" if judges else "",
    )


CHECKS = (winning_side, longer_wins)
