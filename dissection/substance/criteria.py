"""How much each criterion counts in a judge's overall verdict, by the same regression with the judge's own criteria as properties.

A judge that was also asked which answer is more correct, safer, shorter … gave verdicts on criteria: meta columns
`criterion.<judge>.<criterion>`, each value a verdict. The comparison on a criterion is 2·P(A better) - 1, from -1 to 1.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from dissection.dataset import FloatArray, PairDataset
from dissection.errors import InputError, LabelError
from dissection.judges import Judge
from dissection.properties import Property
from dissection.regression.fit import fit
from dissection.regression.model import STANDARD, Model
from dissection.regression.posterior import Posterior
from dissection.verdicts import parse_verdict, parse_verdict_orders, shown

PREFIX = "meta.criterion."
PRIOR_SCALE = 1.0  # criteria are few and each counts for much, unlike the many properties of an answer


class Columns(NamedTuple):
    """Where criteria are.

    Attributes:
        found: judge → criterion → column of `PairDataset.pairs`.
        unmatched: columns that begin like a criterion's but name no judge of the data.
    """

    found: dict[str, dict[str, str]]
    unmatched: tuple[str, ...]


class Halo(NamedTuple):
    """Two criteria, how far a judge's verdicts on them go together, from -1 to 1, and on how many pairs."""

    one: str
    other: str
    correlation: float
    n: int


def criterion_columns(dataset: PairDataset) -> Columns:
    """The criteria of each judge. Names of judges may hold dots: the longest judge's name that fits is taken."""
    judges = sorted(dataset.judge_names, key=len, reverse=True)
    found: dict[str, dict[str, str]] = {}
    unmatched: list[str] = []
    for column in map(str, dataset.pairs.columns):
        if not column.startswith(PREFIX):
            continue
        rest = column.removeprefix(PREFIX)
        judge = next((name for name in judges if rest.startswith(f"{name}.") and rest[len(name) + 1 :].strip()), None)
        if judge is None:
            unmatched.append(column.removeprefix("meta."))
        else:
            found.setdefault(judge, {})[rest[len(judge) + 1 :]] = column
    return Columns({judge: found[judge] for judge in dataset.judge_names if judge in found}, tuple(unmatched))


def criteria_dataset(dataset: PairDataset, judge: str) -> PairDataset:
    """The same pairs with this judge alone, and its criteria as the properties; NaN where a verdict on one is missing.

    Raises:
        UnknownNameError: there is no such judge.
        InputError: it has no criteria.
        LabelError: a value is no verdict; the message names the pair and the column.
    """
    place = dataset.judge_index(judge)
    columns = criterion_columns(dataset).found.get(judge)
    if not columns:
        raise InputError(
            f"The judge {judge!r} has no verdicts on criteria.",
            where=dataset.name,
            accepted=f"columns criterion.{judge}.<criterion>, each value a verdict",
            remedy="add them to the file, or choose a judge that has them",
        )
    comparisons = np.column_stack([2 * _verdicts(dataset.pairs[column]) - 1 for column in columns.values()])
    return PairDataset(
        name=dataset.name,
        pairs=dataset.pairs,
        properties=tuple(Property(name, "A criterion that the judge itself gave verdicts on.") for name in columns),
        comparisons=comparisons,
        scores=np.full((*comparisons.shape, 2), np.nan),
        judges=(Judge(judge, origin=dataset.judges[place].origin),),
        verdicts=dataset.verdicts[:, [place]].copy(),
        conditions={name: mask.copy() for name, mask in dataset.conditions.items()},
        simulated=dataset.simulated,
    )


def implicit_weights(criteria: PairDataset, model: Model = STANDARD, group: str | None = None) -> Posterior:
    """The weight of each criterion in the judge's overall verdict, in log-odds, with 95 % intervals.

    Pairs that lack a verdict on any criterion, or the overall one, are left out.

    Args:
        criteria: of `criteria_dataset`.
        model: with an intercept or without; the prior is Laplace(0, 1), or wider where the model's is.
        group: name; None: all pairs.

    Raises:
        UnknownNameError: there is no such group.
    """
    wider = replace(model, prior_scale=max(model.prior_scale, PRIOR_SCALE), pooled=False, folds=0)
    return fit(criteria, wider, groups=[group or criteria.selectable_groups[0].name])[0]


def halo(criteria: PairDataset, group: str | None = None) -> Halo | None:
    """The two criteria on which verdicts agree most, and their correlation (cosine, as sides are arbitrary); None with one criterion.

    Verdicts on criteria that go together whatever the answers are (a halo) leave open which of them counts.
    """
    rows = criteria.members(criteria.group(group) if group else criteria.selectable_groups[0]) & criteria.assessed
    values = criteria.comparisons[rows]
    size = np.sqrt((values**2).sum(axis=0))
    scale = np.outer(size, size)
    matrix = np.triu(np.divide(values.T @ values, scale, out=np.zeros(scale.shape), where=scale > 0), 1)
    if len(size) < 2 or not matrix.any():
        return None
    one, other = np.unravel_index(int(np.abs(matrix).argmax()), matrix.shape)
    names = criteria.property_names
    return Halo(names[int(one)], names[int(other)], float(matrix[one, other]), len(values))


def _verdicts(column: "pd.Series[Any]") -> FloatArray:
    """(pairs,) P(A better) by one criterion; the mean where both orders were asked."""
    found = np.full(len(column), np.nan)
    for row, value in enumerate(column.tolist()):
        try:
            if isinstance(value, Mapping):
                orders = [part for part in parse_verdict_orders(value) if not np.isnan(part)]
                found[row] = np.mean(orders) if orders else np.nan
            else:
                found[row] = parse_verdict(value)
        except LabelError as error:
            where = f"pair {shown(column.index[row])}, column {str(column.name).removeprefix('meta.')}"
            raise LabelError(error.problem, where=where, accepted=error.accepted, remedy=error.remedy) from error
    return found
