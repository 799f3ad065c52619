"""Cluster support: branches that are there are found again, branches of noise are not; the tree's figure shows which."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from dissection.clusters import cluster, propose_clusters
from dissection.dataset import PairDataset
from dissection.errors import InputError, UnknownNameError
from dissection.figures.likeness import matrix
from dissection.figures.style import FADED
from dissection.likeness.support import Support, branch_support, cluster_support, leaf_sets
from dissection.readers import open_dataset
from dissection.regression.fit import fit, fit_rows
from dissection.regression.model import PAPER, POOLED, STANDARD
from dissection.regression.observations import usable
from dissection.similarity import mean_correlations, similarity_matrix
from tests.conftest import make_dataset
from tests.test_similarity import planted

ROOT = Path(__file__).resolve().parents[1]
TASTES = {
    "a1": [1.2, 0.8, 0, 0, -0.4, 0],
    "a2": [1.2, 0.8, 0, 0, -0.4, 0],
    "a3": [1.2, 0.8, 0, 0, -0.4, 0],
    "b1": [0, 0, 1.2, 0.8, 0, -0.4],
    "b2": [0, 0, 1.2, 0.8, 0, -0.4],
}


@pytest.fixture(scope="module")
def data() -> PairDataset:
    return make_dataset(n=400, d=6, weights=TASTES, seed=3)


@pytest.fixture(scope="module")
def support(data: PairDataset) -> Support:
    *_, last = cluster_support(data, resamples=30)
    return last


def test_planted_clusters_are_found_again_and_branches_of_noise_are_not(support: Support) -> None:
    share = dict(zip(leaf_sets(support.clustering), support.share, strict=True))
    assert share[frozenset({"a1", "a2", "a3"})] == 1
    assert share[frozenset({"b1", "b2"})] == 1
    (inner,) = (branch for branch in share if len(branch) == 2 and branch <= {"a1", "a2", "a3"})
    assert share[inner] < 0.9, "judges of one taste differ by noise alone"
    assert np.isnan(share[frozenset(TASTES)]), "the branch of all judges is in any tree"


def test_the_demo_s_planted_clusters_have_support_over_90_per_cent() -> None:
    """Small judges apart from large ones, the tastes that the demo was made from."""
    demo = open_dataset(ROOT / "data" / "demo.jsonl.gz")
    truth = json.loads((ROOT / "data" / "demo_truth.json").read_text())["tastes"]
    scenarios = [group.name for group in demo.scenarios]
    planted = mean_correlations(np.array([[truth[judge][name] for judge in demo.judge_names] for name in scenarios]), "pearson")
    cut = cluster(pd.DataFrame(planted, index=demo.judge_names, columns=demo.judge_names)).cut(2)
    clusters = [frozenset(judge for judge in cut if cut[judge] == number) for number in (1, 2)]
    assert frozenset(name for name in demo.judge_names if "-7b" in name or "-14b" in name) in clusters
    *_, found = cluster_support(demo, resamples=11)
    share = dict(zip(leaf_sets(found.clustering), found.share, strict=True))
    assert all(share[branch] > 0.9 for branch in clusters)


def test_resamples_are_fits_of_repeated_pairs(data: PairDataset) -> None:
    *_, found = cluster_support(data, resamples=1, seed=5)
    counts = np.bincount(np.random.default_rng(5).integers(400, size=400), minlength=400)
    weights = []
    for group in data.scenarios:
        comparisons, verdicts = usable(data, group, list(range(5)))
        rows = np.repeat(np.arange(len(comparisons)), counts[data.members(group)])
        weights.append(fit_rows(comparisons[rows], verdicts[rows], STANDARD).mean[:, :6])
    np.testing.assert_allclose(found.similarities[0], mean_correlations(np.stack(weights), "pearson"), atol=2e-3)


def test_all_pairs_of_a_query_are_drawn_together() -> None:
    data = make_dataset(n=60, d=3)
    pairs = data.pairs.copy()
    pairs["query"] = [f"query {row // 6}" for row in range(60)]
    *_, found = cluster_support(replace(data, pairs=pairs), resamples=2)
    assert found.queries == 10
    pairs["query"] = "the only one"
    with pytest.raises(InputError, match="one query"):
        list(cluster_support(replace(data, pairs=pairs)))


@pytest.mark.parametrize("model", [STANDARD, PAPER])
def test_it_tells_how_far_it_is_and_can_be_left_off(model: object) -> None:
    data = make_dataset(n=80, d=3, weights={"a": [1, 0, 0], "b": [0, 1, 0], "c": [0, 0, 1]}, both_orders=True)
    steps = cluster_support(data, model, resamples=50)  # type: ignore[arg-type]
    first, second, third = next(steps), next(steps), next(steps)
    assert [(step.done, step.resamples) for step in (first, second, third)] == [(0, 50), (1, 50), (2, 50)]
    steps.close()
    matrix_of_all = similarity_matrix(fit(data, model, groups=["Code", "Advice"]))  # type: ignore[arg-type]
    assert first.clustering.order == cluster(matrix_of_all).order
    assert np.isnan(first.share).all()
    np.testing.assert_allclose(third.share, branch_support(third.clustering, third.similarities, data.judge_names))
    assert not np.allclose(third.similarities[0], third.similarities[1])


def test_branches_are_a_table(support: Support) -> None:
    frame = support.branches()
    assert list(frame.columns) == ["judges", "members", "height", "support", "resamples"]
    assert frame["judges"].tolist() == [len(branch) for branch in leaf_sets(support.clustering)]
    assert set(frame["members"].iloc[-1].split(", ")) == set(TASTES)
    assert (frame["resamples"] == 30).all()
    assert frame["support"].dropna().between(0, 100).all()


def test_a_judge_without_verdicts_is_left_out() -> None:
    data = make_dataset(n=60, d=3, weights={"a": [1, 0, 0], "b": [0, 1, 0], "c": [0, 0, 1]})
    verdicts = data.verdicts.copy()
    verdicts[:, 1] = np.nan
    *_, found = cluster_support(replace(data, verdicts=verdicts), resamples=2)
    assert found.clustering.left_out == ("b",)
    assert found.share.shape == (1,)


def test_a_judge_that_drops_out_of_a_resample_does_not_count_against_its_branch() -> None:
    names = ["a", "b", "c", "d"]
    whole = np.array([[1, 0.9, 0.8, 0.1], [0.9, 1, 0.8, 0.1], [0.8, 0.8, 1, 0.1], [0.1, 0.1, 0.1, 1]])
    lost = whole.copy()
    lost[1, [0, 2, 3]] = lost[[0, 2, 3], 1] = np.nan
    tree = cluster(pd.DataFrame(whole, index=names, columns=names))
    np.testing.assert_array_equal(branch_support(tree, np.stack([whole, lost]), names), [1, 1, np.nan])


def test_what_has_no_support_is_said_in_words(published: Path) -> None:
    with pytest.raises(InputError, match="no pairs to draw from"):
        next(cluster_support(open_dataset(published)))
    with pytest.raises(InputError, match="pooled"):
        next(cluster_support(make_dataset(), POOLED))
    with pytest.raises(InputError, match="resamples is 0"):
        next(cluster_support(make_dataset(), resamples=0))
    with pytest.raises(UnknownNameError, match="kendall"):
        next(cluster_support(make_dataset(), method="kendall"))


# --- how many clusters --------------------------------------------------------------------------------------------------------------------


def test_the_proposed_number_of_clusters_is_the_planted_one() -> None:
    matrix, _ = planted()
    proposal = propose_clusters(matrix, cluster(matrix))
    assert proposal.best == 3
    assert proposal.scores["clusters"].tolist() == list(range(2, 12)), "clusters of one each have no silhouette"
    assert proposal.scores["silhouette"].max() > 0.7


def test_the_silhouette_is_that_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    matrix, _ = planted(seed=6)
    tree = cluster(matrix)
    distance = np.clip(1 - matrix.to_numpy(), 0, None)
    np.fill_diagonal(distance, 0)
    for number, score in propose_clusters(matrix, tree).scores.itertuples(index=False):
        cut = tree.cut(int(number))
        labels = [cut[name] for name in matrix.index]
        assert score == pytest.approx(metrics.silhouette_score(distance, labels, metric="precomputed"))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_judges_have_no_proposal(count: int) -> None:
    matrix = planted()[0].iloc[:count, :count]
    proposal = propose_clusters(matrix, cluster(matrix))
    assert proposal.best is None
    assert proposal.scores.empty


# --- the figure ------------------------------------------------------------------------------------------------------------------------


def test_weak_branches_are_faded_and_all_say_their_support(data: PairDataset, support: Support) -> None:
    similarity = similarity_matrix(fit(data, groups=["Code", "Advice"]))
    weak = replace(support, share=np.array([0.2, 1.0, 0.69, np.nan]))
    figure = matrix(similarity, support.clustering, dict.fromkeys(TASTES, "all"), 2, support=weak)
    joins = [trace for trace in figure.data if isinstance(trace, go.Scatter)]
    assert [trace.opacity for trace in joins] == [FADED, 1, FADED, 1]
    assert [trace.text for trace in joins] == [
        "support 20 % of 30 resamples",
        "support 100 % of 30 resamples",
        "support 69 % of 30 resamples",
        "all judges",
    ]
    assert {trace.hoverinfo for trace in joins} == {"text"}
    plain = [
        trace for trace in matrix(similarity, support.clustering, dict.fromkeys(TASTES, "all"), 2).data if isinstance(trace, go.Scatter)
    ]
    assert {trace.hoverinfo for trace in plain} == {"skip"}
    assert {trace.opacity for trace in plain} == {1}
