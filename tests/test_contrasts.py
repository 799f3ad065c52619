"""Differences of judges: what is planted is found, intervals know that both judged the same pairs, and bad input is told in words."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.contrast_coverage import called_different, coverage
from dissection.contrasts.paired import APART, SAME_VERDICTS, against_reference, contrast, contrasts
from dissection.contrasts.resampling import batch_of, bootstrap, fit_batch, renumbered, resampled_means
from dissection.contrasts.shape import Marginals, difference_ends
from dissection.contrasts.sides import Side, usable_groups
from dissection.contrasts.table import COLUMNS, difference_table
from dissection.dataset import ALL_PAIRS, PairDataset
from dissection.errors import InputError, UnknownNameError
from dissection.judges import Judge
from dissection.readers import open_dataset
from dissection.regression.fit import fit
from dissection.regression.folds import query_clusters
from dissection.regression.laplace import tilted_quantile
from dissection.regression.model import PAPER, POOLED, STANDARD
from tests.conftest import make_dataset

ONE, TWO = Side("one", "Code"), Side("two", "Code")
FEW = 50


def with_verdicts(dataset: PairDataset, judge: str, labels: Sequence[float] | np.ndarray) -> PairDataset:
    """One judge more, asked with A shown first."""
    return dataset.with_judge(Judge(judge), np.column_stack([np.asarray(labels, dtype=float), np.full(len(dataset), np.nan)]))


# --- what is planted ---------------------------------------------------------------------------------------------------------------------


def test_a_planted_difference_is_found_and_an_absent_one_is_not() -> None:
    dataset = make_dataset(n=1200, d=3)
    found = contrast(dataset, ONE, TWO, resamples=FEW)
    assert found.low[0] > 0
    assert found.decided.tolist() == [True, False, False]
    assert found.real[0] > 0.999
    assert found.direction[0] > 0.999
    assert (found.low < found.difference).all()
    assert (found.difference < found.high).all()
    assert found.n_common == found.first.n == found.queries == 600
    mirrored = contrast(dataset, TWO, ONE, resamples=FEW)
    np.testing.assert_allclose(mirrored.difference, -found.difference)
    np.testing.assert_allclose([mirrored.low, mirrored.high], [-found.high, -found.low], atol=1e-3)
    np.testing.assert_allclose(mirrored.direction, 1 - found.direction, atol=1e-3)


def test_the_two_sides_are_the_posteriors_of_the_fit() -> None:
    dataset = make_dataset(n=200, d=3, both_orders=True, position_bias=0.4)
    found = contrast(dataset, ONE, TWO, resamples=FEW)
    for side, posterior in zip((found.first, found.second), fit(dataset, STANDARD, ["one", "two"], ["Code"]), strict=True):
        np.testing.assert_allclose(side.mean, posterior.mean, atol=1e-6)
        np.testing.assert_allclose(side.sd, posterior.sd, atol=1e-6)
        assert side.n == posterior.n


def test_the_seed_decides_and_an_interruption_is_passed_on() -> None:
    dataset = make_dataset(n=200, d=3)
    seen: list[tuple[int, int]] = []
    first, again = (
        contrast(dataset, ONE, TWO, resamples=FEW, seed=3, progress=lambda done, total: seen.append((done, total))) for _ in "ab"
    )
    np.testing.assert_array_equal(first.rho, again.rho)
    assert (first.rho != contrast(dataset, ONE, TWO, resamples=FEW, seed=4).rho).any()
    assert seen[-1] == (2 * FEW, 2 * FEW)

    class StoppedError(Exception):
        pass

    def stop(*_: int) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        contrast(dataset, ONE, TWO, resamples=FEW, progress=stop)


# --- calibration (in full: benchmarks/contrast_coverage.py) ---------------------------------------------------------------------------------


def test_intervals_hold_the_truth_where_verdicts_say_more_than_the_prior() -> None:
    """Most noise is shared: independent posteriors would be far too wide, and a covariance of the wrong sign wider still."""
    rows = coverage(300, 0.9, 60, compare=60, model=replace(PAPER, prior_scale=0.4), properties=4, resamples=FEW)
    assert 0.92 <= rows["paired"].inside.value <= 0.98
    assert rows["paired"].width < 0.85
    assert rows["independent posteriors"].inside.value > 0.98


def test_intervals_hold_the_truth_where_the_prior_says_more() -> None:
    """What the prior does is not shared: the correlation of refits, which are shrunken, promises too much."""
    rows = coverage(150, 0.9, 60, compare=60, model=PAPER, properties=4, resamples=FEW)
    assert 0.92 <= rows["paired"].inside.value <= 0.98
    assert 0.85 < rows["paired"].width < 1
    assert rows["correlation of the refits"].inside.value < 0.88
    assert rows["bootstrap alone"].inside.value < 0.6


def test_without_shared_noise_nothing_is_gained() -> None:
    row = coverage(150, 0.0, 40, model=PAPER, properties=4, resamples=FEW)["paired"]
    assert row.inside.value > 0.92
    assert row.width == pytest.approx(1.0, abs=0.02)


def test_equal_judges_are_called_different_no_more_often_than_stated() -> None:
    row = called_different("published", 0.0, 8)
    assert row.decided.value <= 0.05
    assert row.views.value == 0


def test_the_difference_of_two_marginals_against_draws() -> None:
    rng = np.random.default_rng(0)
    means, sds = np.array([[0.3, 0.0, 1.0], [-0.1, 0.0, 0.9]]), np.array([[0.2, 3.0, 0.1], [0.15, 0.2, 0.3]])
    uniform = rng.random((2, 100_000))
    sides, draws = [], []
    for mean, sd, places in zip(means, sds, uniform, strict=True):
        drawn = np.array([np.interp(places, grid := np.linspace(1e-6, 1 - 1e-6, 4001), [float(tilted_quantile(np.array(m), np.array(s**2), 0.1, float(q))) for q in grid]) for m, s in zip(mean, sd, strict=True)])  # fmt: skip
        draws.append(drawn)
        sides.append(Marginals(drawn.mean(axis=1), drawn.std(axis=1), mean, sd, 0.1))
    difference = draws[0] - draws[1]
    ends = difference_ends(sides[0], sides[1], difference.std(axis=1))
    expected = np.quantile(difference, [0.025, 0.975], axis=1)
    np.testing.assert_allclose([ends.low, ends.high], expected, atol=0.02 * difference.std(axis=1).max())
    np.testing.assert_allclose(ends.direction, (difference > 0).mean(axis=1), atol=0.01)
    narrow = difference_ends(sides[0], sides[1], difference.std(axis=1) / 2)
    np.testing.assert_allclose(narrow.high - narrow.low, (ends.high - ends.low) / 2, rtol=0.01)


# --- resamples -----------------------------------------------------------------------------------------------------------------------------


def test_a_refit_is_that_of_a_dataset_with_repeated_rows() -> None:
    dataset = make_dataset(n=120, d=3, both_orders=True, position_bias=0.3)
    hard = make_dataset(n=120, d=3)
    soft = with_verdicts(hard, "soft", np.linspace(0.1, 0.9, 120))
    for data in (dataset, soft):
        batch = batch_of(data, data.group("Code"), range(len(data.judges)), query_clusters(data))
        counts = np.random.default_rng(0).integers(0, 4, size=(len(batch.clusters), 3)).astype(float)
        refitted = fit_batch(batch, STANDARD, counts)
        for copy in range(3):
            rows = np.repeat(np.arange(len(batch.clusters)), counts[:, copy].astype(int))
            repeated = batch._replace(comparisons=batch.comparisons[rows], verdicts=batch.verdicts[rows], clusters=batch.clusters[rows])
            alone = fit_batch(repeated, STANDARD)
            np.testing.assert_allclose(refitted.mean[copy::3], alone.mean, atol=1e-4)
            np.testing.assert_allclose(refitted.sd[copy::3], alone.sd, atol=1e-4)


def test_queries_are_resampled_whole() -> None:
    """Copies of every pair say nothing new: as one query they scatter as one pair, as two queries they would look like twice the data."""
    dataset = make_dataset(n=160, d=2, scenarios=("Code",))
    twice = pd.concat([dataset.pairs, dataset.pairs.set_axis(dataset.pairs.index + "b")])
    twice["query"] = [f"query {i % 160}" for i in range(320)]
    doubled = replace(
        dataset, pairs=twice, **{name: np.concatenate([getattr(dataset, name)] * 2) for name in ("comparisons", "scores", "verdicts")}
    )

    def spread(data: PairDataset) -> float:
        batches, queries = renumbered([batch_of(data, data.group("Code"), (0, 1), query_clusters(data))])
        return float(resampled_means({"": batches[0]}, bootstrap(queries, 200, 0), STANDARD)["", 0].std(axis=0).mean())

    split = replace(doubled, pairs=twice.assign(query=None))
    assert spread(doubled) > 1.2 * spread(split)


def test_scenarios_without_a_common_query_have_independent_errors() -> None:
    dataset = make_dataset(n=400, d=3)
    found = contrast(dataset, ONE, Side("one", "Advice"))
    assert found.note == APART
    assert found.resamples == found.n_common == 0
    np.testing.assert_allclose(found.sd, np.hypot(found.first.sd, found.second.sd))
    assert not found.decided.any()


def test_overlapping_conditions_share_errors() -> None:
    rng = np.random.default_rng(1)
    first = rng.random(600) < 0.7
    dataset = make_dataset(n=600, d=3, conditions={"first": first, "second": first ^ (rng.random(600) < 0.1)})
    found = contrast(dataset, Side("one", "first"), Side("one", "second"))
    assert (found.rho > 0.3).all()
    assert (found.sd < 0.9 * np.hypot(found.first.sd, found.second.sd)).all()
    assert found.n_common > 300


# --- several judges and tables ---------------------------------------------------------------------------------------------------------------


def test_several_judges_against_one_share_the_resamples() -> None:
    dataset = make_dataset(n=300, d=3, weights={"one": [1, 0, 0], "two": [0, 1, 0], "three": [1, 0, 0.5]})
    dataset = with_verdicts(with_verdicts(dataset, "always A", np.ones(300)), "silent", np.full(300, np.nan))
    found = against_reference(dataset, dataset.judge_names, "one", "Code", resamples=FEW)
    assert [one.first.judge for one in found.contrasts] == ["two", "three"]
    assert all(one.second.judge == "one" for one in found.contrasts)
    assert set(found.left_out) == {"always A", "silent"}
    assert "same verdict, A, on all 150 pairs" in found.left_out["always A"]
    alone = contrast(dataset, Side("three", "Code"), ONE, resamples=FEW)
    np.testing.assert_allclose(found.contrasts[1].rho, alone.rho, atol=0.02)
    table = difference_table(found.contrasts)
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 6
    assert (table["discovery"] <= table["decided"]).all()
    assert tuple(difference_table([]).columns) == COLUMNS
    with pytest.raises(InputError, match="no judge to hold against 'one'"):
        against_reference(dataset, ["one", "silent"], "one", "Code")


def test_a_planted_difference_on_the_demo() -> None:
    demo = open_dataset(Path(__file__).resolve().parents[1] / "data" / "demo.jsonl.gz")
    table = difference_table([contrast(demo, Side("human", ALL_PAIRS), Side("aspen-7b", ALL_PAIRS), resamples=FEW)]).set_index("property")
    assert table.loc["no severe errors", "discovery"]
    assert table.loc["no severe errors", "low"] > 0
    assert table.loc["longer", "high"] < 0
    assert not table.loc["funny", "discovery"]


# --- bad input -----------------------------------------------------------------------------------------------------------------------------


def test_identical_judges_have_no_difference_and_a_reason() -> None:
    dataset = make_dataset(n=100, d=3)
    dataset = dataset.with_judge(Judge("copy"), dataset.verdicts[:, 0].copy())
    found = contrast(dataset, ONE, Side("copy", "Code"), resamples=FEW)
    assert found.note == SAME_VERDICTS
    assert not np.any([found.difference, found.low, found.high, found.sd])
    assert (found.direction == 0.5).all()
    assert not difference_table([found])["discovery"].any()


def half(dataset: PairDataset, shared: int) -> PairDataset:
    """Judge "late", who judged what "early" did not, and `shared` pairs more."""
    labels, n = dataset.labels[:, 0], len(dataset)
    early = np.where(np.arange(n) < n // 2, labels, np.nan)
    late = np.where(np.arange(n) >= n // 2 - shared, labels, np.nan)
    return with_verdicts(with_verdicts(dataset, "early", early), "late", late)


@pytest.mark.parametrize(("shared", "said"), [(0, "have no pair in common"), (1, "have 1 pair in common"), (4, "have 4 pairs in common")])
def test_too_few_pairs_in_common(shared: int, said: str) -> None:
    dataset = half(make_dataset(n=100, scenarios=("Code",)), shared)
    with pytest.raises(InputError, match=said) as caught:
        contrast(dataset, Side("early", "Code"), Side("late", "Code"))
    assert "at least 10" in caught.value.accepted


def test_what_can_not_be_compared_is_said() -> None:
    dataset = make_dataset(n=100)
    silent = with_verdicts(dataset, "silent", np.where(dataset.pairs["scenario"] == "Code", np.nan, dataset.labels[:, 0]))
    tied = with_verdicts(dataset, "tied", np.full(100, 0.5))
    few = replace(dataset, pairs=dataset.pairs.assign(query=[f"query {i % 4}" for i in range(100)]))
    cases = [
        (silent, ONE, Side("silent", "Code"), "has no verdicts in 'Code'"),
        (tied, ONE, Side("tied", "Code"), "same verdict, a tie, on all 50 pairs"),
        (few, ONE, TWO, "verdicts on 2 queries in 'Code', too few to resample"),
        (dataset, ONE, ONE, "Both sides are 'one' in 'Code'"),
    ]
    for data, first, second, said in cases:
        with pytest.raises(InputError, match=said):
            contrast(data, first, second)
    with pytest.raises(UnknownNameError, match="no judge named 'nobody'"):
        contrast(dataset, ONE, Side("nobody", "Code"))
    with pytest.raises(InputError, match="number of resamples is 3"):
        contrast(dataset, ONE, TWO, resamples=3)
    for model in (POOLED, replace(PAPER, folds=10)):
        with pytest.raises(InputError, match="single fits"):
            contrasts(dataset, [(ONE, TWO)], model)
    usable, left_out = usable_groups(silent, ["one", "silent"])
    assert usable == ["Advice"]
    assert "no verdicts" in left_out["Code"]


def test_published_weights_have_no_pairs_to_resample(published: Path) -> None:
    weights = open_dataset(published)
    with pytest.raises(InputError, match="without their pairs"):
        contrast(weights, Side("human", "Code"), Side("yi-6b", "Code"))
    with pytest.raises(InputError, match="without their pairs"):
        against_reference(weights, weights.judge_names, "human", "Code")
