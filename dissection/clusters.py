"""Which judges belong together: hierarchical clustering and a map of the similarity matrix."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from dissection.dataset import FloatArray

MOST_CLUSTERS = 12


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
    distance = np.clip(1 - kept.to_numpy(dtype=float), 0, None)
    tree = np.asarray(linkage(squareform(distance, checks=False), method="average"))
    return Clustering(tuple(judges[i] for i in _best_order(tree, distance)), tree, judges, left_out)


class Proposal(NamedTuple):
    """How many clusters the similarities suggest.

    Attributes:
        scores: one row a number of clusters: `clusters`, `silhouette` (-1 to 1, higher is better).
        best: the number with the highest score; None where there are fewer than three judges.
    """

    scores: pd.DataFrame
    best: int | None


def propose_clusters(similarity: pd.DataFrame, clustering: Clustering, most: int = MOST_CLUSTERS) -> Proposal:
    """The mean silhouette of each cut of the tree (Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7), by the distance 1 - similarity.

    Args:
        similarity: that the tree was made of.
        clustering: its tree.
        most: clusters; at most one fewer than judges, as clusters of one each have no silhouette.
    """
    names = list(clustering.judges)
    distance = np.clip(1 - similarity.loc[names, names].to_numpy(dtype=float), 0, None)
    rows: list[tuple[int, float]] = []
    for number in range(2, min(most, len(names) - 1) + 1):
        cut = clustering.cut(number)
        labels = np.array([cut[name] for name in names])
        # Equal heights in the tree can leave fewer clusters than were asked for.
        if len(set(labels)) == number:
            rows.append((number, _silhouette(distance, labels)))
    scores = pd.DataFrame(rows, columns=["clusters", "silhouette"])
    return Proposal(scores, max(rows, key=lambda row: row[1])[0] if rows else None)


def _silhouette(distance: FloatArray, labels: NDArray[np.intp]) -> float:
    """The mean over judges of (b - a) / max(a, b): a the mean distance within the cluster, b to the nearest other; 0 for a judge alone."""
    kinds, place, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    to_each = distance @ (labels[:, None] == kinds)
    judges = np.arange(len(labels))
    own = to_each[judges, place] / np.maximum(sizes[place] - 1, 1)
    others = to_each / sizes
    others[judges, place] = np.inf
    nearest = others.min(axis=1)
    widest = np.maximum(own, nearest)
    found = np.divide(nearest - own, widest, out=np.zeros(len(labels)), where=(widest > 0) & (sizes[place] > 1))
    return float(found.mean())


class _Paths(NamedTuple):
    """The leaves below a node, and the shortest path through them from each to each; infinite within one child."""

    leaves: NDArray[np.intp]
    length: FloatArray


def _best_order(tree: FloatArray, distance: FloatArray) -> list[int]:
    """The order of leaves with the smallest sum of neighbours' distances that the tree allows, by dynamic programming.

    SciPy's `optimal_leaf_ordering` can return a worse one (scipy/scipy#11227).
    """
    count = len(tree) + 1
    below = {leaf: _Paths(np.array([leaf]), np.zeros((1, 1))) for leaf in range(count)}
    for number, (left, right) in enumerate(tree[:, :2].astype(int)):
        a, b = below[left], below[right]
        to_right = (a.length[:, :, None] + distance[np.ix_(a.leaves, b.leaves)][None]).min(axis=1)
        across = (to_right[:, :, None] + b.length[None]).min(axis=1)
        length = np.full((len(a.leaves) + len(b.leaves),) * 2, np.inf)
        length[: len(a.leaves), len(a.leaves) :], length[len(a.leaves) :, : len(a.leaves)] = across, across.T
        below[count + number] = _Paths(np.concatenate([a.leaves, b.leaves]), length)
    root = 2 * count - 2
    first, last = np.unravel_index(int(np.argmin(below[root].length)), below[root].length.shape)
    return _path(root, int(below[root].leaves[first]), int(below[root].leaves[last]), tree, distance, below)


def _path(node: int, first: int, last: int, tree: FloatArray, distance: FloatArray, below: dict[int, _Paths]) -> list[int]:
    """The leaves below a node along the shortest path from one of them to another."""
    count = len(tree) + 1
    if node < count:
        return [node]
    left, right = (int(child) for child in tree[node - count, :2])
    if first not in below[left].leaves:
        left, right = right, left
    a, b = below[left], below[right]
    start, end = int(np.flatnonzero(a.leaves == first)[0]), int(np.flatnonzero(b.leaves == last)[0])
    total = a.length[start][:, None] + distance[np.ix_(a.leaves, b.leaves)] + b.length[:, end][None]
    i, j = np.unravel_index(int(np.argmin(total)), total.shape)
    head = _path(left, first, int(a.leaves[i]), tree, distance, below)
    return head + _path(right, int(b.leaves[j]), last, tree, distance, below)


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
