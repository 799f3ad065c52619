"""The predicted win rate of a model's answers if they gained or lost properties.

The win rate is W(φ) = mean over pairs of ½σ(α·φ + β) + ½σ(α·φ - β), φ the comparisons of the model's answers against the others', α the
judge's weights and β its position bias (a model's answers are shown first half the time; without an intercept β = 0). The gain of a
change φ → φ' (`changes`) is W(φ') - W(φ), over draws of α and β from the posterior: the posterior predictive of Gelman et al., Bayesian
Data Analysis, chapter 6. Two 95 % intervals are given. The *expected* one holds W for queries such as these: in each draw the queries are
resampled too. The *fresh* one holds the share of wins in as many new verdicts on these very pairs, coin tosses of the judge included.

The gain of one change has the sign of its weight on every pair. So of many changes tried one by one those are kept whose weights are told
from indifference at a false discovery rate of 5 % over all properties (`told_apart`); a gain and the loss of the same are one question.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from dissection.dataset import BoolArray, FloatArray, PairDataset
from dissection.errors import InputError, UnknownNameError
from dissection.explanation import weight_draws
from dissection.regression.folds import IntArray
from dissection.substance.strengths import models_of
from dissection.sway.basis import Basis, told_apart
from dissection.sway.changes import Change, Sides, check_changes, moves, seen_from

Progress = Callable[[int, int], None]
DRAWS = 500
MOST_PAIRS = 5_000  # of more a sample is predicted: it is nearly as sure, and the visitor need not wait
ENDS = (0.025, 0.975)
GAIN_COLUMNS = (
    *("changes", "together", "gain", "low", "high", "rate", "rate_low", "rate_high", "fresh_low", "fresh_high"),
    *("changed", "each", "each_low", "each_high", "n", "decided", "discovery"),
)


@dataclass(frozen=True, eq=False)
class Gains:
    """Predictions for one judge and one set of pairs; win rates and gains in percentage points.

    Attributes:
        judge: its name.
        model: whose answers change; None: either side.
        table: one row a set of changes, in the order they were asked, `GAIN_COLUMNS`. `gain` with `low` to `high` and `rate` (after the
            change) with `rate_low` to `rate_high`: expected, for queries such as these. `fresh_low` to `fresh_high`: the share of wins
            after the change in n fresh verdicts on these pairs. `changed`: per cent of pairs in which a comparison changes; `each` with
            its ends: points gained on those alone, expected as `gain` is, from -100 to 100, NaN where there are none. `decided`: the
            interval of the gain leaves out 0; `discovery`: and each property that changes is told from indifference at a false
            discovery rate of 5 % over all properties.
        now: (rate, low, high) expected before any change; 50 exactly where either side stands for the model.
        observed: per cent of the judge's verdicts on these pairs that the model won; NaN where either side stands for it.
        n: pairs.
        verdicts: among them, those with a verdict of this judge.
        queries: that the pairs are of.
        of: pairs that there are; more than n where they were sampled.
        without: pairs that were left out: not all properties assessed, or not of the model against another.
    """

    judge: str
    model: str | None
    table: pd.DataFrame
    now: tuple[float, float, float]
    observed: float
    n: int
    verdicts: int
    queries: int
    of: int
    without: int


class _Field(NamedTuple):
    """The pairs seen from the model, with draws of the weights and (draws × rows) log-odds as things are."""

    sides: Sides
    weights: FloatArray
    bias: FloatArray
    base: FloatArray


class _Rates(NamedTuple):
    """(draws,) win rates on these pairs, on resampled queries, and in fresh verdicts."""

    here: FloatArray
    resampled: FloatArray
    fresh: FloatArray


def predicted_gain(
    dataset: PairDataset,
    basis: Basis,
    changes: Sequence[Sequence[Change]],
    model: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Gains:
    """What each set of changes would do to the win rate of a model's answers.

    Args:
        dataset: with pairs.
        basis: the judge's fit on the pairs that are predicted.
        changes: sets of changes, each made together; the same draws serve all, so their predictions can be compared.
        model: whose answers change; None: either answer of each pair stands for the model, half the time each.
        seed: of the draws.
        progress: called with (sets done, sets in all).

    Raises:
        InputError: a property is changed twice at once, or no pair is left; UnknownNameError: a property or model that there is not.
    """
    places = [check_changes(dataset, together) for together in changes]
    rows, of, without = _rows(dataset, basis, model, seed)
    rng = np.random.default_rng(seed)
    field = _field(dataset, basis, rows, model, seed)
    queries = np.unique(basis.queries[rows], return_inverse=True)[1]
    counts = _resamples(queries, rng)
    noise = rng.standard_normal((2, DRAWS))
    now = _now(field, counts, noise[0])
    held = told_apart(basis.posterior)
    table: list[tuple[object, ...]] = []
    for together, at in zip(changes, places, strict=True):
        if progress:
            progress(len(table), len(changes))
        row = _predicted(together, at, field, now, counts, noise[1])
        table.append((*row, bool(row[-1] and held[at].all())))
    won = _won(dataset, basis, field.sides)
    low, high = np.quantile(now.resampled, ENDS)
    return Gains(
        judge=basis.judge,
        model=model,
        table=pd.DataFrame(table, columns=list(GAIN_COLUMNS)),
        now=(100 * float(now.here.mean()), 100 * float(low), 100 * float(high)),
        observed=100 * float(won.mean()) if model and len(won) else np.nan,
        n=len(rows),
        verdicts=len(won),
        queries=int(queries.max()) + 1,
        of=of,
        without=without,
    )


def _won(dataset: PairDataset, basis: Basis, sides: Sides) -> FloatArray:
    """How far the model won in each verdict that there is, 0 to 1."""
    labels = dataset.labels[sides.rows, dataset.judge_index(basis.judge)]
    return np.asarray(np.where(sides.flipped, 1 - labels, labels)[~np.isnan(labels)])


def _rows(dataset: PairDataset, basis: Basis, model: str | None, seed: int) -> tuple[IntArray, int, int]:
    """Places of the pairs, at most `MOST_PAIRS`; how many there are; and how many can't be used."""
    usable = basis.members & dataset.assessed
    if model is not None:
        names = dataset.pairs[["model_a", "model_b"]]
        known = ", ".join(models_of(dataset)) or "none: no model is named"
        if not (names == model).any(axis=None):
            raise UnknownNameError(f"No answer is of {model!r}.", where=dataset.name, accepted=known)
        usable &= ((names["model_a"] == model) ^ (names["model_b"] == model)).to_numpy(dtype=bool)
    rows = np.flatnonzero(usable)
    of = len(rows)
    if not of:
        raise InputError(
            "No pair is left to predict.",
            where=basis.where + (f", {model}" if model else ""),
            accepted="pairs with all properties assessed" + (", of the model against another" if model else ""),
            remedy="choose other pairs" + (" or another model" if model else ""),
        )
    if of > MOST_PAIRS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_PAIRS, replace=False))
    return rows, of, int(basis.members.sum()) - of


def _field(dataset: PairDataset, basis: Basis, rows: IntArray, model: str | None, seed: int) -> _Field:
    posterior = basis.posterior
    bias = posterior.position_bias is not None
    drawn = weight_draws(posterior, np.arange(len(posterior.mean)), position=bias, draws=DRAWS, seed=seed)
    weights, last = (drawn[:, :-1], drawn[:, -1:]) if bias else (drawn, np.empty((DRAWS, 0)))
    sides = seen_from(dataset, rows, model)
    return _Field(sides, weights, last, weights @ sides.comparisons.T)


def _chances(field: _Field, log_odds: FloatArray) -> FloatArray:
    """(draws × pairs) chances that the model's answer wins, over both orders and, where either side stands for it, both sides."""
    chance = (expit(log_odds + field.bias) + expit(log_odds - field.bias)) / 2 if field.bias.size else expit(log_odds)
    half = len(field.sides.rows)
    return np.asarray((chance[:, :half] + chance[:, half:]) / 2 if field.sides.both else chance)


def _now(field: _Field, counts: FloatArray, noise: FloatArray) -> _Rates:
    # Where either side stands for the model it is as likely to win as not, whatever the weights.
    return _rates(np.full(counts.shape, 0.5) if field.sides.both else _chances(field, field.base), counts, noise)


def _resamples(queries: IntArray, rng: np.random.Generator) -> FloatArray:
    """(draws × pairs) how often each pair is there when queries are drawn with replacement."""
    size = int(queries.max()) + 1
    return np.stack([np.bincount(rng.integers(size, size=size), minlength=size)[queries] for _ in range(DRAWS)]).astype(float)


def _rates(chance: FloatArray, counts: FloatArray, noise: FloatArray) -> _Rates:
    here = chance.mean(axis=1)
    resampled = (counts * chance).sum(axis=1) / counts.sum(axis=1)
    # A sum of many unequal coin tosses is all but normal.
    tosses = np.sqrt((chance * (1 - chance)).sum(axis=1)) / chance.shape[1]
    return _Rates(here, resampled, np.clip(here + noise * tosses, 0.0, 1.0))


def _predicted(
    together: Sequence[Change], places: Sequence[int], field: _Field, now: _Rates, counts: FloatArray, noise: FloatArray
) -> tuple[object, ...]:
    log_odds, touched = field.base, np.zeros(len(field.sides.comparisons), dtype=bool)
    for change, place in zip(together, places, strict=True):
        move = moves(field.sides, place, more=change.more)
        touched |= move != 0
        log_odds = log_odds + field.weights[:, place : place + 1] * move
    after = _rates(_chances(field, log_odds), counts, noise)
    share = float(touched.mean())
    gain = 100 * float((after.here - now.here).mean())
    gains = 100 * (after.resampled - now.resampled)
    low, high = np.quantile(gains, ENDS)
    rate_low, rate_high = np.quantile(100 * after.resampled, ENDS)
    fresh_low, fresh_high = np.quantile(100 * after.fresh, ENDS)
    each = (gain / share, *_each(gains, touched, counts)) if share else (np.nan,) * 3
    rate = (100 * after.here.mean(), rate_low, rate_high, fresh_low, fresh_high)
    words = ", ".join(change.words for change in together)
    n = len(field.sides.rows)
    return (words, len(together), gain, low, high, *rate, 100 * share, *each, n, bool(low > 0 or high < 0))


def _each(gains: FloatArray, touched: BoolArray, counts: FloatArray) -> tuple[float, float]:
    """The ends of what is gained on the pairs that change; their share is another on each draw of the queries."""
    of_pair = touched.reshape(-1, counts.shape[1]).mean(axis=0)
    shares = counts @ of_pair / counts.sum(axis=1)
    low, high = np.nanquantile(np.divide(gains, shares, out=np.full(len(gains), np.nan), where=shares > 0), ENDS)
    return float(low), float(high)


def single_changes(dataset: PairDataset) -> list[tuple[Change]]:
    """Every property gained alone, and every one lost alone."""
    return [(Change(name, more),) for name in dataset.property_names for more in (True, False)]


def best_changes(gains: Gains, changes: Sequence[Sequence[Change]], top: int, *, worst: bool = False) -> list[Change]:
    """The changes with the largest predicted gains among the discoveries (see `Gains`), one a property, the largest first.

    Args:
        gains: of single changes.
        changes: those, in the same order.
        top: at most so many, at least 1.
        worst: the largest losses instead.

    Raises:
        InputError: fewer than one is asked for.
    """
    if top < 1:
        raise InputError(f"The number of changes is {top}.", accepted="a whole number from 1", remedy="ask for at least one")
    size = gains.table["gain"].to_numpy(dtype=float) * (-1 if worst else 1)
    # Of many that are not told apart from 0 the largest are large by chance.
    told = gains.table["discovery"].to_numpy(dtype=bool)
    found: dict[str, Change] = {}
    for place in np.argsort(-size, kind="stable"):
        (change,) = changes[int(place)]
        if told[place] and size[place] > 0 and len(found) < top:
            found.setdefault(change.name, change)
    return list(found.values())


def cumulative(changes: Sequence[Change]) -> Iterator[tuple[Change, ...]]:
    """The first change alone, the first two together, and so on."""
    return (tuple(changes[: size + 1]) for size in range(len(changes)))
