"""The parts of held-out scores: folds that keep queries whole, predictions, measures and their standard errors."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

from dissection.dataset import PairDataset
from dissection.properties import Property
from dissection.regression.folds import assign_folds, query_clusters
from dissection.regression.held_out import held_out, length_comparisons, majority, mean_sigmoid
from dissection.regression.metrics import cluster_mean, hits, measure
from dissection.regression.model import STANDARD
from dissection.regression.scores import score
from tests.conftest import make_dataset


def with_texts(dataset: PairDataset, queries: list[str | None], a: list[str | None], b: list[str | None]) -> PairDataset:
    pairs = dataset.pairs.copy()
    for column, texts in (("query", queries), ("response_a", a), ("response_b", b)):
        pairs[column] = np.array(texts, dtype=object)
    return dataclasses.replace(dataset, pairs=pairs)


# Clusters and folds


def test_pairs_of_one_query_and_swapped_twins_are_one_cluster() -> None:
    queries = ["What is  love?", " what IS love? ", None, "Another?", "Third?", None, "", ""]
    a = ["x", "y", "one", "TWO", "p", "q", "r", "s"]
    b = ["x2", "y2", "two", "One ", "p2", "q2", "r2", "s2"]
    labels = query_clusters(with_texts(make_dataset(n=8), queries, a, b))
    assert labels[0] == labels[1], "one query, in another case and spacing"
    assert labels[2] == labels[3], "the same answers the other way round"
    assert len(set(labels)) == 6, "no query, or an empty one, joins nothing"


def test_clusters_join_through_others() -> None:
    labels = query_clusters(with_texts(make_dataset(n=3), ["q", "q", "other"], ["a", "c", "d"], ["b", "d", "c"]))
    assert len(set(labels)) == 1


def test_without_texts_every_pair_is_its_own_cluster() -> None:
    assert len(set(query_clusters(make_dataset(n=9)))) == 9


@given(clusters=st.lists(st.integers(0, 12), max_size=60), folds=st.integers(2, 7), seed=st.integers(0, 3))
def test_no_cluster_is_split_and_folds_are_nearly_equal(clusters: list[int], folds: int, seed: int) -> None:
    labels = np.array(clusters, dtype=np.intp)
    fold = assign_folds(labels, folds, seed)
    assert all(len(set(fold[labels == label])) == 1 for label in set(clusters))
    sizes = np.bincount(fold, minlength=folds)
    largest = max((clusters.count(label) for label in clusters), default=0)
    assert sizes.max() - sizes.min() <= largest


def test_folds_follow_the_seed() -> None:
    labels = np.arange(40)
    assert (assign_folds(labels, 5, 1) == assign_folds(labels, 5, 1)).all()
    assert (assign_folds(labels, 5, 1) != assign_folds(labels, 5, 2)).any()


def test_a_prediction_does_not_know_the_verdicts_of_its_query() -> None:
    """Turning all verdicts of one query leaves the predictions of its pairs as they were, and moves others."""
    n = 120
    data = make_dataset(n=n, weights={"one": [1.5, 0, 0]}, scenarios=("All",))
    data = with_texts(data, [f"Question {i // 3}" for i in range(n)], [f"a{i}" for i in range(n)], [f"b{i}" for i in range(n)])
    turned = data.verdicts.copy()
    turned[30:33] = 1 - turned[30:33]
    before, after = (
        score(d, groups=["All"])[0].predictions.set_index("pair")["explanation"] for d in (data, dataclasses.replace(data, verdicts=turned))
    )
    np.testing.assert_array_equal(before.loc[30:32], after.loc[30:32])
    assert (before != after).sum() > n / 2


# Predictions


@pytest.mark.parametrize("mean", [-3.0, 0.0, 0.7, 4.0])
@pytest.mark.parametrize("sd", [0.0, 0.3, 1.5, 3.0, 5.0])
def test_the_mean_of_the_logistic_function_is_the_integral(mean: float, sd: float) -> None:
    if sd == 0:
        expected = float(expit(mean))
    else:
        expected = quad(lambda f: expit(f) * norm.pdf(f, mean, sd), mean - 9 * sd, mean + 9 * sd, limit=200, epsabs=1e-10)[0]
    assert float(mean_sigmoid(np.array(mean), np.array(sd**2))) == pytest.approx(expected, abs=1e-4 if sd <= 3 else 1e-3)


def test_a_wide_posterior_predicts_less_boldly_than_its_mean() -> None:
    assert 0.5 < mean_sigmoid(np.array(2.0), np.array(4.0)) < expit(2.0)


def test_predictions_know_the_order_in_which_the_pair_was_shown() -> None:
    data = make_dataset(n=400, d=1, weights={"one": [0.0]}, position_bias=1.5, both_orders=True)
    found = held_out(data.comparisons, data.verdicts, np.arange(400) % 5, STANDARD)
    assert found.probability[:, 0, 0].mean() == pytest.approx(expit(1.5), abs=0.05)
    assert found.probability[:, 0, 1].mean() == pytest.approx(expit(-1.5), abs=0.05)


def test_the_majority_is_of_the_other_folds_and_smoothed() -> None:
    verdicts = np.array([1, 1, 1, 0, 1, np.nan], dtype=float)[:, None, None] * np.array([1, np.nan])
    found = majority(verdicts, np.array([0, 0, 0, 1, 1, 1]))
    np.testing.assert_allclose(found[:3, 0], (1 + 1) / (2 + 2))
    np.testing.assert_allclose(found[3:, 0], (3 + 1) / (3 + 2))


def test_a_pair_asked_twice_counts_once_in_the_majority() -> None:
    verdicts = np.array([[[1.0, 1.0]], [[1.0, 0.0]], [[0.0, np.nan]], [[1.0, 1.0]]])
    assert majority(verdicts, np.array([0, 0, 0, 1]))[3, 0, 0] == pytest.approx((1 + 0.5 + 0 + 1) / 5)


# Length


@pytest.mark.parametrize("name", ["longer", "Length", "lengthy", "length_words", "word count"])
def test_a_property_named_for_length_is_taken(name: str) -> None:
    data = make_dataset(n=6, d=2)
    named = dataclasses.replace(data, properties=(Property("polite"), Property(name)))
    np.testing.assert_array_equal(length_comparisons(named), data.comparisons[:, 1])


def test_words_are_counted_where_no_property_is_named_for_length() -> None:
    data = with_texts(make_dataset(n=4), [None] * 4, ["one", "w " * 50, "w " * 50, None], ["w " * 30, "one", "w " * 49, "x"])
    np.testing.assert_array_equal(length_comparisons(data), [-1, 1, 0, np.nan])
    assert length_comparisons(make_dataset(n=4)) is None


# Measures


@pytest.mark.parametrize("seed", range(3))
def test_measures_agree_with_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, y, weights = rng.random(300), rng.integers(0, 2, 300).astype(float), rng.choice([0.5, 1.0], 300)
    found = measure(p, y, weights, np.arange(300))
    assert found.log_loss == pytest.approx(log_loss(y, p, sample_weight=weights))
    assert found.brier == pytest.approx(brier_score_loss(y, p, sample_weight=weights))
    assert found.accuracy == pytest.approx(accuracy_score(y, p > 0.5, sample_weight=weights))


def test_soft_verdicts_and_ties() -> None:
    p, y = np.array([0.8, 0.8, 0.5, 0.2]), np.array([0.6, 0.5, 1.0, 0.9])
    np.testing.assert_array_equal(hits(p, y), [1, 0.5, 0.5, 0])
    found = measure(p, y, np.ones(4), np.arange(4))
    assert found.log_loss == pytest.approx(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
    assert found.brier == pytest.approx(np.mean((p - y) ** 2))


def test_certain_and_wrong_is_finite() -> None:
    found = measure(np.array([0.0, 1.0]), np.array([1.0, 1.0]), np.ones(2), np.arange(2))
    assert found.log_loss is not None
    assert 10 < found.log_loss < 40


def test_equal_values_have_no_standard_error_and_say_so() -> None:
    found = measure(np.full(30, 0.9), np.ones(30), np.ones(30), np.arange(30))
    assert (found.accuracy, found.accuracy_se) == (1.0, None)
    assert "accuracy" in found.note


def test_the_standard_error_is_the_scatter_of_means_over_repeated_data() -> None:
    """Losses that go together within queries of 1 to 8 pairs; the error that takes pairs as independent is far too small."""
    rng = np.random.default_rng(0)
    means, errors, naive = [], [], []
    for _ in range(1500):
        sizes = rng.integers(1, 9, size=40)
        clusters = np.repeat(np.arange(40), sizes)
        values = rng.normal(size=40)[clusters] + 0.5 * rng.normal(size=len(clusters))
        mean, error = cluster_mean(values, np.ones(len(values)), clusters)
        assert error is not None
        means.append(mean)
        errors.append(error)
        naive.append(values.std(ddof=1) / np.sqrt(len(values)))
    scatter = np.std(means)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(scatter, rel=0.07)
    assert np.mean(naive) < 0.6 * scatter


def test_the_standard_error_of_single_pairs_is_the_usual_one() -> None:
    values = np.random.default_rng(1).normal(size=50)
    mean, error = cluster_mean(values, np.ones(50), np.arange(50))
    assert mean == pytest.approx(values.mean())
    assert error == pytest.approx(values.std(ddof=1) / np.sqrt(50))


def test_both_orders_of_a_pair_are_one_observation() -> None:
    """Each pair written twice with half the weight has the standard error of the pairs, not of twice as many."""
    values = np.random.default_rng(2).normal(size=60)
    once = cluster_mean(values, np.ones(60), np.arange(60))
    twice = cluster_mean(np.tile(values, 2), np.full(120, 0.5), np.tile(np.arange(60), 2))
    np.testing.assert_allclose(np.array(once, dtype=float), np.array(twice, dtype=float))
