"""How far clusters can be trusted: the share of resamples of queries in which each branch of the tree is found again.

The bootstrap of Felsenstein (1985, doi:10.1111/j.1558-5646.1985.tb00420.x): queries are drawn with replacement, the same for all judges and
groups, every cell is fitted again by the fast engine, and the tree is built anew. All pairs of a query are drawn together.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from dissection.clusters import Clustering, cluster
from dissection.dataset import FloatArray, Group, PairDataset
from dissection.errors import InputError
from dissection.likeness.reliability import PUBLISHED, no_intervals
from dissection.regression.fit import groups_to_fit
from dissection.regression.folds import IntArray, query_clusters
from dissection.regression.model import STANDARD, Model
from dissection.regression.observations import asked_twice, observations, usable
from dissection.regression.propagation import propagate
from dissection.similarity import check_method, kept_columns, mean_correlations

RESAMPLES = 100
THRESHOLD = 0.7  # of support, below which a branch is shown faded
REFIT_TOLERANCE = 0.02  # sds; a resample scatters by a whole one


@dataclass(frozen=True, eq=False)
class Support:
    """A tree with the support of its branches.

    Attributes:
        clustering: of all pairs.
        share: (joins,) for each row of `clustering.linkage` the share of resamples in which its judges, and no others, form a branch; NaN
            for the last, which holds all judges in any tree.
        similarities: (resamples × judges × judges) of the resamples so far, in the order of the dataset's judges.
        resamples: how many there will be.
        queries: how many there are to draw from.
    """

    clustering: Clustering
    share: FloatArray
    similarities: FloatArray
    resamples: int
    queries: int

    @property
    def done(self) -> int:
        """How many resamples there are so far."""
        return len(self.similarities)

    def branches(self) -> pd.DataFrame:
        """One row a branch, from the lowest join up: `judges`, `members`, `height` (1 - similarity), `support` (%), `resamples`."""
        members = leaf_sets(self.clustering)
        return pd.DataFrame(
            {
                "judges": [len(names) for names in members],
                "members": [", ".join(name for name in self.clustering.order if name in names) for names in members],
                "height": self.clustering.linkage[:, 2],
                "support": 100 * self.share,
                "resamples": self.done,
            }
        )


def leaf_sets(clustering: Clustering) -> list[frozenset[str]]:
    """The judges below each join of a tree, in the order of its linkage."""
    below = [frozenset({judge}) for judge in clustering.judges]
    for left, right in clustering.linkage[:, :2].astype(int):
        below.append(below[left] | below[right])
    return below[len(clustering.judges) :]


def branch_support(clustering: Clustering, similarities: FloatArray, judges: Sequence[str]) -> FloatArray:
    """(joins,) the share of similarity matrices whose trees have each branch; NaN for the branch of all judges.

    Args:
        clustering: whose branches are sought.
        similarities: (resamples × judges × judges).
        judges: their rows. One that has no similarity in a resample is left out of the branches there.
    """
    sought = leaf_sets(clustering)
    found = np.zeros(len(sought))
    names, kept = list(judges), list(clustering.judges)
    for matrix in similarities:
        tree = cluster(pd.DataFrame(matrix, index=names, columns=names).loc[kept, kept])
        sets = {frozenset({judge}) for judge in tree.judges} | set(leaf_sets(tree))
        found += [branch - set(tree.left_out) in sets for branch in sought]
    share = found / len(similarities) if len(similarities) else np.full(len(sought), np.nan)
    share[-1:] = np.nan
    return share


def cluster_support(
    dataset: PairDataset,
    model: Model = STANDARD,
    groups: Sequence[str] | None = None,
    method: str = "pearson",
    without: Collection[str] = (),
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Iterator[Support]:
    """The support so far, after the fit of all pairs and after each resample; leave off where enough is known.

    Args:
        dataset: pairs with verdicts.
        model: not a pooled one; folds are not made.
        groups: names of those to average over; None: all scenarios.
        method: as in `similarity_matrix`.
        without: properties that are left out of the similarity, though not of the fit.
        resamples: how many.
        seed: of the draws.

    Raises:
        UnknownNameError: a method, group or property that there is not.
        InputError: published weights, a pooled model, a single query, or fewer than one resample.
    """
    check_method(method)
    kept = kept_columns(dataset.property_names, without)
    names = list(groups) if groups is not None else [group.name for group in dataset.scenarios]
    _check(dataset, model, resamples)
    model, chosen = replace(model, folds=0), groups_to_fit(dataset, model, names)
    clusters = query_clusters(dataset)
    queries = int(clusters.max()) + 1
    if queries < 2:
        raise InputError("All pairs are of one query, so there is nothing to draw from.", accepted="pairs of at least two queries")
    refits = _Refits(dataset, chosen, model)
    whole = mean_correlations(refits.means(np.ones(len(dataset), dtype=np.intp))[..., kept], method)
    tree = cluster(pd.DataFrame(whole, index=dataset.judge_names, columns=dataset.judge_names))
    rng = np.random.default_rng(seed)
    found: list[FloatArray] = []
    counts = np.zeros(max(len(tree.judges) - 1, 0))
    for done in range(resamples + 1):
        if done:
            drawn = np.bincount(rng.integers(queries, size=queries), minlength=queries)
            found.append(mean_correlations(refits.means(drawn[clusters])[..., kept], method))
            counts += branch_support(tree, found[-1][None], dataset.judge_names)
        share = counts / done if done else np.full(len(counts), np.nan)
        matrices = np.stack(found) if found else np.empty((0, *whole.shape))
        yield Support(tree, share, matrices, resamples, queries)


def _check(dataset: PairDataset, model: Model, resamples: int) -> None:
    if resamples < 1:
        raise InputError(f"The number of resamples is {resamples}.", accepted="1 or more; 100 say a support to within ten points")
    if reason := no_intervals(dataset, model):
        raise InputError(
            "Clusters have no support here: " + ("there are no pairs to draw from." if reason == PUBLISHED else "the model is pooled."),
            accepted="pairs with verdicts, and the standard or the paper's model",
        )


class _Refits:
    """The cells of all judges, to be fitted again with each pair there a number of times."""

    def __init__(self, dataset: PairDataset, groups: Sequence[Group], model: Model) -> None:
        judges = list(range(len(dataset.judges)))
        self._d, self._model = len(dataset.properties), model
        self._rows = [np.flatnonzero(dataset.members(group) & dataset.assessed) for group in groups]
        self._cells = [usable(dataset, group, judges) for group in groups]
        both = [asked_twice(verdicts) & (model.intercept_sd is not None) for _, verdicts in self._cells]
        self._parts = [[(np.flatnonzero(of_group), True), (np.flatnonzero(~of_group), False)] for of_group in both]

    def means(self, counts: IntArray) -> FloatArray:
        """(groups × judges × d) posterior means where each pair of the dataset is there as many times as `counts` says; NaN without one."""
        return np.stack([self._means(place, counts[rows]) for place, rows in enumerate(self._rows)])

    def _means(self, place: int, counts: IntArray) -> FloatArray:
        comparisons, verdicts = (part[counts > 0] for part in self._cells[place])
        copies = counts[counts > 0].astype(float)
        found = np.full((verdicts.shape[1], self._d), np.nan)
        for judges, both in self._parts[place]:
            if len(judges):
                rows = observations(comparisons, verdicts[:, judges], self._model, both=both)
                rows = rows._replace(counts=np.repeat(np.tile(copies, 1 + both)[:, None], len(judges), axis=1))
                fitted = propagate(rows, self._model.prior_scale, self._model.intercept_sd, REFIT_TOLERANCE)
                known = fitted.converged & ~np.isnan(verdicts[:, judges]).all(axis=(0, 2))
                found[judges[known]] = fitted.mean[known, : self._d]
        return found
