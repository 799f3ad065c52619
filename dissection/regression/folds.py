"""Folds for cross-validation that keep together what belongs together: pairs of one query, and the same answers in swapped places.

A model that has seen one pair of a query has seen part of its other pairs, so a fold that split them would flatter the model
(Roberts et al. 2017, doi:10.1111/ecog.02881, on data with dependence structure).
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dissection.dataset import PairDataset

IntArray = NDArray[np.intp]


def _normalised(text: str | None) -> str | None:
    """White space and case taken away; None where there is no text."""
    return (" ".join(text.split()).casefold() or None) if text is not None else None


def _hashes(texts: Iterable[str | None]) -> "pd.Series[Any]":
    """A hash in place of each text, as all of them need not fit into memory; None stays."""
    return pd.Series([None if text is None else hash(text) for text in texts], dtype="Int64")


def query_clusters(dataset: PairDataset) -> IntArray:
    """The cluster of each pair, counted from 0.

    Pairs are in one cluster if they share a query (in any case and spacing) or the same two answers in either order, also through other
    pairs. A pair without a query and without a twin is a cluster of its own.

    Returns:
        (pairs,) labels.
    """
    n = len(dataset)
    queries = _hashes(_normalised(text) for text in dataset.texts("query"))
    answers = ((_normalised(a), _normalised(b)) for a, b in zip(dataset.texts("response_a"), dataset.texts("response_b"), strict=True))
    twins = _hashes("\0".join(sorted((a, b))) if a and b else None for a, b in answers)
    links = [_links_to_first(keys) for keys in (queries, twins)]
    start, end = np.concatenate([link[0] for link in links]), np.concatenate([link[1] for link in links])
    _, labels = connected_components(coo_array((np.ones(len(start)), (start, end)), shape=(n, n)), directed=False)
    return np.asarray(labels, dtype=np.intp)


def _links_to_first(keys: "pd.Series[Any]") -> tuple[IntArray, IntArray]:
    """Each row with a key, and the first row that has the same key."""
    codes, _ = pd.factorize(keys)
    rows = np.flatnonzero(codes >= 0)
    _, first = np.unique(codes[rows], return_index=True)
    return rows, rows[first][codes[rows]]


def assign_folds(clusters: IntArray, folds: int, seed: int) -> IntArray:
    """Whole clusters dealt to folds of nearly equal size.

    The clusters are shuffled, then the largest goes first, each to the fold that has fewest pairs so far.

    Args:
        clusters: (n,) labels.
        folds: how many; with fewer clusters than that some stay empty.
        seed: of the shuffle.

    Returns:
        (n,) the fold of each pair, from 0.
    """
    names, place, size = np.unique(clusters, return_inverse=True, return_counts=True)
    shuffled = np.random.default_rng(seed).permutation(len(names))
    filled = np.zeros(folds, dtype=np.intp)
    fold = np.zeros(len(names), dtype=np.intp)
    for cluster in shuffled[np.argsort(-size[shuffled], kind="stable")]:
        fold[cluster] = np.argmin(filled)
        filled[fold[cluster]] += size[cluster]
    return fold[place]
