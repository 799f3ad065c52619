"""Intervals, noise ceilings and corrected similarities: against planted tastes, and where there are none."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dissection.dataset import FloatArray, PairDataset
from dissection.errors import InputError, UnknownNameError
from dissection.judges import Judge
from dissection.likeness.likelihoods import gather
from dissection.likeness.reliability import CEILING_COLUMNS, PAIR_COLUMNS, PUBLISHED, likeness, noise_ceilings
from dissection.likeness.reliability import POOLED as NO_POOLED
from dissection.likeness.tastes import correlation_draws, spreads
from dissection.properties import Property
from dissection.readers import open_dataset
from dissection.regression.fit import fit
from dissection.regression.model import PAPER, POOLED, STANDARD
from dissection.similarity import METHODS, paired_correlations, similarity_matrix
from tests.conftest import make_dataset, make_pairs

D = 12


def judged(tastes: FloatArray, n: int, seed: int, shared: float = 0.0) -> PairDataset:
    """Verdicts of judges with (judges × D) tastes on n pairs, with noise that they share to some degree."""
    rng = np.random.default_rng(seed)
    comparisons = rng.integers(-1, 2, size=(n, D)).astype(float)
    noise = np.sqrt(shared) * rng.logistic(size=(n, 1)) + np.sqrt(1 - shared) * rng.logistic(size=(n, len(tastes)))
    verdicts = np.full((n, len(tastes), 2), np.nan)
    verdicts[:, :, 0] = comparisons @ tastes.T + noise > 0
    scores = np.full((n, D, 2), np.nan)
    judges = tuple(Judge(f"j{place}") for place in range(len(tastes)))
    return PairDataset("made up", make_pairs(n), tuple(Property(f"p{i}") for i in range(D)), comparisons, scores, judges, verdicts)


def alike(count: int, rho: float, seed: int) -> FloatArray:
    """(2·count × D) tastes, two and two with this correlation on average."""
    rng = np.random.default_rng(seed)
    one, other = rng.laplace(scale=0.15, size=(2, count, D))
    return np.stack([one, rho * one + np.sqrt(1 - rho**2) * other], axis=1).reshape(2 * count, D)


def row(pairs: pd.DataFrame, judge: str, other: str) -> pd.Series:
    return pairs[(pairs["judge"] == judge) & (pairs["other"] == other)].iloc[0]


# --- planted tastes --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("rho", "shared"), [(0.0, 0.0), (0.6, 0.3), (0.9, 0.0)])
def test_intervals_hold_the_correlation_of_the_tastes(method: str, rho: float, shared: float) -> None:
    """Where plain correlations of estimates are far too low: 80 pairs of judges, of whose intervals at least 90 % must hold the truth."""
    tastes = alike(80, rho, seed=1)
    data = judged(tastes, 250, seed=2, shared=shared)
    evidence = gather(data, PAPER, range(160), data.scenarios, None)
    one, other = np.arange(0, 160, 2), np.arange(1, 160, 2)
    kept = np.arange(D)
    draws = correlation_draws(evidence, one, other, spreads(evidence, method), method, kept)
    low, high = np.quantile(draws, [0.025, 0.975], axis=1)
    truth = paired_correlations(tastes[::2], tastes[1::2], method)
    assert ((low <= truth) & (truth <= high)).mean() >= 0.9
    if rho == 0.9:
        plain = paired_correlations(evidence.mean[0, ::2], evidence.mean[0, 1::2], method)
        assert np.median(truth - plain) > 0.1, "the estimates are less alike than the tastes"
        assert abs(np.median(truth - np.median(draws, axis=1))) < np.median(truth - plain)


@pytest.mark.parametrize("n", [100, 400])
def test_the_ceiling_is_what_fresh_pairs_give(n: int) -> None:
    tastes = alike(20, 0.5, seed=3)
    one, other = (judged(tastes, n, seed) for seed in (4, 5))
    means = [np.stack([posterior.mean for posterior in fit(data, PAPER, groups=["All"])]) for data in (one, other)]
    ceilings = noise_ceilings(one, PAPER, one.scenarios, "pearson", np.arange(D))
    assert ceilings.shape == (1, 40)
    assert ceilings.mean() == pytest.approx(paired_correlations(*means, "pearson").mean(), abs=0.06)


def test_shared_noise_makes_estimates_alike_and_not_the_corrected_similarity() -> None:
    tastes = alike(20, 0.0, seed=6)
    one, other, kept = np.arange(0, 40, 2), np.arange(1, 40, 2), np.arange(D)
    plain, corrected = [], []
    for shared in (0.0, 0.9):
        data = judged(tastes, 200, seed=7, shared=shared)
        evidence = gather(data, PAPER, range(40), data.scenarios, None)
        plain.append(paired_correlations(evidence.mean[0, one], evidence.mean[0, other], "pearson").mean())
        draws = correlation_draws(evidence, one, other, spreads(evidence, "pearson"), "pearson", kept)
        corrected.append(np.median(draws, axis=1).mean())
    assert plain[1] - plain[0] > 0.2
    assert abs(corrected[1] - corrected[0]) < 0.1


def test_more_pairs_narrow_the_interval_and_raise_the_ceiling() -> None:
    tastes = alike(2, 0.7, seed=8)
    few, many = (likeness(judged(tastes, n, seed=9)) for n in (80, 1500))
    assert ((many.pairs["high"] - many.pairs["low"]) < (few.pairs["high"] - few.pairs["low"])).all()
    assert (many.ceilings["ceiling"] > few.ceilings["ceiling"]).all()
    assert many.ceilings["n"].tolist() == [1500] * 4


# --- the frames ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [STANDARD, PAPER])
@pytest.mark.parametrize("method", METHODS)
def test_similarities_are_those_of_the_matrix(model: object, method: str) -> None:
    data = make_dataset(n=120, d=5, weights={"a": [1, 0, 0.5, 0, 0], "b": [0, 1, 0, 0.3, 0], "c": [1, 0, 0, 0, 1]}, both_orders=True)
    found = likeness(data, model, method=method, without=["p4"])  # type: ignore[arg-type]
    matrix = similarity_matrix(fit(data, model, groups=["Code", "Advice"]), method, ["p4"])  # type: ignore[arg-type]
    assert list(found.pairs.columns) == list(PAIR_COLUMNS)
    assert list(found.ceilings.columns) == list(CEILING_COLUMNS)
    for _, pair in found.pairs.iterrows():
        assert pair["similarity"] == pytest.approx(matrix.loc[pair["judge"], pair["other"]], abs=1e-9)
        assert -1 <= pair["low"] <= pair["corrected"] <= pair["high"] <= 1
        assert (pair["groups"], pair["n"], pair["n_other"], pair["common"]) == (2, 120, 120, 120)
    assert found.ceilings["ceiling"].between(0, 1).all()


def test_a_pair_of_judges_does_not_depend_on_the_others_asked_together() -> None:
    tastes = alike(8, 0.5, seed=10)
    data = judged(tastes, 150, seed=11)
    evidence = gather(data, PAPER, range(16), data.scenarios, None)
    spread, kept = spreads(evidence, "pearson"), np.arange(D)
    all_draws = correlation_draws(evidence, np.arange(8), np.arange(8, 16), spread, "pearson", kept)
    alone = correlation_draws(evidence, np.array([3]), np.array([11]), spread, "pearson", kept)
    np.testing.assert_allclose(all_draws[3], alone[0], atol=1e-9)


def test_progress_counts_pairs_of_judges_and_what_it_raises_ends_the_work() -> None:
    data = judged(alike(3, 0.5, seed=12), 60, seed=13)
    steps: list[tuple[int, int]] = []
    likeness(data, progress=lambda done, total: steps.append((done, total)))
    assert steps[0] == (0, 15)
    assert steps[-1] == (15, 15)

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        likeness(data, progress=stop)


# --- where there is nothing to say -----------------------------------------------------------------------------------------------------


def test_published_weights_say_why_they_have_no_intervals(published: Path) -> None:
    found = likeness(open_dataset(published))
    assert set(found.pairs["remark"]) == {PUBLISHED} == {"no intervals: posterior means only"}
    assert found.pairs[["low", "high", "ceiling", "corrected"]].isna().all(axis=None)
    pair = row(found.pairs, "human", "gpt-4-1106-preview")
    assert round(pair["similarity"], 3) == 0.742
    assert pair["groups"] == 11


def test_the_pooled_model_has_similarities_alone() -> None:
    dataset = make_dataset(n=60)
    found = likeness(dataset, POOLED)
    known = likeness(dataset, POOLED, posteriors=fit(dataset, POOLED, groups=[group.name for group in dataset.scenarios]))
    pd.testing.assert_frame_equal(known.pairs, found.pairs)
    assert found.pairs["remark"].tolist() == [NO_POOLED]
    assert np.isfinite(found.pairs["similarity"]).all()
    assert found.ceilings["n"].tolist() == [60, 60]


def changed(verdicts: Mapping[int, FloatArray], n: int = 80) -> PairDataset:
    """Judges "one" and "two" with other verdicts, given as a column's (pairs,) where A was shown first."""
    data = make_dataset(n=n)
    made = data.verdicts.copy()
    for column, values in verdicts.items():
        made[:, column, 0] = values
    return replace(data, verdicts=made)


def test_judges_with_no_pair_in_common_and_with_one() -> None:
    data = make_dataset(n=80)
    first, second = data.verdicts[:, 0, 0].copy(), data.verdicts[:, 1, 0].copy()
    first[40:], second[:40] = np.nan, np.nan
    (pair,) = likeness(changed({0: first, 1: second})).pairs.itertuples()
    assert (pair.common, pair.n, pair.n_other) == (0, 40, 40)
    assert "no pair in common" in pair.remark
    assert pair.low < pair.high
    second[39] = 1.0
    (pair,) = likeness(changed({0: first, 1: second})).pairs.itertuples()
    assert pair.common == 1
    assert "one pair in common" in pair.remark


def test_identical_judges() -> None:
    data = make_dataset(n=80)
    (pair,) = likeness(changed({1: data.verdicts[:, 0, 0]})).pairs.itertuples()
    assert pair.remark == "the same verdicts on all 80 common pairs"
    assert pair.similarity == pytest.approx(1)
    assert pair.corrected > 0.9


def test_constant_judges() -> None:
    (pair,) = likeness(changed({0: np.ones(80)})).pairs.itertuples()
    assert pair.remark == "one gave the same verdict on every pair"
    assert -1 <= pair.low < pair.high <= 1


def test_a_judge_without_verdicts_in_a_scenario_and_in_none() -> None:
    data = make_dataset(n=80)
    code = (data.pairs["scenario"] == "Code").to_numpy()
    (pair,) = likeness(changed({0: np.where(code, np.nan, data.verdicts[:, 0, 0])})).pairs.itertuples()
    assert (pair.groups, pair.n, pair.remark) == (1, 40, "")
    other = np.where(code, data.verdicts[:, 1, 0], np.nan)
    (pair,) = likeness(changed({0: np.where(code, np.nan, data.verdicts[:, 0, 0]), 1: other})).pairs.itertuples()
    assert pair.remark == "no group in which both judged: one has 1, two has 1"
    assert np.isnan(pair.low)
    found = likeness(changed({0: np.full(80, np.nan)}))
    assert found.pairs["remark"].tolist() == ["one: no verdicts here"]
    assert found.ceilings["remark"].tolist() == ["no verdicts here", ""]


def test_very_few_pairs_have_wide_intervals_and_no_ceiling() -> None:
    found = likeness(make_dataset(n=2))
    assert (found.pairs["high"] - found.pairs["low"]).min() > 1.2
    assert found.ceilings["remark"].tolist() == ["too few queries to split in halves"] * 2


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="pearson, spearman, cosine"):
        likeness(make_dataset(), method="kendall")
    with pytest.raises(UnknownNameError, match="no scenario or condition named 'Poems'"):
        likeness(make_dataset(), groups=["Poems"])
    with pytest.raises(InputError, match="1 property left"):
        likeness(make_dataset(), without=["p0", "p1"])
