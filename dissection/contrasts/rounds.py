"""Judges as an ordered series: rounds of a model that rewards itself, or monthly versions of one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from dissection.contrasts.moments import PARTS, moments
from dissection.contrasts.paired import Contrast, contrasts
from dissection.contrasts.resampling import RESAMPLES
from dissection.contrasts.sides import Side
from dissection.contrasts.strength import Relation, relation
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.regression.fit import Progress
from dissection.regression.model import STANDARD, Model
from dissection.regression.posterior import Posterior


@dataclass(frozen=True, eq=False)
class Rounds:
    """A series of judges in one group.

    Attributes:
        judges: in their order.
        group: a name.
        posteriors: of each round.
        to_first: each later round minus the first.
        to_previous: each later round minus the one before it.
        drift: each later round against the first: distance, ratio of strengths, direction. The last is the total drift.
    """

    judges: tuple[str, ...]
    group: str
    posteriors: tuple[Posterior, ...]
    to_first: tuple[Contrast, ...]
    to_previous: tuple[Contrast, ...]
    drift: tuple[Relation, ...]

    def effects(self) -> pd.DataFrame:
        """One row a round × property: `round` (from 1), `judge`, `property`, `mean`, `low`, `high` (95 %, log-odds), `n`, `differs`."""
        rows = [
            pd.DataFrame(
                {
                    "round": number,
                    "judge": found.judge,
                    "property": found.properties,
                    "mean": found.mean,
                    "low": found.low,
                    "high": found.high,
                    "n": found.n,
                    "differs": found.differs,
                }
            )
            for number, found in enumerate(self.posteriors, 1)
        ]
        return pd.concat(rows, ignore_index=True)


def rounds(
    dataset: PairDataset,
    judges: Sequence[str],
    group: str,
    model: Model = STANDARD,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Progress | None = None,
) -> Rounds:
    """The path of each property over the rounds, what changed between them, and how far the judge has drifted.

    Args:
        dataset: with pairs.
        judges: at least two, in the order of the rounds.
        group: a name.
        model: neither pooled nor a mean of folds; strength and distance use a prior of their own (`moments`).
        resamples: of queries, shared by all differences.
        seed: of the resamples.
        progress: called with (refits done, refits in all). What it raises ends the work and goes on to the caller.

    Raises:
        UnknownNameError: no such judge or group.
        InputError: fewer than two rounds, a judge twice, or what `contrasts` and `moments` can't use.
    """
    names = tuple(judges)
    if len(names) < 2 or len(set(names)) < len(names):
        raise InputError(
            f"The rounds are {', '.join(names) or 'none'}.",
            accepted="at least two judges, each once",
            remedy="mark the judges of the series",
        )
    sides = [Side(judge, group) for judge in names]
    pairs = [*((side, sides[0]) for side in sides[1:]), *((later, earlier) for earlier, later in pairwise(sides))]
    ahead, behind = len(names) * PARTS, len(names) * resamples
    found = contrasts(dataset, pairs, model, resamples, seed, _stage(progress, 0, ahead))
    lengths = moments(dataset, names, [group], model, seed, _stage(progress, behind, 0))
    steps = len(names) - 1
    posteriors = (found[0].second, *(one.first for one in found[:steps]))
    drift = tuple(relation(lengths, names[0], judge) for judge in names[1:])
    return Rounds(names, group, posteriors, tuple(found[:steps]), tuple(found[steps:]), drift)


def _stage(progress: Progress | None, before: int, after: int) -> Callable[[int, int], None] | None:
    """Progress of one part of the work as that of the whole."""
    return None if progress is None else lambda done, total: progress(before + done, before + total + after)
