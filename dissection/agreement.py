"""How far judges agree: percent, Cohen's kappa and Krippendorff's alpha with their intervals, and the confusion of their verdicts."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from dissection.dataset import ALL_PAIRS, PairDataset

Z_95 = 1.959963984540054
CLASSES = ("a", "tie", "b")
VERDICT_WORDS = ("A", "tie", "B")
RESAMPLES = 1000
START = 90  # characters of a query in lists of pairs
AGREEMENT_COLUMNS = (
    *("scenario", "n", "percent", "percent_low", "percent_high"),
    *("kappa", "kappa_low", "kappa_high", "alpha", "alpha_low", "alpha_high", "reason"),
)


@dataclass(frozen=True)
class Agreement:
    """How far two judges agree beyond chance.

    Attributes:
        kappa: 1 is full agreement, 0 what chance gives; NaN where it is not defined.
        low, high: the 95 % interval, within [-1, 1]; NaN where it is not defined.
        n: the pairs that both judged.
        percent: of those, the share where they gave the same verdict, from 0 to 100; NaN where n is 0.
        reason: why kappa or its interval is not defined; empty where both are.
    """

    kappa: float
    low: float
    high: float
    n: int
    percent: float
    reason: str = ""


def classes(labels: ArrayLike) -> NDArray[np.int64]:
    """Soft verdicts as three classes.

    Args:
        labels: any shape, P(A preferred) in [0, 1], NaN where missing.

    Returns:
        The same shape: 0 for A (above 0.5), 1 for a tie, 2 for B (below 0.5), -1 where missing.
    """
    found = np.asarray(labels, dtype=np.float64)
    return np.select([found > 0.5, found == 0.5, found < 0.5], [0, 1, 2], default=-1).astype(np.int64)


def cohen_kappa(labels_1: ArrayLike, labels_2: ArrayLike) -> Agreement:
    """Cohen's unweighted kappa on the pairs that both judges judged, verdicts as A, tie or B.

    The interval is kappa ± 1.96 standard errors, by the large-sample standard error of Fleiss, Cohen & Everitt (1969),
    doi:10.1037/h0028106. With few pairs it is too narrow.

    Args:
        labels_1: (pairs,) P(A preferred) in [0, 1], NaN where missing.
        labels_2: the same of the other judge.

    Raises:
        ValueError: the two have different shapes.
    """
    first, second = classes(labels_1), classes(labels_2)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"labels_1 has shape {first.shape}, labels_2 {second.shape}; both must be (pairs,)")
    both = (first >= 0) & (second >= 0)
    n = int(both.sum())
    if n == 0:
        return Agreement(math.nan, math.nan, math.nan, 0, math.nan, "no pair was judged by both")
    k = len(CLASSES)
    table = np.bincount(first[both] * k + second[both], minlength=k * k).reshape(k, k)
    shares = table / n
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    observed, expected = float(np.trace(shares)), float(rows @ columns)
    percent = 100 * observed
    # Counts, not shares: 1 - expected could come out as 1e-17 instead of 0.
    if (table.sum(axis=1) == n).any() and (table.sum(axis=0) == n).any() and np.trace(table) == n:
        return Agreement(math.nan, math.nan, math.nan, n, percent, "both judges always give the same one verdict")
    kappa = (observed - expected) / (1 - expected)
    if np.trace(table) == n:
        return Agreement(1.0, math.nan, math.nan, n, percent, "they agree on every pair, so the standard error is 0 and gives no interval")
    error = _standard_error(shares, kappa, expected, n)
    if error < 1e-12:
        return Agreement(kappa, math.nan, math.nan, n, percent, "the standard error is 0 and gives no interval")
    return Agreement(kappa, max(-1.0, kappa - Z_95 * error), min(1.0, kappa + Z_95 * error), n, percent)


def _standard_error(shares: NDArray[np.float64], kappa: float, expected: float, n: int) -> float:
    """Fleiss, Cohen & Everitt (1969), equation 13, in the form of Fleiss, Levin & Paik (2003), equations 18.15 to 18.18."""
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    diagonal = np.diag(shares)
    on = float((diagonal * (1 - (rows + columns) * (1 - kappa)) ** 2).sum())
    # The share in cell (i, j) is weighted by the marginals of the other judge's classes: p.i + pj.
    weights = (columns[:, None] + rows[None, :]) ** 2
    off = float((shares * weights).sum() - (diagonal * np.diag(weights)).sum()) * (1 - kappa) ** 2
    square = (kappa - expected * (1 - kappa)) ** 2
    return math.sqrt(max(0.0, on + off - square)) / ((1 - expected) * math.sqrt(n))


class Alpha(NamedTuple):
    """Krippendorff's alpha for verdicts as A, tie or B.

    Attributes:
        alpha: 1 is full agreement, 0 what chance gives; NaN where it is not defined.
        low, high: the 95 % interval; NaN where it is not defined.
        n: pairs that at least two of the judges judged; only these count.
        judges: those with a verdict on one of these pairs.
        reason: why alpha or its interval is not defined; empty where both are.
    """

    alpha: float
    low: float
    high: float
    n: int
    judges: int
    reason: str = ""


def krippendorff_alpha(labels: ArrayLike, resamples: int = RESAMPLES, seed: int = 0) -> Alpha:
    """Krippendorff's nominal alpha of two judges or more, with a bootstrap interval.

    Verdicts are counted by their matrix of coincidences (Krippendorff 2011, repository.upenn.edu/asc_papers/43), which adds up over pairs.
    The interval holds the 2.5 % and 97.5 % quantiles of alpha over resamples of pairs, the judges as they are; a resample in which only one
    verdict comes has no alpha and is left out.

    Args:
        labels: (pairs × judges) P(A preferred) in [0, 1], NaN where missing.
        resamples: of pairs, at least 1.
        seed: of the resamples.

    Raises:
        ValueError: the labels are not (pairs × judges).
    """
    found = classes(labels)
    if found.ndim != 2:
        raise ValueError(f"labels has shape {found.shape}; it must be (pairs × judges)")
    counts = np.stack([(found == place).sum(axis=1) for place in range(len(CLASSES))], axis=1)
    used = counts.sum(axis=1) >= 2
    n, judges = int(used.sum()), int((found[used] >= 0).any(axis=0).sum())
    if n == 0:
        return Alpha(math.nan, math.nan, math.nan, 0, 0, "no pair was judged by two of them")
    counts = counts[used]
    if (counts.sum(axis=0) > 0).sum() < 2:
        return Alpha(math.nan, math.nan, math.nan, n, judges, "only one verdict comes, so chance alone would agree as often")
    table = _coincidences(counts)
    value = float(_alphas(table[None])[0])
    if np.diag(table).sum() == counts.sum():
        return Alpha(1.0, math.nan, math.nan, n, judges, "they agree on every pair, so resamples don't scatter and give no interval")
    if n == 1:
        return Alpha(value, math.nan, math.nan, n, judges, "one pair gives no interval")
    low, high = np.nanquantile(_resampled_alphas(counts, resamples, seed), [0.025, 0.975])
    return Alpha(value, float(low), float(high), n, judges)


def _coincidences(counts: NDArray[np.int64], times: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
    """(… × 3 × 3) from (pairs × 3) counts of verdicts, each pair taken so many `times` (… × pairs)."""
    each = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(counts.shape[1])
    each = each / (counts.sum(axis=1) - 1)[:, None, None]
    if times is None:
        return np.asarray(each.sum(axis=0))
    return np.asarray((times @ each.reshape(len(counts), -1)).reshape(*times.shape[:-1], *each.shape[1:]))


def _resampled_alphas(counts: NDArray[np.int64], resamples: int, seed: int) -> NDArray[np.float64]:
    """(resamples,); NaN where only one verdict comes. Pairs with the same verdicts are drawn together."""
    kinds, frequency = np.unique(counts, axis=0, return_counts=True)
    times = np.random.default_rng(seed).multinomial(len(counts), frequency / len(counts), size=resamples)
    return _alphas(_coincidences(kinds, times))


def _alphas(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of matrices of coincidences (… × 3 × 3); NaN where only one verdict comes."""
    total = table.sum(axis=(1, 2))
    observed = total - np.trace(table, axis1=1, axis2=2)
    expected = (total**2 - (table.sum(axis=2) ** 2).sum(axis=1)) / (total - 1)
    return np.asarray(1 - np.divide(observed, expected, out=np.full(len(table), np.nan), where=expected > 1e-9))


def agreement_frame(dataset: PairDataset, first: str, second: str, resamples: int = RESAMPLES, seed: int = 0) -> pd.DataFrame:
    """How far two judges agree, over all pairs and in each scenario.

    Args:
        dataset: with pairs.
        first: name of a judge.
        second: name of another.
        resamples: for alpha's interval, see `krippendorff_alpha`.
        seed: of these.

    Returns:
        `AGREEMENT_COLUMNS`, one row for all pairs (`scenario` is `ALL_PAIRS`), then one a scenario where there are several. `percent` is
        the share of the same verdict with its 95 % Wilson interval; kappa and alpha with theirs; `reason` says what is not defined and why.

    Raises:
        UnknownNameError: a judge that is not in the dataset.
    """
    labels = dataset.labels[:, [dataset.judge_index(first), dataset.judge_index(second)]]
    rows = [_agreement_row(ALL_PAIRS, labels, resamples, seed)]
    if len(dataset.scenarios) > 1:
        rows += [_agreement_row(group.name, labels[dataset.members(group)], resamples, seed) for group in dataset.scenarios]
    return pd.DataFrame(rows, columns=list(AGREEMENT_COLUMNS))


def _agreement_row(scenario: str, labels: NDArray[np.float64], resamples: int, seed: int) -> tuple[str | int | float, ...]:
    kappa, alpha = cohen_kappa(labels[:, 0], labels[:, 1]), krippendorff_alpha(labels, resamples, seed)
    low, high = (100 * float(end) for end in wilson(kappa.percent / 100, kappa.n))
    if kappa.n == 0:
        reason = kappa.reason
    else:
        reason = "; ".join(f"{name}: {why}" for name, why in (("kappa", kappa.reason), ("alpha", alpha.reason)) if why)
    return (
        scenario, kappa.n, kappa.percent, float(low), float(high),
        kappa.kappa, kappa.low, kappa.high, alpha.alpha, alpha.low, alpha.high, reason,
    )  # fmt: skip


def wilson(share: ArrayLike, n: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 95 % interval of a share in [0, 1] (Wilson 1927, doi:10.1080/01621459.1927.10502953), elementwise; NaN where n is 0."""
    of, size = np.asarray(share, dtype=np.float64), np.where(np.asarray(n) > 0, n, np.nan)
    centre = (of + Z_95**2 / (2 * size)) / (1 + Z_95**2 / size)
    half = Z_95 / (1 + Z_95**2 / size) * np.sqrt(of * (1 - of) / size + Z_95**2 / (4 * size**2))
    return np.asarray(np.clip(centre - half, 0, 1)), np.asarray(np.clip(centre + half, 0, 1))


def confusion(labels_1: ArrayLike, labels_2: ArrayLike) -> pd.DataFrame:
    """Which verdicts of one judge go with which of the other, on the pairs that both judged.

    Args:
        labels_1: (pairs,) P(A preferred) in [0, 1], NaN where missing.
        labels_2: the same of the other judge.

    Returns:
        Nine rows, A, tie and B of the first outermost: `first`, `second`, `count`, `n` (the row's pairs: where the first judge said so),
        `percent` (count of n), `low`, `high` (its 95 % Wilson interval). NaN where the first judge never said so.
    """
    first, second = classes(labels_1), classes(labels_2)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"labels_1 has shape {first.shape}, labels_2 {second.shape}; both must be (pairs,)")
    both = (first >= 0) & (second >= 0)
    k = len(CLASSES)
    table = np.bincount(first[both] * k + second[both], minlength=k * k).reshape(k, k)
    count, n = table.ravel(), np.repeat(table.sum(axis=1), k)
    share = np.divide(count, n, out=np.full(k * k, np.nan), where=n > 0)
    low, high = wilson(share, n)
    words = {"first": np.repeat(VERDICT_WORDS, k), "second": np.tile(VERDICT_WORDS, k)}
    return pd.DataFrame({**words, "count": count, "n": n, "percent": 100 * share, "low": 100 * low, "high": 100 * high})


def pair_columns(dataset: PairDataset, rows: NDArray[np.intp]) -> pd.DataFrame:
    """What a list of pairs starts with: `row` (of the dataset), `pair_id`, `scenario`, `query` (its start, on one line; None without)."""
    part = dataset.pairs.iloc[rows]
    starts = [" ".join(text.split()) if isinstance(text, str) else None for text in part["query"]]
    return pd.DataFrame(
        {
            "row": np.asarray(rows, dtype=int),
            "pair_id": [str(name) for name in part.index],
            "scenario": part["scenario"].astype(str).to_numpy(),
            "query": pd.Series([_cut(text) for text in starts], dtype=object),
        }
    )


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= START else text[: START - 1] + "…"
