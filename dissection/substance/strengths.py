"""Models' strengths by each judge, from the pairs: P(model i beats model j) = σ(θ_i - θ_j).

The model is that of Bradley and Terry (1952, doi:10.2307/2334029), fitted by `choix` (Maystre & Grossglauser, "Fast and accurate inference
of Plackett-Luce models", NeurIPS 2015). A tie is half a win for each, a soft verdict a part of one. Each model is given one tie more, spread
over all others, so that one that never lost has a finite strength.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from dissection.dataset import FloatArray, Group, PairDataset
from dissection.errors import InputError
from dissection.regression.folds import query_clusters

Progress = Callable[[int, int], None]
IntArray = NDArray[np.intp]

RESAMPLES = 200
MOST_MODELS = 500
MOST_STEPS, TOLERANCE = 2_000, 1e-6  # of the fit's iterations
STRENGTH_COLUMNS = ("judge", "model", "strength", "low", "high", "comparisons", "wins")


@dataclass(frozen=True, eq=False)
class Strengths:
    """One judge's strengths of models, in log-odds; 0 is the mean of those that are connected.

    Attributes:
        judge: its name.
        models: connected by comparisons, in the order of their names in the pairs.
        mean: (models,) strengths.
        draws: (resamples × models) strengths on resampled queries.
        comparisons, wins: (models,) how many comparisons each was in, and won (ties half).
        left_out: models that no chain of comparisons joins to the others, so that their strengths can't be put on one scale.
        n: pairs that were used.
        queries: that were drawn from.
    """

    judge: str
    models: tuple[str, ...]
    mean: FloatArray
    draws: FloatArray
    comparisons: FloatArray
    wins: FloatArray
    left_out: tuple[str, ...]
    n: int
    queries: int


class _Games:
    """The comparisons of different models: (pairs,) the two models' places, and the cluster of the query."""

    def __init__(self, dataset: PairDataset, group: Group | None) -> None:
        models = dataset.pairs[["model_a", "model_b"]].astype(object)
        rows = (models.notna().all(axis=1) & (models["model_a"] != models["model_b"])).to_numpy(dtype=bool)
        self.rows = rows & (dataset.members(group) if group else True)
        self.names = models_of(dataset)
        place = {name: at for at, name in enumerate(self.names)}
        self.a, self.b = (models.loc[self.rows, side].map(place).to_numpy(dtype=np.intp) for side in ("model_a", "model_b"))
        self.cluster = np.unique(query_clusters(dataset)[self.rows], return_inverse=True)[1]

    def wins(self, labels: FloatArray, counts: FloatArray) -> FloatArray:
        """(models × models) how often the row's model won against the column's; pairs without a label count for nothing."""
        size = len(self.names)
        answered = ~np.isnan(labels)
        weight, label = np.where(answered, counts, 0.0), np.where(answered, labels, 0.0)
        flat = np.bincount(self.a * size + self.b, weight * label, size * size)
        flat += np.bincount(self.b * size + self.a, weight * (1 - label), size * size)
        return np.asarray(flat.reshape(size, size), dtype=np.float64)


def models_of(dataset: PairDataset) -> tuple[str, ...]:
    """The models that are named in the pairs, in the order of their names."""
    named = pd.concat([dataset.pairs["model_a"], dataset.pairs["model_b"]]).dropna() if dataset.has_pairs else []
    return tuple(sorted({str(name) for name in named}))


def strengths(
    dataset: PairDataset,
    judges: Sequence[str] | None = None,
    group: str | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Strengths]:
    """Judge → strengths of the models, of judges with at least one comparison of different models.

    Args:
        dataset: pairs that name the models of both answers.
        judges: names; None: all.
        group: name of a scenario or condition; None: all pairs.
        resamples: of the queries, at least 200; all judges get the same ones.
        seed: of the resamples.
        progress: called with (fits done, fits in all).

    Raises:
        UnknownNameError: a judge or group that there is not.
        InputError: no pair compares two named models, there are too many models, or too few resamples.
    """
    names = dataset.judge_names if judges is None else tuple(judges)
    columns = [dataset.judge_index(name) for name in names]
    _check(dataset, resamples)
    games = _Games(dataset, dataset.group(group) if group else None)
    if not len(games.a):
        raise InputError(
            "No pair is of two models that differ.",
            where=f"{dataset.name}{', ' + group if group else ''}",
            accepted="pairs with `model_a` and `model_b`",
            remedy="add the names of the models to the file, or choose other pairs",
        )
    queries = int(games.cluster.max()) + 1
    rng = np.random.default_rng(seed)
    counts = np.stack([np.bincount(rng.integers(queries, size=queries), minlength=queries) for _ in range(resamples)]).astype(float)
    found: dict[str, Strengths] = {}
    for done, (name, column) in enumerate(zip(names, columns, strict=True)):
        report = (lambda at, done=done: progress(done * resamples + at, len(names) * resamples)) if progress else None
        one = _of_judge(name, dataset.labels[games.rows, column], games, counts, report)
        if one is not None:
            found[name] = one
    return found


def _check(dataset: PairDataset, resamples: int) -> None:
    if resamples < RESAMPLES:
        raise InputError(f"The number of resamples is {resamples}.", accepted=f"at least {RESAMPLES}", remedy=f"use {RESAMPLES}")
    if (number := len(models_of(dataset))) > MOST_MODELS:
        raise InputError(
            f"The pairs are of {number:,} models.",
            where=dataset.name,
            accepted=f"at most {MOST_MODELS}",
            remedy="check that `model_a` and `model_b` hold names of models; leave rare ones out",
        )


def _of_judge(judge: str, labels: FloatArray, games: _Games, counts: FloatArray, report: Callable[[int], None] | None) -> Strengths | None:
    answered = ~np.isnan(labels)
    if not answered.any():
        return None
    wins = games.wins(labels, np.ones(len(labels)))
    met = wins + wins.T
    _, part = connected_components(met > 0, directed=False)
    played = met.sum(axis=1)
    # The largest part by comparisons; models that this judge never saw are parts of one.
    largest = int(np.bincount(part, played).argmax())
    kept = np.flatnonzero(part == largest)
    inside = np.isin(games.a, kept) & answered
    draws = np.empty((len(counts), len(kept)))
    mean = bradley_terry(wins[np.ix_(kept, kept)])
    for at, count in enumerate(counts):
        draws[at] = bradley_terry(games.wins(labels, count[games.cluster])[np.ix_(kept, kept)], mean)
        if report:
            report(at + 1)
    return Strengths(
        judge=judge,
        models=tuple(games.names[place] for place in kept),
        mean=mean,
        draws=draws,
        comparisons=played[kept],
        wins=wins.sum(axis=1)[kept],
        left_out=tuple(name for place, name in enumerate(games.names) if part[place] != largest),
        n=int(inside.sum()),
        queries=len(np.unique(games.cluster[inside])),
    )


def bradley_terry(wins: FloatArray, start: FloatArray | None = None) -> FloatArray:
    """(models,) strengths in log-odds with mean 0, by maximum likelihood with one tie more for each model, spread over all others.

    Args:
        wins: (models × models) how often the row's model beat the column's; parts of a win are allowed.
        start: where the search begins.

    Raises:
        InputError: it did not settle.
    """
    import choix

    size = len(wins)
    spread = wins + 0.5 / max(size - 1, 1) * (1 - np.eye(size))
    try:
        found = choix.ilsr_pairwise_dense(spread, initial_params=start, max_iter=MOST_STEPS, tol=TOLERANCE * size)
    except (RuntimeError, ValueError) as error:
        raise InputError(
            "The models' strengths did not settle.",
            accepted="models that are compared with several others",
            remedy="leave out models that were hardly ever compared",
        ) from error
    return np.asarray(found - found.mean(), dtype=np.float64)


def strengths_frame(found: dict[str, Strengths]) -> pd.DataFrame:
    """One row a judge and model, `STRENGTH_COLUMNS`; the ends hold 95 % of the strengths on resampled queries."""
    rows = []
    for judge, one in found.items():
        low, high = np.quantile(one.draws, [0.025, 0.975], axis=0)
        rows += [
            (judge, model, float(one.mean[at]), float(low[at]), float(high[at]), round(one.comparisons[at]), float(one.wins[at]))
            for at, model in enumerate(one.models)
        ]
    return pd.DataFrame(rows, columns=list(STRENGTH_COLUMNS))
