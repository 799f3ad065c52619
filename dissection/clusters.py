"""Which judges belong together: hierarchical clustering and a map of the similarity matrix."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform

from dissection.dataset import FloatArray


@dataclass(frozen=True, eq=False)
class Clustering:
    """A tree over judges.

    Attributes:
        order: judges in the order of the leaves, neighbours as alike as the tree allows (Bar-Joseph et al. 2001,
            doi:10.1093/bioinformatics/17.suppl_1.S22).
        linkage: (judges - 1 × 4), as SciPy gives it, over `judges`; average linkage of 1 - similarity.
        judges: the rows of the tree's leaves.
        left_out: judges without a similarity to some other judge.
    """

    order: tuple[str, ...]
    linkage: FloatArray
    judges: tuple[str, ...]
    left_out: tuple[str, ...]

    def cut(self, clusters: int) -> dict[str, int]:
        """Judge → number of its cluster, counted from 1 in leaf order, for at most this many clusters."""
        if len(self.judges) < 2:
            return dict.fromkeys(self.judges, 1)
        raw = dict(zip(self.judges, fcluster(self.linkage, clusters, criterion="maxclust"), strict=True))
        numbers: dict[int, int] = {}
        return {judge: numbers.setdefault(int(raw[judge]), len(numbers) + 1) for judge in self.order}


def cluster(similarity: pd.DataFrame) -> Clustering:
    """Average-linkage clustering of judges by 1 - similarity, with optimal leaf order."""
    known = similarity.notna().all(axis=1)
    # One judge without numbers makes every row incomplete, so judges are dropped from the emptiest on.
    kept = similarity
    while not known.all():
        worst = kept.isna().sum(axis=1).idxmax()
        kept = kept.drop(index=worst, columns=worst)
        known = kept.notna().all(axis=1)
    judges = tuple(str(name) for name in kept.index)
    left_out = tuple(str(name) for name in similarity.index if name not in kept.index)
    if len(judges) < 2:
        return Clustering(judges, np.empty((0, 4)), judges, left_out)
    distance = squareform(np.clip(1 - kept.to_numpy(), 0, None), checks=False)
    tree = optimal_leaf_ordering(linkage(distance, method="average"), distance)
    return Clustering(tuple(judges[i] for i in _leaves(tree)), tree, judges, left_out)


def _leaves(tree: FloatArray) -> list[int]:
    members: dict[int, list[int]] = {}
    count = len(tree) + 1
    for number, (left, right) in enumerate(tree[:, :2].astype(int)):
        members[count + number] = members.pop(left, [left]) + members.pop(right, [right])
    return members[2 * count - 2]


def map_judges(similarity: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """A two-dimensional map by classical scaling (Torgerson 1952, doi:10.1007/BF02288916) of the distances sqrt(2·(1 - similarity)).

    Returns:
        A frame (judges × x, y), and the share of the squared distances that two dimensions show (0 to 1).
    """
    names = list(similarity.index)
    if len(names) < 2:
        return pd.DataFrame(0.0, index=names, columns=["x", "y"]), 1.0
    squared = 2 * (1 - similarity.to_numpy())
    centring = np.eye(len(names)) - 1 / len(names)
    values, vectors = np.linalg.eigh(-0.5 * centring @ squared @ centring)
    largest = np.argsort(values)[::-1][:2]
    positive = np.clip(values, 0, None)
    places = vectors[:, largest] * np.sqrt(positive[largest])
    # The sign of an axis is arbitrary; fixing it keeps the map the same from run to run.
    places *= np.where(places.sum(axis=0) + 1e-9 * places[0] < 0, -1.0, 1.0)
    if places.shape[1] < 2:
        places = np.column_stack([places, np.zeros(len(names))])
    total = positive.sum()
    return pd.DataFrame(places, index=names, columns=["x", "y"]), float(positive[largest].sum() / total) if total > 0 else 1.0
