"""The sides of a contrast, and what must be there for one."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from dissection.dataset import BoolArray, Group, PairDataset
from dissection.errors import InputError
from dissection.regression.folds import IntArray, query_clusters
from dissection.regression.model import Model
from dissection.wording import count

MIN_COMMON = 10  # with fewer pairs or queries in common, a correlation of errors can't be told


class Side(NamedTuple):
    """One judge in one group."""

    judge: str
    group: str

    @property
    def label(self) -> str:
        """For messages."""
        return f"{self.judge!r} in {self.group!r}"


def check_model(model: Model) -> None:
    """Whether contrasts can be made under this model.

    Raises:
        InputError: it is pooled or a mean of folds.
    """
    if model.pooled or model.folds:
        what = "shares tastes between scenarios" if model.pooled else "is a mean of several fits"
        raise InputError(
            f"The model “{model.name}” {what}, and differences are made from single fits.",
            accepted="the models “standard” and “paper” without folds",
            remedy="choose the model “standard”",
        )


def check_pairs(dataset: PairDataset) -> None:
    """Whether there are pairs to resample.

    Raises:
        InputError: the dataset holds published weights.
    """
    if not dataset.has_pairs:
        raise InputError(
            "The weights came without their pairs: only posterior means are known, so no difference can have an interval.",
            where=dataset.name,
            accepted="pairs with verdicts",
            remedy="open the pairs that the weights were fitted to",
        )


def answered_rows(dataset: PairDataset, judge: int, group: Group) -> BoolArray:
    """(pairs,) True for pairs of the group with a verdict of the judge and every property assessed."""
    return np.asarray(dataset.members(group) & dataset.assessed & ~np.isnan(dataset.labels[:, judge]))


def check_side(dataset: PairDataset, side: Side, clusters: IntArray) -> None:
    """Whether a judge can be fitted and resampled in a group.

    Raises:
        UnknownNameError: no such judge or group.
        InputError: no verdicts, always the same verdict, or too few queries.
    """
    judge = dataset.judge_index(side.judge)
    rows = answered_rows(dataset, judge, dataset.group(side.group))
    n = int(rows.sum())
    if not n:
        raise InputError(
            f"The judge {side.judge!r} has no verdicts in {side.group!r} on pairs whose properties are all known.",
            where=dataset.name,
            accepted="judges with verdicts there",
            remedy="choose another judge or another scenario",
        )
    queries = len(np.unique(clusters[rows]))
    if queries < MIN_COMMON:
        raise InputError(
            f"The judge {side.judge!r} has verdicts on {count(queries, 'query', 'queries')} in {side.group!r}, too few to resample.",
            where=dataset.name,
            accepted=f"at least {MIN_COMMON} queries",
            remedy="choose a larger scenario, or all pairs",
        )
    labels = dataset.labels[rows, judge]
    if (labels == labels[0]).all():
        verdict = "a tie" if labels[0] == 0.5 else "A" if labels[0] == 1 else "B" if labels[0] == 0 else f"{labels[0]:g} for A"
        raise InputError(
            f"The judge {side.judge!r} gave the same verdict, {verdict}, on all {count(n, 'pair')} in {side.group!r}, so nothing tells "
            "what it goes by.",
            where=dataset.name,
            accepted="judges whose verdicts vary",
            remedy="leave this judge out",
        )


def check_common(dataset: PairDataset, first: Side, second: Side, clusters: IntArray) -> int:
    """The pairs that both sides have a verdict on.

    Raises:
        InputError: the sides are one and the same, or two judges of one group have too few pairs or queries in common.
    """
    if first == second:
        raise InputError(f"Both sides are {first.label}.", accepted="two sides that differ", remedy="choose another judge or scenario")
    masks = [answered_rows(dataset, dataset.judge_index(side.judge), dataset.group(side.group)) for side in (first, second)]
    both = masks[0] & masks[1]
    common, queries = int(both.sum()), len(np.unique(clusters[both]))
    if first.group == second.group and queries < MIN_COMMON:
        pairs = "no pair" if not common else count(common, "pair")
        of = f", of {count(queries, 'query', 'queries')}," if queries < common else ""
        raise InputError(
            f"The judges {first.judge!r} and {second.judge!r} have {pairs}{of} in common in {first.group!r}: a difference between them could "
            "be one between their pairs.",
            where=dataset.name,
            accepted=f"at least {MIN_COMMON} pairs of different queries that both have judged",
            remedy="choose judges of the same pairs, or a larger scenario",
        )
    return common


def identical(dataset: PairDataset, first: Side, second: Side) -> bool:
    """Whether two judges gave the very same verdicts on the very same pairs of one group."""
    if first.group != second.group:
        return False
    rows = dataset.members(dataset.group(first.group)) & dataset.assessed
    one, two = (dataset.verdicts[rows, dataset.judge_index(side.judge)] for side in (first, second))
    return bool(np.array_equal(one, two, equal_nan=True))


def usable_groups(dataset: PairDataset, judges: Sequence[str], groups: Iterable[str] | None = None) -> tuple[list[str], dict[str, str]]:
    """The groups in which every one of the judges can be resampled, and for each other group why not.

    Args:
        dataset: with pairs.
        judges: names.
        groups: names; None: the scenarios.

    Raises:
        UnknownNameError: no such judge or group.
    """
    clusters = query_clusters(dataset)
    usable, left_out = [], {}
    for group in groups if groups is not None else [scenario.name for scenario in dataset.scenarios]:
        dataset.group(group)
        try:
            for judge in judges:
                check_side(dataset, Side(judge, group), clusters)
        except InputError as error:
            left_out[group] = error.problem
        else:
            usable.append(group)
    return usable, left_out
