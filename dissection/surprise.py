"""Which pairs to read first: verdicts that the fit did not expect, pairs that divide the judges, and pairs that come nearly twice."""

import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from dissection.agreement import VERDICT_WORDS, classes, pair_columns, wilson
from dissection.dataset import TEXT_COLUMNS, BoolArray, FloatArray, Group, PairDataset
from dissection.regression.folds import IntArray
from dissection.regression.held_out import mean_sigmoid
from dissection.regression.metrics import hits, log_losses
from dissection.regression.posterior import Posterior
from dissection.regression.scores import Score

TOP = 100
UNLIKELY = 20.0
THRESHOLD = 0.9
MOST_COMPARED = 5000
BLOCK = 500
WORD = re.compile(r"\w")


class Foretold(NamedTuple):
    """What a fit expected of each of a judge's verdicts in a group.

    Attributes:
        frame: one row a pair with a verdict: `row` (of the dataset), `verdict` (A, tie or B), `predicted` (P(A preferred) in %, the mean
            over the orders that were asked), `chance` (in %: what the fit gave this verdict, see `_chance`), `side` (1: the prediction is
            on the verdict's side of 50 %, 0: on the other, 1/2: one of them takes no side).
        source: "held out": each prediction by a fit that has not seen the pair or any of its query; "own fit": by the posterior of the fit
            that has seen it; "" where there is none.
        reason: why it is not held out; empty where it is.
    """

    frame: pd.DataFrame
    source: str
    reason: str = ""


class Duplicates(NamedTuple):
    """Pairs that come nearly twice.

    Attributes:
        frame: see `near_duplicates`.
        found: couples above the threshold; the frame holds the most alike of them.
        compared: pairs whose texts were compared with each other.
        total: pairs of the group with texts.
        reason: why nothing was compared; empty where something was.
    """

    frame: pd.DataFrame
    found: int
    compared: int
    total: int
    reason: str = ""


def foretell(dataset: PairDataset, score: Score, posterior: Posterior) -> Foretold:
    """What was expected of a judge's verdicts: held out where the judge is scored, else by its own posterior predictive.

    Args:
        dataset: that both are of.
        score: of the judge in the group.
        posterior: of the same.
    """
    if score.status == "scored":
        part = score.predictions
        return Foretold(_by_pair(part["pair"], part["y"], part["explanation"]), "held out")
    if posterior.status != "fitted":
        return Foretold(_by_pair([], [], []), "", score.reason or posterior.status)
    rows = np.flatnonzero(dataset.members(posterior.group) & dataset.assessed)
    verdicts = dataset.verdicts[rows, dataset.judge_index(posterior.judge)]
    place, order = np.nonzero(~np.isnan(verdicts))
    comparisons, bias = dataset.comparisons[rows][place], posterior.position_bias
    mean, variance = comparisons @ posterior.mean, ((comparisons @ posterior.covariance) * comparisons).sum(axis=1)
    if bias is not None:
        mean, variance = mean + np.where(order == 0, 1.0, -1.0) * bias.mean, variance + bias.sd**2
    return Foretold(_by_pair(rows[place], verdicts[place, order], mean_sigmoid(mean, np.maximum(variance, 0))), "own fit", score.reason)


def _by_pair(row: Any, y: Any, p: Any) -> pd.DataFrame:
    """One row a pair from one a verdict: the mean over its orders."""
    each = pd.DataFrame({"row": row, "y": y, "p": p}).astype({"row": int, "y": float, "p": float})
    each["chance"] = _chance(each["p"].to_numpy(), each["y"].to_numpy())
    mean = each.groupby("row", sort=True).mean()
    label, predicted = mean["y"].to_numpy(), mean["p"].to_numpy()
    return pd.DataFrame(
        {
            "row": mean.index.to_numpy(),
            "verdict": [VERDICT_WORDS[place] for place in classes(label)],
            "predicted": 100 * predicted,
            "chance": 100 * np.exp(mean["chance"].to_numpy()),
            "side": hits(predicted, label),
        }
    )


def _chance(p: FloatArray, y: FloatArray) -> FloatArray:
    """Minus the Kullback-Leibler divergence of the verdict y from the prediction p: log P(verdict) where y is 0 or 1.

    For ties and soft verdicts it is the log likelihood less the best that any prediction could have, so that a tie which was predicted
    with 50 % counts as expected.
    """
    return np.asarray(log_losses(y, y) - log_losses(p, y))


def surprising(dataset: PairDataset, found: Foretold, top: int = TOP) -> pd.DataFrame:
    """The verdicts that were expected least, first.

    Returns:
        `row`, `pair_id`, `scenario`, `query`, `verdict`, `predicted`, `chance`; at most `top` rows.
    """
    part = found.frame.sort_values("chance", kind="stable").head(top)
    columns = ["verdict", "predicted", "chance"]
    return pair_columns(dataset, part["row"].to_numpy(dtype=np.intp)).join(part[columns].reset_index(drop=True))


def unlikely(found: Foretold, below: float = UNLIKELY) -> tuple[int, float]:
    """How many verdicts came that the fit gave less than `below` %, and how many of them it expected itself."""
    sided = found.frame[found.frame["side"] != 0.5]
    predicted = sided["predicted"].to_numpy(dtype=float)
    risk = np.minimum(predicted, 100 - predicted)
    far = risk < below
    return int(((sided["side"] == 0).to_numpy() & far).sum()), float(risk[far].sum() / 100)


def contested(dataset: PairDataset, group: Group, top: int = TOP) -> pd.DataFrame:
    """The pairs that divide the judges most, first.

    A pair's measure is the share of its judges outside the largest camp of A, tie and B. Pairs are sorted by the lower end of its 95 %
    Wilson interval, as if the judges were drawn from many, so that a split of two judges does not come before one of twenty.

    Returns:
        `row`, `pair_id`, `scenario`, `query`; `a`, `tie`, `b` (judges), `n` (their sum); `outside`, `low`, `high` in %. Only pairs with two
        verdicts or more that are not all the same; at most `top` rows.
    """
    rows = np.flatnonzero(dataset.members(group))
    verdicts = classes(dataset.labels[rows])
    camps = np.stack([(verdicts == place).sum(axis=1) for place in range(len(VERDICT_WORDS))], axis=1)
    n = camps.sum(axis=1)
    divided = camps.max(axis=1, initial=0) < n
    rows, camps, n = rows[divided], camps[divided], n[divided]
    outside = 1 - camps.max(axis=1, initial=0) / n
    low, high = wilson(outside, n)
    order = np.lexsort((-outside, -low))[:top]
    frame = pair_columns(dataset, rows[order])
    for place, name in enumerate(("a", "tie", "b")):
        frame[name] = camps[order, place]
    return frame.assign(n=n[order], outside=100 * outside[order], low=100 * low[order], high=100 * high[order])


def near_duplicates(
    dataset: PairDataset, group: Group, judge: str, threshold: float = THRESHOLD, most: int = MOST_COMPARED, top: int = TOP
) -> Duplicates:
    """Pairs whose query and answers are nearly those of another pair, in either place: the cosine of TF-IDF vectors of their words.

    Args:
        dataset: with texts.
        group: only pairs of this group are compared, with each other.
        judge: whose verdicts on both are set side by side.
        threshold: the least cosine, above 0 and at most 1.
        most: pairs that are compared; of larger groups these are the first, as the work grows with the square.
        top: rows that are given.

    Returns:
        `frame`, the most alike first: `row`, `pair_id`, `scenario`, `query` of the first pair; `other_row`, `other` (pair_id); `cosine`;
        `swapped` (the answers have changed places); `verdict`, `other_verdict` (None without one); `same` (whether they agree once places
        are allowed for; None without both).
    """
    members, texts, total = _readable(dataset, group, most)
    if total < 2:
        nothing, reason = np.empty(0, dtype=np.intp), "no pair here has texts" if total == 0 else "only one pair here has texts"
        return Duplicates(_couples(dataset, judge, nothing, nothing, np.empty(0), np.empty(0, dtype=bool)), 0, 0, total, reason)
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(token_pattern=r"\w+", sublinear_tf=True, dtype=np.float32)  # noqa: S106 (no password)
    first, second, cosine, found = _alike(words.fit_transform("\n".join(of_pair) for of_pair in texts), threshold, top)
    a, b = (words.transform([of_pair[place] for of_pair in texts]) for place in (1, 2))

    def together(one: Any, other: Any) -> FloatArray:
        return np.asarray(one[first].multiply(other[second]).sum(axis=1), dtype=float).ravel()

    swapped = np.asarray(together(a, b) + together(b, a) > together(a, a) + together(b, b) + 1e-6)
    return Duplicates(_couples(dataset, judge, members[first], members[second], cosine, swapped), found, len(members), total)


def _readable(dataset: PairDataset, group: Group, most: int) -> tuple[IntArray, list[tuple[str, ...]], int]:
    """The first `most` pairs of a group whose texts have a word: their rows and texts (query, A, B), and how many there are in all."""
    rows, kept, total = [], [], 0
    # Read one by one, as all texts need not fit into memory.
    for row, (inside, *texts) in enumerate(zip(dataset.members(group), *map(dataset.texts, TEXT_COLUMNS), strict=True)):
        if inside and any(text and WORD.search(text) for text in texts):
            total += 1
            if total <= most:
                rows.append(row)
                kept.append(tuple(text or "" for text in texts))
    return np.array(rows, dtype=np.intp), kept, total


def _alike(vectors: Any, threshold: float, top: int) -> tuple[IntArray, IntArray, FloatArray, int]:
    """Places of the couples of rows with a cosine of at least `threshold`, the `top` most alike first, and how many there are.

    Args:
        vectors: sparse (pairs × words), each row of length 1.
        threshold: the least cosine.
        top: couples that are given.
    """
    kept: list[FloatArray] = [np.empty((3, 0))]
    found = 0
    for start in range(0, vectors.shape[0], BLOCK):
        block = (vectors[start : start + BLOCK] @ vectors[start:].T).tocoo()
        # Rounding in single precision must not part two copies.
        near = (block.data >= threshold - 1e-5) & (block.col > block.row)
        couples = np.stack([block.row[near] + start, block.col[near] + start, np.minimum(block.data[near], 1.0)]).astype(float)
        found += couples.shape[1]
        kept = [np.concatenate([*kept, couples], axis=1)]
        kept = [kept[0][:, np.lexsort((kept[0][1], kept[0][0], -kept[0][2]))[:top]]]
    first, second, cosine = kept[0]
    return first.astype(np.intp), second.astype(np.intp), cosine, found


def _couples(dataset: PairDataset, judge: str, first: IntArray, second: IntArray, cosine: FloatArray, swapped: BoolArray) -> pd.DataFrame:
    labels = dataset.labels[:, dataset.judge_index(judge)]
    one, other = classes(labels[first]), classes(labels[second])
    turned = np.where(swapped & (other >= 0), 2 - other, other)
    known = (one >= 0) & (other >= 0)
    words = [*VERDICT_WORDS, None]
    return pair_columns(dataset, first).assign(
        other_row=second.astype(int),
        other=[str(name) for name in dataset.pairs.index[second]],
        cosine=cosine,
        swapped=np.asarray(swapped, dtype=bool),
        verdict=pd.Series([words[place] for place in one], dtype=object),
        other_verdict=pd.Series([words[place] for place in other], dtype=object),
        same=pd.Series([bool(agree) if both else None for agree, both in zip(one == turned, known, strict=True)], dtype=object),
    )
