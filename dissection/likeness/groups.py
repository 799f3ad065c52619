"""Are judges of one kind more alike than judges of different kinds? Mean similarities within and between groups, with a permutation test.

The test permutes which judge is in which group: a mean over pairs of judges has far fewer independent parts than pairs (Mantel 1967, and
as analysis of similarities Clarke 1993, doi:10.1111/j.1442-9993.1993.tb00438.x; the p-value as in Phipson & Smyth 2010,
doi:10.2202/1544-6115.1585).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dissection.agreement import Z_95
from dissection.dataset import FloatArray
from dissection.errors import InputError, UnknownNameError
from dissection.judges import Judge
from dissection.regression.folds import IntArray
from dissection.similarity import known_mean

PERMUTATIONS = 9_999
NO_RESAMPLES = "no intervals: no resamples"
CHUNK = 500  # permutations at once; bounds the memory
KINDS = ("size", "family", "aligned", "provider")
GROUP_COLUMNS = (
    "what",
    "group",
    "other",
    "judges",
    "pairs",
    "mean",
    "mean_low",
    "mean_high",
    "contrast",
    "low",
    "high",
    "p",
    "permutations",
    "remark",
)


@dataclass(frozen=True, eq=False)
class Grouping:
    """Judges in groups.

    Attributes:
        by: what they are grouped by, for titles.
        groups: judge → group.
        left_out: judge → why it is in no group.
    """

    by: str
    groups: Mapping[str, str]
    left_out: Mapping[str, str]


def group_judges(judges: Sequence[Judge], by: str) -> Grouping:
    """Judges by a kind of their own metadata.

    Closed models and people are in no group by size or by alignment: neither their size nor a base version of them is known.

    Args:
        judges: see `judges.py`.
        by: one of `KINDS`.

    Raises:
        UnknownNameError: another kind.
    """
    if by not in KINDS:
        raise UnknownNameError(f"Judges can't be grouped by {by!r}.", accepted=f"{', '.join(KINDS)}, or a column of your own metadata")
    groups, left_out = {}, {}
    for judge in judges:
        if by == "size":
            group, reason = (judge.size_class if judge.size_class != "other" else None), "size unknown or in neither class"
        elif by == "aligned":
            group, reason = (None if judge.size is None or judge.aligned is None else judge.alignment), "not known to be an open model"
        else:
            group, reason = (judge.family if by == "family" else judge.provider), f"{by} unknown"
        if group is None:
            left_out[judge.name] = reason
        else:
            groups[judge.name] = group
    return Grouping(by, groups, left_out)


def compare_groups(
    similarity: pd.DataFrame,
    groups: Mapping[str, str],
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    resampled: FloatArray | None = None,
) -> pd.DataFrame:
    """Mean similarities within and between groups, and whether within is higher.

    Args:
        similarity: judges × judges; NaN where unknown.
        groups: judge → group; other judges are left out.
        permutations: how many are drawn at random; where there are no more distinct ones, all of them are taken.
        seed: of the draws.
        resampled: (resamples × judges × judges) similarities of bootstrap refits (`likeness/support.py`), for the intervals; None: there are none.

    Returns:
        `GROUP_COLUMNS`, one row each: "within" a group, "between" two of them, and "all" over all groups. `pairs` of judges, and their
        `mean` similarity with the 95 % interval that other queries, as many, would give. For "between" and "all" the `contrast` (mean
        within these groups less mean between them), its 95 % interval `low` to `high`, and `p`, the share of labellings with at least
        this contrast (one-sided).

    Raises:
        InputError: fewer than two groups, or a negative number of permutations.
    """
    names = [name for name in similarity.index if name in groups]
    labels, kinds = pd.factorize(np.array([groups[name] for name in names], dtype=object), sort=True)
    if len(kinds) < 2:
        raise InputError(
            f"The judges are in {len(kinds)} group{'s' if len(kinds) != 1 else ''}.",
            accepted="at least two groups, one of them with two judges",
            remedy="group them by something else",
        )
    if permutations < 1:
        raise InputError(f"The number of permutations is {permutations}.", accepted="1 or more")
    table = similarity.loc[names, names].to_numpy(dtype=float)
    places = similarity.index.get_indexer(pd.Index(names))
    draws = None if resampled is None else resampled[:, places[:, None], places]
    rows = [_within(table, labels, number, str(kind), draws) for number, kind in enumerate(kinds)]
    for one, other in combinations(range(len(kinds)), 2):
        part = np.flatnonzero((labels == one) | (labels == other))
        block = None if draws is None else draws[:, part[:, None], part]
        row = _contrast(table[np.ix_(part, part)], labels[part], permutations, seed, block)
        rows.append({"what": "between", "group": str(kinds[one]), "other": str(kinds[other]), **row})
    if len(kinds) > 2:
        rows.append({"what": "all", "group": "", "other": "", **_contrast(table, labels, permutations, seed, draws)})
    return pd.DataFrame(rows, columns=list(GROUP_COLUMNS))


def _within(table: FloatArray, labels: IntArray, number: int, kind: str, draws: FloatArray | None) -> dict[str, object]:
    members = np.flatnonzero(labels == number)
    rows, columns = (members[side] for side in np.triu_indices(len(members), 1))
    values = table[rows, columns]
    known = values[~np.isnan(values)]
    remark = "" if draws is not None else NO_RESAMPLES
    if not len(known):
        remark = "one judge, so no pair within" if len(members) == 1 else "no similarity known"
    return {
        "what": "within",
        "group": kind,
        "other": kind,
        "judges": len(members),
        "pairs": len(known),
        "mean": float(known.mean()) if len(known) else math.nan,
        **_interval("mean_low", "mean_high", known, draws, rows, columns),
        "remark": remark,
    }


def _interval(low: str, high: str, known: FloatArray, draws: FloatArray | None, rows: IntArray, columns: IntArray) -> dict[str, object]:
    """The 95 % interval of a mean similarity over these pairs of judges; empty where there are no resamples."""
    if draws is None or not len(known):
        return {}
    # Refits of resamples are noisier than the fit, which lowers all similarities: their spread is used, not their level.
    half = Z_95 * float(np.nanstd(known_mean(draws[:, rows, columns].T), ddof=1))
    return {low: float(known.mean()) - half, high: float(known.mean()) + half}


def _contrast(table: FloatArray, labels: IntArray, permutations: int, seed: int, draws: FloatArray | None) -> dict[str, object]:
    rows, columns = np.triu_indices(len(labels), 1)
    values = table[rows, columns]
    known = ~np.isnan(values)
    rows, columns, values = rows[known], columns[known], values[known]
    same = labels[rows] == labels[columns]
    contrast = float(_difference(values, same[None])[0])
    result: dict[str, object] = {
        "judges": len(labels),
        "pairs": int((~same).sum()),
        "mean": float(values[~same].mean()) if (~same).any() else math.nan,
        **_interval("mean_low", "mean_high", values[~same], draws, rows[~same], columns[~same]),
        "contrast": contrast,
        "remark": "" if draws is not None else NO_RESAMPLES,
    }
    if math.isnan(contrast):
        result["remark"] = "no pair of judges within these groups" if not same.any() else "no similarity between these groups"
        return result
    p, count = _p_value(values, rows, columns, labels, contrast, permutations, seed)
    result |= {"p": p, "permutations": count}
    if draws is None:
        return result
    found = _difference(draws[:, rows, columns], np.broadcast_to(same, (len(draws), len(same))))
    half = Z_95 * float(np.nanstd(found, ddof=1))
    return result | {"low": contrast - half, "high": contrast + half}


def _difference(values: FloatArray, same: NDArray[np.bool_]) -> FloatArray:
    """(B,) mean over pairs in one group less mean over the others; `values` (pairs,) or (B × pairs), `same` (B × pairs)."""
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    inside, outside = (same & known).sum(axis=1), (~same & known).sum(axis=1)
    total, within = np.broadcast_to(filled, same.shape).sum(axis=1), (same * filled).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(within / inside - (total - within) / outside)


def _p_value(
    values: FloatArray, rows: IntArray, columns: IntArray, labels: IntArray, contrast: float, permutations: int, seed: int
) -> tuple[float, int]:
    """The p-value, and how many labellings it rests on."""
    sizes = np.bincount(labels)
    distinct = math.factorial(len(labels)) // math.prod(math.factorial(int(size)) for size in sizes)
    exact = distinct <= permutations
    reached = 0
    labellings = _every(sizes) if exact else _random(labels, permutations, seed)
    for chunk in labellings:
        found = _difference(values, chunk[:, rows] == chunk[:, columns])
        # Sums in another order differ in their last digits. A labelling without pairs within says nothing against chance.
        reached += int((~(found < contrast - 1e-12)).sum())
    return (reached / distinct, distinct) if exact else ((reached + 1) / (permutations + 1), permutations)


def _random(labels: IntArray, count: int, seed: int) -> Iterator[IntArray]:
    rng = np.random.default_rng(seed)
    for start in range(0, count, CHUNK):
        yield rng.permuted(np.tile(labels, (min(CHUNK, count - start), 1)), axis=1)


def _every(sizes: IntArray) -> Iterator[IntArray]:
    """All distinct labellings with groups of these sizes."""

    def fill(free: tuple[int, ...], group: int) -> Iterator[dict[int, int]]:
        if group == len(sizes):
            yield {}
            return
        for chosen in combinations(free, int(sizes[group])):
            rest = tuple(place for place in free if place not in chosen)
            for filled in fill(rest, group + 1):
                yield filled | dict.fromkeys(chosen, group)

    total = int(sizes.sum())
    chunk = []
    for filled in fill(tuple(range(total)), 0):
        chunk.append([filled[place] for place in range(total)])
        if len(chunk) == CHUNK:
            yield np.array(chunk, dtype=np.intp)
            chunk = []
    if chunk:
        yield np.array(chunk, dtype=np.intp)
