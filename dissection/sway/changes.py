"""What becomes of the pairs' comparisons if one model's answers gained or lost a property.

Of a pair with comparison φ of the model's answer against the other, a gain raises the model's answer to the best there is: φ' = +1 where
the other's score is one that loses to another answer somewhere in the data, else max(φ, 0), as nothing has more than the best. Where only the comparison is
known, it rises by one step, to min(φ + 1, 1): equal answers are taken to leave room. A loss is the same with the signs turned. A property
that is asked of some queries alone (`rating_rules.SPECIFIC`) changes only there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dissection.dataset import BoolArray, FloatArray, PairDataset
from dissection.errors import InputError, UnknownNameError
from dissection.rating_rules import SPECIFIC
from dissection.regression.folds import IntArray


class Change(NamedTuple):
    """One property that the model's answers gain (`more`) or lose."""

    name: str
    more: bool

    @property
    def words(self) -> str:
        """The name with an arrow: up for gained, down for lost."""
        return f"{self.name} {'↑' if self.more else '↓'}"


@dataclass(frozen=True, eq=False)
class Sides:
    """Pairs seen from the model whose answers would change; with no model named, each pair twice, once from either answer.

    Attributes:
        comparisons: (rows × d) of the model's answer against the other; a pair's second row comes behind all first ones.
        others: (rows × d) scores of the other answer; NaN where unknown.
        asked: (rows × d) whether the query asks for the property at all.
        rows: (pairs,) places of the pairs in the dataset.
        flipped: (pairs,) whether the model's answer of the first row is B.
        losing, winning: (d,) the highest score that loses somewhere in the data, and the lowest that wins; NaN where unknown.
    """

    comparisons: FloatArray
    others: FloatArray
    asked: BoolArray
    rows: IntArray
    flipped: BoolArray
    losing: FloatArray
    winning: FloatArray

    @property
    def both(self) -> bool:
        """Whether either answer stands for the model, each half the time."""
        return len(self.comparisons) == 2 * len(self.rows)


def seen_from(dataset: PairDataset, rows: IntArray, model: str | None = None) -> Sides:
    """The pairs of these rows, turned so that the model's answer comes first.

    Args:
        dataset: with pairs.
        rows: places of pairs; with a model, those of its answers and another's.
        model: named in `model_a` or `model_b`; None: either answer stands for the model, each half the time.
    """
    scores, losing, winning = _scales(dataset)
    phi, sides = dataset.comparisons[rows], scores[rows]
    asked = _asked(dataset)[rows]
    flipped = np.zeros(len(rows), dtype=bool) if model is None else (dataset.pairs["model_b"].iloc[rows] == model).to_numpy(dtype=bool)
    if model is None:
        comparisons, others = np.concatenate([phi, -phi]), np.concatenate([sides[:, :, 1], sides[:, :, 0]])
        asked = np.concatenate([asked, asked])
    else:
        comparisons = np.where(flipped[:, None], -phi, phi)
        others = np.where(flipped[:, None], sides[:, :, 0], sides[:, :, 1])
    return Sides(comparisons + 0.0, others, asked, rows, flipped, losing, winning)


def _scales(dataset: PairDataset) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Scores, the higher the more, with the highest that loses and the lowest that wins."""
    a, b, phi = dataset.scores[:, :, 0], dataset.scores[:, :, 1], dataset.comparisons
    turned = np.nansum(phi * (a - b), axis=0) < 0  # such as counts of errors
    scores = np.where(turned[None, :, None], -dataset.scores, dataset.scores)
    a, b = scores[:, :, 0], scores[:, :, 1]
    lost = np.where(phi > 0, b, np.where(phi < 0, a, np.nan))
    won = np.where(phi > 0, a, np.where(phi < 0, b, np.nan))
    known = ~(np.isnan(lost) | np.isnan(won)).all(axis=0)
    losing, winning = np.full(phi.shape[1], np.nan), np.full(phi.shape[1], np.nan)
    losing[known], winning[known] = np.nanmax(lost[:, known], axis=0), np.nanmin(won[:, known], axis=0)
    return scores, losing, winning


def _asked(dataset: PairDataset) -> BoolArray:
    found = np.ones(dataset.comparisons.shape, dtype=bool)
    for place, name in enumerate(dataset.property_names):
        condition = SPECIFIC[name][0] if name in SPECIFIC else ""
        if condition in dataset.conditions:
            found[:, place] = dataset.conditions[condition]
    return found


def moves(sides: Sides, place: int, *, more: bool) -> FloatArray:
    """(rows,) by how much the comparison on the property at `place` changes, in [0, 2] for a gain and [-2, 0] for a loss."""
    sign = 1.0 if more else -1.0
    phi = sign * sides.comparisons[:, place]
    score, limit = sides.others[:, place], (sides.losing if more else sides.winning)[place]
    beaten = sign * score <= sign * limit
    with_scores = np.where(beaten, np.maximum(phi, 1.0), np.maximum(phi, 0.0))
    without = np.maximum(phi, np.minimum(phi + 1, 1.0))
    after = np.where(np.isnan(score) | np.isnan(limit), without, with_scores)
    return np.asarray(np.where(sides.asked[:, place], sign * (after - phi), 0.0) + 0.0)


def check_changes(dataset: PairDataset, changes: Sequence[Change]) -> list[int]:
    """The places of the properties of changes that are made together.

    Raises:
        UnknownNameError: there is no such property.
        InputError: one property is to be gained and lost at once, or named twice.
    """
    names = [change.name for change in changes]
    for name in names:
        if name not in dataset.property_names:
            raise UnknownNameError(f"There is no property named {name!r}.", where=dataset.name, accepted=", ".join(dataset.property_names))
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"The property {twice!r} is changed twice at once.", accepted="each property once", remedy="leave one out")
    return [dataset.property_names.index(name) for name in names]
