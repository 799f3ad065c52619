"""Pairs that were annotated twice, joined by their ids, and tables of the two annotations with resamples of these by query."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dissection.dataset import PART, BoolArray, FloatArray, PairDataset
from dissection.errors import InputError
from dissection.properties import Property
from dissection.rating_rules import LENGTH
from dissection.regression.folds import IntArray, query_clusters
from dissection.verdicts import shown

CLASSES = (-1.0, 0.0, 1.0)
NAMED = 5  # properties in a message
RESAMPLES, MIN_RESAMPLES, MAX_RESAMPLES = 1000, 20, 10_000
BATCH_CELLS = 2**22  # queries × resamples that are held at a time


@dataclass(frozen=True, eq=False)
class Twice:
    """The pairs and properties that two annotations have in common.

    Attributes:
        properties: those that both have, in the order of the first.
        first, second: (pairs × properties) comparisons, NaN where not assessed.
        clusters: (pairs,) the query of each pair, counted from 0.
    """

    properties: tuple[Property, ...]
    first: FloatArray
    second: FloatArray
    clusters: IntArray

    @property
    def both(self) -> BoolArray:
        """(pairs × properties) True where both have a comparison."""
        return np.asarray(~np.isnan(self.first) & ~np.isnan(self.second))

    @property
    def graded(self) -> BoolArray:
        """(properties,) True where comparisons take other values than -1, 0 and 1."""
        plain = np.isin(self.first, CLASSES) & np.isin(self.second, CLASSES)
        return np.asarray((self.both & ~plain).any(axis=0))


def join(dataset: PairDataset, again: PairDataset) -> Twice:
    """The pairs that were annotated in both, by `pair_id`.

    Args:
        dataset: the annotations in use.
        again: a second annotation of some of the same pairs, its comparisons in terms of the same A and B.

    Raises:
        InputError: one of them holds published weights, they have no pair, no property or no comparison in common, or the same ids
            stand for other answers.
    """
    for one in (dataset, again):
        if not one.has_pairs:
            raise InputError(
                "The weights came without their pairs, so there are no annotations to compare.",
                where=one.name,
                accepted="pairs with properties",
                remedy="open the pairs that were annotated",
            )
    rows = again.pairs.index.get_indexer(dataset.pairs.index)
    here = np.flatnonzero(rows >= 0)
    if not len(here):
        raise _nothing_common(
            "pair", dataset, again, [str(name) for name in dataset.pairs.index], [str(name) for name in again.pairs.index]
        )
    _check_answers(dataset, again, here, rows[here])
    names = [name for name in dataset.property_names if name in again.property_names]
    if not names:
        raise _nothing_common("property", dataset, again, dataset.property_names, again.property_names)
    own, others = ([one.property_names.index(name) for name in names] for one in (dataset, again))
    first, second = dataset.comparisons[here][:, own], again.comparisons[rows[here]][:, others]
    if not (~np.isnan(first) & ~np.isnan(second)).any():
        raise InputError(
            "No comparison was made in both annotations: on every common pair and property one of them is missing.",
            where=f"{dataset.name} and {again.name}",
            accepted="at least one property of one pair that both assessed",
            remedy="annotate some pairs again",
        )
    _, clusters = np.unique(query_clusters(dataset)[here], return_inverse=True)
    return Twice(tuple(dataset.properties[column] for column in own), first, second, np.asarray(clusters, dtype=np.intp))


def _check_answers(dataset: PairDataset, again: PairDataset, here: IntArray, there: IntArray) -> None:
    """Refuse ids that stand for other answers, or for the same with A and B exchanged: comparisons would be of different things."""
    for start in range(0, len(here), PART):  # texts may lie on disk
        part = slice(start, start + PART)
        for row, own, second in zip(here[part], _answers(dataset, here[part]), _answers(again, there[part]), strict=True):
            if None in own or None in second or own == second:
                continue
            turned = own == second[::-1]
            raise InputError(
                f"The pair {shown(str(dataset.pairs.index[row]))} has {'A and B exchanged' if turned else 'other answers'} in the second "
                "annotation.",
                where=again.name,
                accepted="a second annotation of the same answers, in terms of the same A and B; or one without texts",
                remedy="exchange them in one of the files, with the comparisons" if turned else "check that both files count pairs alike",
            )


def _answers(dataset: PairDataset, rows: IntArray) -> Iterator[tuple[str | None, ...]]:
    """Both answers of each of these pairs, None where there is none; spaces and line ends alone make no difference, as programs change them."""
    columns = (dataset.pairs[name].iloc[rows].tolist() for name in ("response_a", "response_b"))
    yield from zip(*([" ".join(text.split()) if isinstance(text, str) else None for text in column] for column in columns), strict=True)


def _nothing_common(what: str, dataset: PairDataset, again: PairDataset, own: Sequence[str], others: Sequence[str]) -> InputError:
    listed = [", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "") for names in (own, others)]
    return InputError(
        f"The two annotations have no {what} in common.",
        where=f"{dataset.name} has {listed[0] or 'none'}; {again.name} has {listed[1] or 'none'}",
        accepted="a second annotation of some of the same pairs, with the same pair_id and the same names of properties",
        remedy="annotate pairs of this data again, and keep their ids",
    )


def is_computed(property_: Property) -> bool:
    """Whether a property is computed from the texts, so that no annotator can mistake it; the length is also where the rest is annotated."""
    return bool(property_.computed) or property_.name == LENGTH


def cell_tables(twice: Twice) -> FloatArray:
    """(queries × properties × 3 × 3) how often each two comparisons, first and second as -1, 0, 1, go together; other numbers by their sign.

    Tables add up, so a resample of queries is a matrix product.
    """
    queries, d = int(twice.clusters.max()) + 1, len(twice.properties)
    rows, columns = np.nonzero(twice.both)
    one, two = ((np.sign(part[rows, columns]) + 1).astype(np.intp) for part in (twice.first, twice.second))
    place = np.ravel_multi_index((twice.clusters[rows], columns, one, two), (queries, d, 3, 3))
    return np.bincount(place, minlength=queries * d * 9).reshape(queries, d, 3, 3).astype(float)


def resampled(statistics: FloatArray, resamples: int, seed: int) -> FloatArray:
    """Sums over resamples of queries, drawn with replacement, as many draws as queries.

    Args:
        statistics: (queries × columns) that add up over queries.
        resamples: how many.
        seed: of the draws.

    Returns:
        (resamples × columns).

    Raises:
        InputError: the number of resamples is out of its range.
    """
    if not MIN_RESAMPLES <= resamples <= MAX_RESAMPLES:
        raise InputError(
            f"The number of resamples is {resamples}.",
            accepted=f"a whole number from {MIN_RESAMPLES} to {MAX_RESAMPLES:,}",
            remedy=f"use {RESAMPLES}",
        )
    queries, rng = len(statistics), np.random.default_rng(seed)
    chances, step = np.full(queries, 1 / queries), max(1, BATCH_CELLS // queries)
    sizes = [min(step, resamples - start) for start in range(0, resamples, step)]
    return np.concatenate([rng.multinomial(queries, chances, size=size).astype(float) @ statistics for size in sizes])
