"""How alike judges are: correlation of their weights."""

from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from dissection.dataset import FloatArray
from dissection.errors import InputError, UnknownNameError
from dissection.properties import describe
from dissection.regression.posterior import Posterior

Method = Literal["pearson", "spearman", "cosine"]
METHODS: tuple[Method, ...] = ("pearson", "spearman", "cosine")
LENGTH = "longer"  # its name in the catalogue
FLAT = 1e-12  # weights whose spread is this share of their size are equal


def similarity_matrix(posteriors: Sequence[Posterior], method: str = "pearson", without: Collection[str] = ()) -> pd.DataFrame:
    """Judges × judges, from -1 to 1; 1 on the diagonal.

    In one group, the correlation of the two judges' posterior means over the properties. Over several groups, the mean of the groups'
    correlations (Li et al. 2024, section 4); a group in which a judge has no numbers is left out for that judge, and a pair of judges
    that share no group gets NaN.

    Args:
        posteriors: of the groups to average over; hand in those of scenarios for the overall similarity.
        method: "pearson" or "spearman"; "cosine" keeps the mean weight, so it also asks whether both want more of everything.
        without: properties that are left out, such as `length_properties`.

    Raises:
        UnknownNameError: the method is none of these, or a property that there is not.
        InputError: fewer than two properties are left.
    """
    check_method(method)
    judges = list(dict.fromkeys(posterior.judge for posterior in posteriors))
    groups = list(dict.fromkeys(posterior.group for posterior in posteriors))
    cells = {(posterior.judge, posterior.group): posterior.mean for posterior in posteriors}
    if not judges:
        return pd.DataFrame(dtype=float)
    kept = kept_columns(posteriors[0].properties, without)
    nothing = np.full(len(posteriors[0].properties), np.nan)
    weights = np.stack([[cells.get((judge, group), nothing) for judge in judges] for group in groups])
    return pd.DataFrame(mean_correlations(weights[..., kept], method), index=judges, columns=judges)


def check_method(method: str) -> None:
    """Whether there is such a similarity.

    Raises:
        UnknownNameError: there is none; the message lists those there are.
    """
    if method not in METHODS:
        raise UnknownNameError(f"There is no similarity named {method!r}.", accepted=", ".join(METHODS))


def length_properties(properties: Sequence[str]) -> tuple[str, ...]:
    """Those of these properties that say which answer is longer, by their names in the catalogue."""
    return tuple(name for name in properties if describe(name).name == LENGTH)


def kept_columns(properties: Sequence[str], without: Collection[str]) -> NDArray[np.intp]:
    """The places of the properties that a similarity is made of.

    Raises:
        UnknownNameError: a property that there is not.
        InputError: fewer than two properties are left.
    """
    unknown = [name for name in without if name not in properties]
    if unknown:
        raise UnknownNameError(f"There is no property named {unknown[0]!r} to leave out.", accepted=", ".join(properties))
    kept = np.array([place for place, name in enumerate(properties) if name not in without], dtype=np.intp)
    if without and len(kept) < 2:
        raise InputError(
            f"Without {', '.join(without)} there is {len(kept)} property left.",
            accepted="at least two properties, as a correlation needs",
            remedy="leave fewer out",
        )
    return kept


def mean_correlations(weights: FloatArray, method: str) -> FloatArray:
    """(judges × judges) means over groups of the correlations of (groups × judges × properties) weights; 1 on the diagonal."""
    mean = known_mean(np.stack([_correlations(of_group, method) for of_group in weights]))
    np.fill_diagonal(mean, 1.0)
    return mean


def known_mean(values: FloatArray) -> FloatArray:
    """The mean over the first axis of what is not NaN; NaN where nothing is known."""
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    return np.asarray(np.divide(np.where(known, values, 0).sum(axis=0), count, out=np.full(count.shape, np.nan), where=count > 0))


def paired_correlations(one: FloatArray, other: FloatArray, method: str) -> FloatArray:
    """(…,) correlations of the vectors in the last axes of two arrays of one shape; NaN where one is constant (cosine: zero)."""
    if method == "spearman":
        one, other = rankdata(one, axis=-1), rankdata(other, axis=-1)
    return np.asarray(np.clip((_units(one, method) * _units(other, method)).sum(axis=-1), -1.0, 1.0))


def _units(weights: FloatArray, method: str) -> FloatArray:
    """The vectors of the last axis, centred except for cosine, with length 1; NaN where nothing is left."""
    centred = weights if method == "cosine" else weights - weights.mean(axis=-1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=-1, keepdims=True))
    # Centring leaves rounding errors of equal weights, which are no direction.
    flat = length <= FLAT * np.sqrt((weights**2).sum(axis=-1, keepdims=True))
    return np.asarray(np.divide(centred, length, out=np.full(weights.shape, np.nan), where=~flat))


def _correlations(weights: FloatArray, method: str) -> FloatArray:
    """(judges × judges) correlations of rows; NaN where a row is unknown or constant (cosine: zero)."""
    if method == "spearman":
        known = ~np.isnan(weights).any(axis=1)
        ranked = np.full(weights.shape, np.nan)
        if known.any():
            ranked[known] = rankdata(weights[known], axis=1)
        weights = ranked
    unit = _units(weights, method)
    return np.asarray(np.clip(unit @ unit.T, -1.0, 1.0))
