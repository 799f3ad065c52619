"""What is told of a judge that was asked: how steady it is when the answers change places, and its labels in a form that can be joined again."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd

from dissection.agreement import wilson
from dissection.asking.judging import verdicts_of
from dissection.asking.scores import EQUAL, Grades
from dissection.asking.verdicts import BOTH, Verdicts
from dissection.dataset import FloatArray, PairDataset

RESAMPLES: Final = 2_000


def order_table(found: Mapping[str, Verdicts | Grades], seed: int = 0) -> pd.DataFrame:
    """One row a judge.

    Args:
        found: judge → what it said.
        seed: of the resamples.

    Returns:
        `judge`; `pairs` with a verdict, `ties` among them (the mean over the orders is exactly one half), `missing` pairs; `both`: pairs with
        a verdict in each order; `same`, `same_low`, `same_high`: how many of these, in %, get the same verdict in both (Wilson's 95 %
        interval); `first`, `first_low`, `first_high`: how often, in %, the answer shown first is preferred in these, a tie counting half and
        soft verdicts their probability: 50 without a position bias (95 % from 2,000 resamples of pairs). NaN where `both` is 0, and the
        interval of `first` also where it is the same in every pair, so that resamples can't differ. Grades are given to one answer at a time, so they have no orders.
    """
    return pd.DataFrame([{"judge": judge, **_orders(verdicts_of(one), seed)} for judge, one in found.items()])


def _orders(verdicts: FloatArray, seed: int) -> dict[str, float]:
    known = ~np.isnan(verdicts)
    n = known.sum(axis=1)
    total = np.where(known, verdicts, 0.0).sum(axis=1)
    ties = int(((n > 0) & (np.abs(total - n / 2) < 1e-9)).sum())
    twice = verdicts[n == 2]
    both = len(twice)
    same, low, high = np.nan, np.nan, np.nan
    if both:
        same = float((np.sign(twice[:, 0] - 0.5) == np.sign(twice[:, 1] - 0.5)).mean())
        low, high = (float(end) for end in wilson(same, both))
    first = (twice[:, 0] + 1 - twice[:, 1]) / 2
    ends = (np.nan, np.nan)
    if both and np.ptp(first) > EQUAL:
        rng = np.random.default_rng(seed)
        means = [first[rng.integers(both, size=both)].mean() for _ in range(RESAMPLES)]
        ends = tuple(np.quantile(means, (0.025, 0.975)))
    counts = {"pairs": int((n > 0).sum()), "ties": ties, "missing": int((n == 0).sum()), "both": both}
    shares = {"same": same, "same_low": low, "same_high": high, "first": first.mean() if both else np.nan}
    return {**counts, **{name: 100 * value for name, value in {**shares, "first_low": ends[0], "first_high": ends[1]}.items()}}


def labels_of(dataset: PairDataset, found: Mapping[str, Verdicts | Grades]) -> bytes:
    """The labels as JSON Lines that `read_labels` joins again: verdicts in each order, or both answers' grades.

    Args:
        dataset: that was asked about.
        found: judge → what it said.
    """
    return "".join(json.dumps(row) + "\n" for row in _labels(dataset, found)).encode()


def _labels(dataset: PairDataset, found: Mapping[str, Verdicts | Grades]) -> Iterator[dict[str, object]]:
    for judge, one in found.items():
        for pair_id, pair in zip(dataset.pairs.index, one.values, strict=True):
            if isinstance(one, Grades):
                if not np.isnan(pair).any():
                    yield {"pair_id": pair_id, "judge": judge, "score_a": float(pair[0]), "score_b": float(pair[1])}
                continue
            for order, value in zip(BOTH, pair, strict=True):
                if not np.isnan(value):
                    yield {"pair_id": pair_id, "judge": judge, "order": order, "p_a": float(value)}
