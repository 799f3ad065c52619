"""Judges that are grouped in two ways at once, such as LLMs under prompts: which of the two makes judges alike?"""

import math

import numpy as np
import pandas as pd

from dissection.dataset import FloatArray
from dissection.errors import InputError
from dissection.likeness.groups import CHUNK, PERMUTATIONS, Grouping
from dissection.regression.folds import IntArray

CROSSED_COLUMNS = ("what", "pairs", "mean", "contrast", "p", "permutations", "remark")


def compare_crossed(
    similarity: pd.DataFrame, one: Grouping, other: Grouping, permutations: int = PERMUTATIONS, seed: int = 0
) -> pd.DataFrame:
    """Mean similarity of two judges that share one label, the other, or neither, with a permutation test.

    Args:
        similarity: judges × judges; NaN where unknown.
        one: a grouping, such as the LLM.
        other: another grouping of the same judges, such as the prompt; judges that are not in both are left out.
        permutations: how many labellings are drawn; each moves both labels of a judge together.
        seed: of the draws.

    Returns:
        `CROSSED_COLUMNS`: pairs of judges that share only `one`, only `other`, or neither, with their mean similarity. The first row's
        `contrast` is against the second, the others' against neither; `p` is one-sided.

    Raises:
        InputError: no pair of judges shares only the one, or only the other.
    """
    names = [name for name in similarity.index if name in one.groups and name in other.groups]
    first, second = (pd.factorize(np.array([by.groups[name] for name in names], dtype=object))[0] for by in (one, other))
    table = similarity.loc[names, names].to_numpy(dtype=float)
    rows, columns = np.triu_indices(len(names), 1)
    kinds = _kinds(np.arange(len(names))[None], first, second, rows, columns)[0]
    values = table[rows, columns]
    if not ((kinds == 1) & ~np.isnan(values)).any() or not ((kinds == 2) & ~np.isnan(values)).any():
        raise InputError(
            f"No two judges share only their {one.by}, or none only their {other.by}.",
            accepted="judges that differ in one and share the other, and the reverse",
        )
    draws = np.random.default_rng(seed).permuted(np.tile(np.arange(len(names)), (permutations, 1)), axis=1)
    texts = (f"same {one.by}, different {other.by}", f"same {other.by}, different {one.by}", f"different {one.by} and {other.by}")
    result = []
    for kind, against, text in ((1, 2, texts[0]), (2, 0, texts[1]), (0, -1, texts[2])):
        part = values[(kinds == kind) & ~np.isnan(values)]
        row: dict[str, object] = {"what": text, "pairs": len(part), "mean": float(part.mean()) if len(part) else math.nan, "remark": ""}
        if against >= 0 and ((kinds == against) & ~np.isnan(values)).any():
            contrast = _means(values, kinds[None], kind, against)[0]
            reached = 0
            for start in range(0, permutations, CHUNK):
                found = _means(values, _kinds(draws[start : start + CHUNK], first, second, rows, columns), kind, against)
                reached += int((~(found < contrast - 1e-12)).sum())
            row |= {"contrast": float(contrast), "p": (reached + 1) / (permutations + 1), "permutations": permutations}
            row["remark"] = f"contrast to: {texts[{2: 1, 0: 2}[against]]}"
        result.append(row)
    return pd.DataFrame(result, columns=list(CROSSED_COLUMNS))


def _kinds(order: IntArray, first: IntArray, second: IntArray, rows: IntArray, columns: IntArray) -> IntArray:
    """(B × pairs) 1 where only the first label is shared, 2 only the second, 3 both, 0 neither, for (B × judges) orders of judges."""
    one, other = first[order], second[order]
    return np.asarray((one[:, rows] == one[:, columns]) + 2 * (other[:, rows] == other[:, columns]), dtype=np.intp)


def _means(values: FloatArray, kinds: IntArray, kind: int, against: int) -> FloatArray:
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    inside, outside = (kinds == kind) & known, (kinds == against) & known
    return np.asarray((inside @ filled) / inside.sum(axis=1) - (outside @ filled) / outside.sum(axis=1))
