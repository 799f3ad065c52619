"""Similarity, clusters and the map, with the figures of the published weights."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from dissection.clusters import cluster, map_judges
from dissection.dataset import Group, PairDataset
from dissection.errors import InputError, UnknownNameError
from dissection.readers import open_dataset
from dissection.regression.fit import fit
from dissection.regression.posterior import Posterior
from dissection.similarity import METHODS, length_properties, paired_correlations, similarity_matrix

CODE, ADVICE = Group("Code", "scenario"), Group("Advice", "scenario")


def point(judge: str, group: Group, mean: list[float] | np.ndarray) -> Posterior:
    """A posterior of which only the mean matters."""
    values = np.asarray(mean, dtype=float)
    nothing = np.full(values.shape, np.nan)
    names = tuple(f"p{i}" for i in range(len(values)))
    return Posterior(judge, group, names, values, nothing, nothing, nothing, nothing, np.empty((0, 0)), 0, nothing, "point estimate")


# --- the published figures -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weights(published: Path) -> PairDataset:
    return open_dataset(published)


@pytest.fixture(scope="module")
def overall(weights: PairDataset) -> pd.DataFrame:
    return similarity_matrix(fit(weights, groups=[group.name for group in weights.scenarios]))


def mean_within(matrix: pd.DataFrame, names: list[str]) -> float:
    block = matrix.loc[names, names].to_numpy()
    return float(block[np.triu_indices(len(names), 1)].mean())


def test_size_classes(weights: PairDataset, overall: pd.DataFrame) -> None:
    small = [judge.name for judge in weights.judges if judge.size_class == "≤ 14 B"]
    large = [judge.name for judge in weights.judges if judge.size_class == "30–72 B"]
    assert (len(small), len(large)) == (20, 10)
    assert round(mean_within(overall, small), 3) == 0.828
    assert round(mean_within(overall, large), 3) == 0.883
    assert round(float(overall.loc[small, large].to_numpy().mean()), 3) == 0.737


def test_human_against_gpt_4(overall: pd.DataFrame) -> None:
    assert round(float(overall.loc["human", "gpt-4-1106-preview"]), 3) == 0.742


def test_alignment_makes_no_contrast(weights: PairDataset, overall: pd.DataFrame) -> None:
    open_models = [judge for judge in weights.judges if judge.size is not None]
    aligned = [judge.name for judge in open_models if judge.aligned]
    base = [judge.name for judge in open_models if judge.aligned is False]
    assert (len(aligned), len(base)) == (20, 10)
    assert round(mean_within(overall, aligned), 3) == 0.819
    assert round(mean_within(overall, base), 3) == 0.735
    assert round(float(overall.loc[aligned, base].to_numpy().mean()), 3) == 0.779


def test_largest_and_smallest_weight(weights: PairDataset) -> None:
    assert weights.estimates is not None
    assert weights.estimates.size == 15_312
    assert round(float(weights.estimates.max()), 3) == 1.724
    assert round(float(weights.estimates.min()), 3) == -0.886


def test_published_clusters_show_size(weights: PairDataset, overall: pd.DataFrame) -> None:
    """Cut in three, no cluster mixes the two size classes much: the paper's finding, from the tree."""
    cut = cluster(overall).cut(3)
    sizes = {judge.name: judge.size_class for judge in weights.judges}
    large = {cut[name] for name in cut if sizes[name] == "30–72 B"}
    share = [np.mean([sizes[name] == "≤ 14 B" for name in cut if cut[name] == number and sizes[name] != "other"]) for number in large]
    assert min(share) < 0.2


# --- the matrix ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_one_group_against_scipy(method: str) -> None:
    rng = np.random.default_rng(0)
    means = rng.normal(size=(5, 29))
    means[:, :4] = np.round(means[:, :4])  # ties, which share their ranks
    means[0, 5:12] = 0.0
    matrix = similarity_matrix([point(f"j{i}", CODE, row) for i, row in enumerate(means)], method)
    expected = np.corrcoef(means) if method == "pearson" else spearmanr(means, axis=1).statistic
    np.testing.assert_allclose(matrix.to_numpy(), expected, atol=1e-12)
    assert list(matrix.index) == list(matrix.columns) == [f"j{i}" for i in range(5)]


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_several_groups_are_averaged_not_pooled(method: str) -> None:
    rng = np.random.default_rng(1)
    code, advice = rng.normal(size=(3, 10)), 5 * rng.normal(size=(3, 10))
    posteriors = [point(f"j{i}", group, rows[i]) for group, rows in ((CODE, code), (ADVICE, advice)) for i in range(3)]
    alone = [similarity_matrix([p for p in posteriors if p.group == group], method) for group in (CODE, ADVICE)]
    np.testing.assert_allclose(similarity_matrix(posteriors, method), (alone[0] + alone[1]) / 2)


def test_known_values() -> None:
    matrix = similarity_matrix([point("up", CODE, [1, 2, 3]), point("twice", CODE, [3, 5, 7]), point("down", CODE, [9, 4, 1])])
    assert matrix.loc["up", "twice"] == pytest.approx(1)
    assert matrix.loc["up", "down"] == pytest.approx(-0.989743)
    spearman = similarity_matrix([point("up", CODE, [1, 2, 3]), point("down", CODE, [9, 4, 1])], "spearman")
    assert spearman.loc["up", "down"] == pytest.approx(-1)


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_a_judge_without_numbers_in_a_group_is_left_out_there_only(method: str) -> None:
    nan = [np.nan] * 4
    posteriors = [
        point("whole", CODE, [1, 2, 3, 5]),
        point("half", CODE, [2, 1, 4, 3]),
        point("none", CODE, nan),
        point("whole", ADVICE, [4, 1, 1, 0]),
        point("half", ADVICE, nan),
        point("none", ADVICE, nan),
        point("late", ADVICE, [1, 2, 2, 9]),
    ]
    matrix = similarity_matrix(posteriors, method)
    code_alone = similarity_matrix(posteriors[:2], method)
    assert matrix.loc["whole", "half"] == code_alone.loc["whole", "half"]
    assert np.isnan(matrix.loc["half", "late"]), "they share no group"
    assert matrix.loc["none"].drop("none").isna().all()
    assert (np.diag(matrix) == 1).all()


def test_constant_weights_have_no_correlation() -> None:
    matrix = similarity_matrix([point("flat", CODE, [2, 2, 2]), point("other", CODE, [1, 2, 3])])
    assert np.isnan(matrix.loc["flat", "other"])


def test_nothing_to_compare() -> None:
    assert similarity_matrix([]).empty
    alone = similarity_matrix([point("alone", CODE, [1, 2])])
    assert alone.to_numpy().tolist() == [[1.0]]


def test_unknown_methods_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="pearson, spearman"):
        similarity_matrix([point("alone", CODE, [1, 2])], "kendall")


def test_cosine_is_the_correlation_about_zero() -> None:
    up, steep = point("up", CODE, [1.0, 2, 3]), point("steep", CODE, [2.0, 1, 2])
    matrix = similarity_matrix([up, steep], "cosine")
    assert matrix.loc["up", "steep"] == pytest.approx(10 / np.sqrt(14 * 9))
    flat = similarity_matrix([up, point("flat", CODE, [0.1, 0.1, 0.1])], "cosine")
    assert flat.loc["up", "flat"] == pytest.approx(6 / np.sqrt(14 * 3)), "equal weights have a direction"
    assert np.isnan(similarity_matrix([up, point("nothing", CODE, [0, 0, 0])], "cosine").loc["up", "nothing"])


@pytest.mark.parametrize("method", METHODS)
def test_paired_correlations_are_those_of_the_matrix(method: str) -> None:
    rng = np.random.default_rng(4)
    rows = np.round(rng.normal(size=(6, 12)), 1)
    matrix = similarity_matrix([point(f"j{i}", CODE, row) for i, row in enumerate(rows)], method).to_numpy()
    np.testing.assert_allclose(paired_correlations(rows[:3], rows[3:], method), matrix[[0, 1, 2], [3, 4, 5]], atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_without_a_property_is_a_fit_without_its_column(method: str) -> None:
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(3, 6))
    whole = [point(f"j{i}", CODE, row) for i, row in enumerate(rows)]
    shorter = [point(f"j{i}", CODE, np.delete(row, 2)) for i, row in enumerate(rows)]
    pd.testing.assert_frame_equal(similarity_matrix(whole, method, ["p2"]), similarity_matrix(shorter, method))


def test_length_is_known_by_any_of_its_names() -> None:
    assert length_properties(["polite", "longer", "clear"]) == ("longer",)
    assert length_properties(["lengthy", "polite"]) == ("lengthy",)
    assert length_properties(["polite"]) == ()


def test_what_can_not_be_left_out_is_refused() -> None:
    two = [point("one", CODE, [1, 2]), point("other", CODE, [2, 1])]
    with pytest.raises(UnknownNameError, match=r"no property named 'p7'.*p0, p1"):
        similarity_matrix(two, without=["p7"])
    with pytest.raises(InputError, match=r"1 property left.*at least two"):
        similarity_matrix(two, without=["p1"])


def test_equal_weights_have_no_correlation_whatever_their_rounding() -> None:
    matrix = similarity_matrix([point("flat", CODE, [0.1] * 29), point("other", CODE, np.arange(29.0))])
    assert np.isnan(matrix.loc["flat", "other"])


# --- clusters --------------------------------------------------------------------------------------------------------------------------


def planted(sizes: tuple[int, ...] = (4, 3, 5), seed: int = 0) -> tuple[pd.DataFrame, dict[str, int]]:
    """The similarity of judges in groups of like taste, in mixed order, and the group of each."""
    rng = np.random.default_rng(seed)
    membership = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    tastes = rng.normal(size=(len(sizes), 29))
    rows = tastes[membership] + 0.3 * rng.normal(size=(len(membership), 29))
    names = [f"j{i}" for i in range(len(membership))]
    matrix = similarity_matrix([point(name, CODE, row) for name, row in zip(names, rows, strict=True)])
    return matrix, dict(zip(names, membership.tolist(), strict=True))


def test_planted_clusters_are_found() -> None:
    matrix, truth = planted()
    found = cluster(matrix).cut(3)
    assert len({(found[name], truth[name]) for name in truth}) == 3, "the clusters are the planted ones"
    assert set(found.values()) == {1, 2, 3}


def test_clusters_are_numbered_along_the_leaves_and_contiguous() -> None:
    matrix, truth = planted()
    result = cluster(matrix)
    numbers = [result.cut(3)[name] for name in result.order]
    assert numbers == sorted(numbers)
    assert numbers[0] == 1
    assert len(set(result.cut(1).values())) == 1
    assert len(set(result.cut(100).values())) == len(truth)


def test_leaf_order_is_the_best_that_the_tree_allows() -> None:
    """Against every order that the tree allows, found by turning each of its nodes both ways."""
    matrix, _ = planted(sizes=(3, 2, 4), seed=3)
    result = cluster(matrix)

    def length(order: tuple[str, ...]) -> float:
        return float(sum(1 - matrix.loc[one, other] for one, other in pairwise(order)))

    orders: dict[int, list[tuple[str, ...]]] = {i: [(name,)] for i, name in enumerate(result.judges)}
    for number, (left, right) in enumerate(result.linkage[:, :2].astype(int)):
        both = [(one, other) for one in orders[left] for other in orders[right]]
        orders[len(result.judges) + number] = [one + other for one, other in both] + [other + one for one, other in both]
    every = orders[2 * len(result.judges) - 2]
    assert len(every) == 2 ** (len(result.judges) - 1)
    assert result.order in every
    assert length(result.order) == pytest.approx(min(map(length, every)))


def test_judges_without_similarities_are_left_out_and_no_more() -> None:
    matrix, _ = planted()
    matrix.loc["j3", :], matrix.loc[:, "j3"] = np.nan, np.nan
    matrix.loc["j3", "j3"] = 1.0
    result = cluster(matrix)
    assert result.left_out == ("j3",)
    assert set(result.order) == set(result.judges) == set(matrix.index) - {"j3"}
    matrix.loc["j1", "j5"] = matrix.loc["j5", "j1"] = np.nan
    assert len(cluster(matrix).left_out) == 2, "one of the two is enough"


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_judges(count: int) -> None:
    matrix = planted()[0].iloc[:count, :count]
    result = cluster(matrix)
    assert sorted(result.order) == sorted(matrix.index)
    assert result.cut(3) == {name: i + 1 for i, name in enumerate(result.order)}
    places, share = map_judges(matrix)
    assert places.shape == (count, 2)
    assert 0 <= share <= 1


# --- the map ---------------------------------------------------------------------------------------------------------------------------


def test_a_configuration_in_two_dimensions_is_found_exactly() -> None:
    rng = np.random.default_rng(2)
    points = rng.normal(scale=0.3, size=(9, 2))
    distances = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    names = [f"j{i}" for i in range(9)]
    places, share = map_judges(pd.DataFrame(1 - distances**2 / 2, index=names, columns=names))
    np.testing.assert_allclose(pdist(places.to_numpy()), pdist(points), atol=1e-10)
    assert share == pytest.approx(1)
    assert list(places.index) == names
    np.testing.assert_allclose(places.mean(), 0, atol=1e-10)
    assert places["x"].var() >= places["y"].var()


def test_the_share_says_what_two_dimensions_leave_out() -> None:
    names = [f"j{i}" for i in range(6)]
    _, share = map_judges(pd.DataFrame(np.eye(6), index=names, columns=names))
    assert share == pytest.approx(2 / 5), "six judges at equal distances need five dimensions"


def test_the_map_does_not_turn_over_from_run_to_run() -> None:
    matrix, _ = planted()
    one, _ = map_judges(matrix)
    other, _ = map_judges(matrix.copy())
    pd.testing.assert_frame_equal(one, other)
    assert one["x"].sum() == pytest.approx(0, abs=1e-9)
