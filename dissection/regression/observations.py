"""What the engines are given: the rows of the regression, made from comparisons and verdicts in one or both orders."""

from typing import NamedTuple

import numpy as np

from dissection.dataset import FloatArray, Group, PairDataset
from dissection.regression.model import Model


class Observations(NamedTuple):
    """The rows of J judges that share pairs.

    Attributes:
        design: (rows × d), or d + 1 with the order of showing last where the model has an intercept.
        verdicts: (rows × J) in [0, 1]; NaN where missing.
        weights: (rows × J) power of each likelihood factor: 1 for one answer a pair, 1/2 for each of two orders.
        counts: (rows × J) how many times each row is there, as in a resample; None: once.
    """

    design: FloatArray
    verdicts: FloatArray
    weights: FloatArray
    counts: FloatArray | None = None


def usable(dataset: PairDataset, group: Group, judges: list[int]) -> tuple[FloatArray, FloatArray]:
    """(n × d) comparisons and (n × J × 2) verdicts of the group's pairs on which every property was assessed."""
    rows = dataset.members(group) & dataset.assessed
    return dataset.comparisons[rows], dataset.verdicts[rows][:, judges]


def asked_twice(verdicts: FloatArray) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """(J,) True for the judges of (n × J × 2) verdicts that were asked some pair with B shown first."""
    return np.asarray(~np.isnan(verdicts[:, :, 1]).all(axis=0))


def answered(verdicts: FloatArray) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """(n,) True for pairs on which one judge, of (n × 2) verdicts, gave any."""
    return np.asarray(~np.isnan(verdicts).all(axis=1))


def observations(comparisons: FloatArray, verdicts: FloatArray, model: Model, *, both: bool) -> Observations:
    """The rows of judges that share the number of orders; a pair asked in both orders counts as one pair, half for each order.

    Args:
        comparisons: (n × d), finite.
        verdicts: (n × J × 2), as in `PairDataset`.
        model: with or without an intercept.
        both: whether rows of the second order are made.
    """
    if model.intercept_sd is None:
        # Without a position bias both orders say the same of the weights, so their mean is one verdict a pair.
        answered = ~np.isnan(verdicts)
        count = answered.sum(axis=2)
        total = np.where(answered, verdicts, 0.0).sum(axis=2)
        mean = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
        return Observations(comparisons, mean, (count > 0).astype(float))
    orders = (1.0, -1.0) if both else (1.0,)
    count = (~np.isnan(verdicts)).sum(axis=2)
    weights = np.divide(1.0, count, out=np.zeros(count.shape), where=count > 0)
    return Observations(
        np.concatenate([np.column_stack([comparisons, np.full(len(comparisons), order)]) for order in orders]),
        np.concatenate([verdicts[:, :, place] for place in range(len(orders))]),
        np.concatenate([weights] * len(orders)),
    )
