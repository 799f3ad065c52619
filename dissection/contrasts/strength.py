"""How decided a judge is (the length of its weights) apart from what it wants (their direction)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from dissection.agreement import Z_95
from dissection.contrasts.moments import Moments, Statistic
from dissection.dataset import FloatArray, PairDataset
from dissection.errors import InputError

NAN = float("nan")


class Number(NamedTuple):
    """An estimate with its 95 % interval; NaN where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Relation:
    """How a second judge's weights stand to a first's.

    Attributes:
        first, second: names.
        ratio: the second's strength as a share of the first's.
        raw_cosine: of the two estimates, dragged towards 0 by noise.
        ceiling: the raw cosine that two judges of one direction would have, with this much noise.
        cosine: of the directions, freed of noise; 1 is the same direction.
        distance: length of the difference of the weights, freed of noise, in log-odds.
        n_first, n_second: pairs; 0 for published weights.
        reason: why numbers or intervals are missing, or empty.
    """

    first: str
    second: str
    ratio: Number
    raw_cosine: float
    ceiling: float
    cosine: Number
    distance: Number
    n_first: int
    n_second: int
    reason: str = ""


def strengths(found: Moments) -> pd.DataFrame:
    """How decided each judge is.

    Returns:
        One row a judge: `judge`, `strength` (length of its weights in log-odds, root mean square over groups), `low`, `high` (95 %), `n`,
        `groups` (how many), `reason` (why there is no interval).
    """
    rows = []
    for place, judge in enumerate(found.judges):
        number = _length(found, _square(place, place), len(found.groups))
        rows.append(
            {
                "judge": judge,
                "strength": number.value,
                "low": number.low,
                "high": number.high,
                "n": int(found.n[place]),
                "groups": len(found.groups),
                "reason": found.reason,
            }
        )
    return pd.DataFrame(rows)


def relation(found: Moments, first: str, second: str) -> Relation:
    """Ratio of strengths, directions and distance of two judges.

    Intervals are the estimate ± 1.96 jackknife standard errors: of the ratio on the log scale, of the distance on its square; cosines are
    cut at ±1 and distances at 0. Ratio and cosine have no numbers where a judge's squared strength is not clear of zero.

    Raises:
        InputError: a judge that is not among those of the moments, or one judge twice.
    """
    one, two = found.index(first), found.index(second)
    if one == two:
        raise InputError(f"Both judges are {first!r}.", accepted="two judges that differ", remedy="choose another judge")
    scale = np.sqrt(found.raw[one, one] * found.raw[two, two])
    raw = float(found.raw[one, two] / scale) if scale > 0 else NAN
    n = int(found.n[one]), int(found.n[two])
    distance = _length(found, _square(one, two), len(found.groups))
    faint = [judge for judge, place in ((first, one), (second, two)) if not _clear(found, place)]
    if faint:
        reason = f"the weights of {' and '.join(faint)} can't be told from noise on so few pairs"
        return Relation(first, second, Number(NAN, NAN, NAN), raw, NAN, Number(NAN, NAN, NAN), distance, *n, reason)
    own, other = found.products[one, one], found.products[two, two]
    ratio = _interval(found, lambda part: 0.5 * np.log(_positive(part[..., two, two]) / _positive(part[..., one, one])))
    cosine = _interval(found, lambda part: part[..., one, two] / np.sqrt(_positive(part[..., one, one]) * _positive(part[..., two, two])))
    ceiling = float(np.sqrt(own * other) / scale)
    cut = Number(*(float(np.clip(value, -1.0, 1.0)) for value in cosine))
    return Relation(first, second, Number(*(float(np.exp(value)) for value in ratio)), raw, ceiling, cut, distance, *n, found.reason)


def relation_table(found: Sequence[Relation]) -> pd.DataFrame:
    """One row a pair of judges: the fields of `Relation`, numbers with their ends as `ratio`, `ratio_low`, `ratio_high` and so on."""
    rows = []
    for one in found:
        row: dict[str, object] = {"first": one.first, "second": one.second}
        for name in ("ratio", "cosine", "distance"):
            number: Number = getattr(one, name)
            row |= {name: number.value, f"{name}_low": number.low, f"{name}_high": number.high}
        rows.append(row | {name: getattr(one, name) for name in ("raw_cosine", "ceiling", "n_first", "n_second", "reason")})
    return pd.DataFrame(rows)


def soft_judges(dataset: PairDataset) -> tuple[str, ...]:
    """The judges that gave probabilities and not only A, B and ties."""
    plain = np.isnan(dataset.verdicts) | np.isin(dataset.verdicts, (0.0, 0.5, 1.0))
    return tuple(name for place, name in enumerate(dataset.judge_names) if not plain[:, place].all())


def decidedness(dataset: PairDataset, judges: Sequence[str], group: str | None = None) -> pd.DataFrame:
    """How far apart a judge puts the two answers: |P(A) - P(B)| of each pair, from 0 to 1.

    Of a pair that was asked in both orders the mean probability counts, so orders that contradict each other give 0.

    Args:
        dataset: with pairs.
        judges: of `soft_judges`.
        group: a name; None: all pairs.

    Returns:
        One row a judge × pair with a verdict: `judge`, `pair_id`, `scenario`, `decidedness`.

    Raises:
        UnknownNameError: no such judge or group.
        InputError: a judge that gave no probabilities.
    """
    soft = soft_judges(dataset) if dataset.has_pairs else ()
    members = dataset.members(dataset.group(group)) if group is not None else np.ones(len(dataset), dtype=bool)
    frames = []
    for judge in judges:
        labels = dataset.labels[:, dataset.judge_index(judge)] if dataset.has_pairs else np.empty(0)
        if judge not in soft:
            raise InputError(
                f"The judge {judge!r} gave no probabilities, only whole verdicts, so how decided it was on a pair is not known.",
                where=dataset.name,
                accepted=", ".join(soft) or "judges with verdicts such as 0.8",
                remedy="upload the judge's probabilities as its labels",
            )
        rows = np.flatnonzero(members & ~np.isnan(labels))
        pairs = dataset.pairs
        frames.append(
            pd.DataFrame(
                {
                    "judge": judge,
                    "pair_id": pairs.index[rows],
                    "scenario": pairs["scenario"].to_numpy()[rows],
                    "decidedness": np.abs(2 * labels[rows] - 1),
                }
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["judge", "pair_id", "scenario", "decidedness"])


def _positive(values: FloatArray) -> FloatArray:
    # A part that leaves nothing of a squared length counts as nearly nothing, which widens the interval.
    return np.maximum(values, 1e-9)


def _square(one: int, two: int) -> Statistic:
    """The squared length of a judge's weights, or of the difference of two judges'."""
    if one == two:
        return lambda part: np.asarray(part[..., one, one])
    return lambda part: np.asarray(part[..., one, one] + part[..., two, two] - 2 * part[..., one, two])


def _interval(found: Moments, statistic: Statistic) -> Number:
    value, reach = float(statistic(found.products)), Z_95 * found.scatter(statistic)
    return Number(value, value - reach, value + reach)


def _length(found: Moments, square: Statistic, groups: int) -> Number:
    """The root of a squared length, cut at 0, a group."""
    return Number(*(float(np.sqrt(max(value, 0.0) / groups)) if np.isfinite(value) else NAN for value in _interval(found, square)))


def _clear(found: Moments, place: int) -> bool:
    number = _interval(found, _square(place, place))
    return number.value > 0 and not number.low <= 0
