"""Checks of each judge's verdicts: missing, tied, soft, one-sided, changed by the order, or the same as another judge's."""

import numpy as np

from dissection.dataset import BoolArray
from dissection.doctor.finding import MOST_EXAMPLES, Example, Finding, names, percent
from dissection.doctor.view import View
from dissection.wording import count

FEW_VERDICTS = 20
MANY_FLIPS = 20.0  # in %


def silent_judges(view: View) -> Finding | None:
    """Judges without any verdict."""
    judges = view.dataset.judge_names
    heard = np.asarray(view.known.any(axis=0))
    silent = [name for name, known in zip(judges, heard, strict=True) if not known]
    if not silent:
        return None
    return Finding(
        "silent-judges",
        "problem",
        f"{count(len(silent), 'judge')} {'has' if len(silent) == 1 else 'have'} no verdict on any pair: {names(silent)}",
        "Nothing can be fitted for a judge without verdicts.",
        len(silent),
        percent(len(silent), len(judges)),
        "judge",
        tuple(Example("", name, name) for name in silent[:MOST_EXAMPLES]),
        "check that the labels were written as a, b or tie, or leave the judge out",
    )


def missing_labels(view: View) -> Finding | None:
    """Pairs without a verdict of some judge; judges without any are another matter."""
    missing = ~view.known & view.known.any(axis=0)
    sizes = missing.sum(axis=0)
    if not sizes.any():
        return None
    judges, total = int((sizes > 0).sum()), missing.size
    return Finding(
        "missing-labels",
        "odd",
        f"{count(int(sizes.sum()), 'verdict')} of {total:,} {'is' if sizes.sum() == 1 else 'are'} missing, of {judges} of "
        f"{count(len(sizes), 'judge')}",
        "A judge is fitted on the pairs that it judged. If it passed over the hard ones, its weights hold for the easy ones.",
        int(sizes.sum()),
        percent(int(sizes.sum()), total),
        "verdict",
        view.judge_examples(missing, lambda column: f"{sizes[column]:,} of {view.n:,}", sizes),
        "add the missing labels, or compare judges on the pairs that all of them judged",
    )


def ties(view: View) -> Finding | None:
    """Verdicts that prefer neither answer."""
    tied = np.asarray(view.dataset.labels == 0.5)
    sizes, known = tied.sum(axis=0), view.known.sum(axis=0)
    if not sizes.any():
        return None
    split = int((tied & (np.nan_to_num(view.dataset.verdicts, nan=0.5) != 0.5).any(axis=2)).sum())
    return Finding(
        "ties",
        "fact",
        f"{count(int(sizes.sum()), 'verdict')} of {int(known.sum()):,} {'is a tie' if sizes.sum() == 1 else 'are ties'}"
        + (f", {split:,} of them because the two orders cancel out" if split else ""),
        "Ties are used: they draw weights towards indifference.",
        int(sizes.sum()),
        percent(int(sizes.sum()), int(known.sum())),
        "verdict",
        view.judge_examples(tied, lambda column: f"{sizes[column]:,} of {known[column]:,}", sizes / np.maximum(known, 1)),
    )


def soft_verdicts(view: View) -> Finding | None:
    """Verdicts that are probabilities."""
    given = view.dataset.verdicts
    soft = np.asarray((~np.isnan(given) & (given != 0) & (given != 0.5) & (given != 1)).any(axis=2))
    sizes, known = soft.sum(axis=0), view.known.sum(axis=0)
    if not sizes.any():
        return None
    return Finding(
        "soft-verdicts",
        "fact",
        f"{count(int(sizes.sum()), 'verdict')} of {int(known.sum()):,} {'is a probability' if sizes.sum() == 1 else 'are probabilities'} "
        "instead of a side",
        "They are used as they are: 0.9 counts as nine times A and once B.",
        int(sizes.sum()),
        percent(int(sizes.sum()), int(known.sum())),
        "verdict",
        view.judge_examples(soft, lambda column: f"{sizes[column]:,} of {known[column]:,}", sizes),
    )


def _one_sided(view: View) -> BoolArray:
    """(judges,) always A or always B, over at least two verdicts."""
    counted = view.known.sum(axis=0)
    return np.asarray((counted > 1) & (np.abs(np.nansum(view.signs, axis=0)) == counted))


def one_sided_judges(view: View) -> Finding | None:
    """Judges that always prefer the same side."""
    columns = [int(column) for column in np.flatnonzero(_one_sided(view))]
    if not columns:
        return None
    judges, sizes = view.dataset.judge_names, view.known.sum(axis=0)

    def said(column: int) -> str:
        return (
            f"{judges[column]} always says {'A' if np.nansum(view.signs[:, column]) > 0 else 'B'} ({count(int(sizes[column]), 'verdict')})"
        )

    return Finding(
        "one-sided-judges",
        "problem",
        names(said(column) for column in columns),
        "Its weights only say on which properties that side has more.",
        int(sizes[columns].sum()),
        percent(int(sizes[columns].sum()), int(sizes.sum())),
        "verdict",
        tuple(
            Example(view.pair_id(int(view.known[:, column].argmax())), said(column), judges[column]) for column in columns[:MOST_EXAMPLES]
        ),
        "check that the labels were read rightly; shuffle the sides of the answers if the better one was always put there",
    )


def flips(view: View) -> Finding | None:
    """Verdicts that change with the order in which the answers are shown."""
    verdicts = view.dataset.verdicts
    twice = np.asarray(~np.isnan(verdicts).any(axis=2))
    flipped = twice & np.asarray(np.sign(verdicts[..., 0] - 0.5) != np.sign(verdicts[..., 1] - 0.5))
    asked, sizes = twice.sum(axis=0), flipped.sum(axis=0)
    if not sizes.any():
        return None
    shares = 100 * sizes / np.maximum(asked, 1)
    unsteady, judges = int(((shares >= MANY_FLIPS) & (asked >= FEW_VERDICTS)).sum()), int((asked > 0).sum())
    changed = "changes" if sizes.sum() == 1 else "change"
    said = f"{count(int(sizes.sum()), 'verdict')} of {int(asked.sum()):,} {changed} when the answers are swapped"
    if unsteady:
        said += f", on at least {MANY_FLIPS:.0f} % of pairs for {unsteady} of {count(judges, 'judge')} asked twice"
    return Finding(
        "order-flips",
        "odd" if unsteady else "fact",
        said,
        "Such a verdict says where the answer stood, not how good it was. It counts as a tie between the orders.",
        int(sizes.sum()),
        percent(int(sizes.sum()), int(asked.sum())),
        "verdict",
        view.judge_examples(flipped, lambda column: f"{shares[column]:.0f} % of {asked[column]:,}", shares),
        "ask every judge in both orders; read the weights of unsteady judges with their position bias beside them" if unsteady else "",
    )


def copied_judges(view: View) -> Finding | None:
    """Judges that give the same verdict as another on every pair that both judged."""
    judges, labels = view.dataset.judge_names, view.dataset.labels
    known, signs = view.known.astype(np.float32), np.nan_to_num(view.signs).astype(np.float32)
    both, sizes = known.T @ known, (signs**2).T @ known
    # The squared distance of two judges over the pairs that both judged: whole numbers, so 0 is exact.
    apart = sizes + sizes.T - 2 * signs.T @ signs
    # A judge who knows but one side is like any other of that kind.
    varied = np.ptp(np.nan_to_num(view.signs), axis=0) > 0 if view.n else np.zeros(len(judges), dtype=bool)
    varied &= ~_one_sided(view)
    candidates = np.argwhere(np.triu((apart == 0) & (both >= FEW_VERDICTS), 1) & np.outer(varied, varied))
    same = []
    for i, j in candidates:
        shared = view.known[:, i] & view.known[:, j]
        if (labels[shared, i] == labels[shared, j]).all():
            same.append((int(i), int(j), int(shared.sum()), int(shared.argmax())))
    if not same:
        return None
    rows = sum(shared for _, _, shared, _ in same)
    return Finding(
        "copied-judges",
        "odd",
        f"{len(same)} {'pair of judges gives' if len(same) == 1 else 'pairs of judges give'} the same verdicts wherever both judged: "
        f"{names((f'{judges[i]} = {judges[j]} ({shared:,})' for i, j, shared, _ in same), 4)}",
        "Two independent judges hardly ever agree on everything: one may be a copy of the other, or made from it.",
        rows,
        percent(rows, int(np.triu(both, 1).sum())),
        "verdict",
        tuple(
            Example(view.pair_id(row), f"{judges[i]} = {judges[j]} on {count(shared, 'pair')}", judges[i])
            for i, j, shared, row in same[:MOST_EXAMPLES]
        ),
        "check where the labels come from; leave one of them out of similarities and clusters",
    )


CHECKS = (silent_judges, one_sided_judges, missing_labels, copied_judges, flips, ties, soft_verdicts)
