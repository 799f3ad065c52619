"""Strength apart from direction: twins on the demo, noise taken out, published weights as points."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dissection.contrasts.moments import POINTS_ONLY, Moments, moments, sampling_noise
from dissection.contrasts.resampling import batch_of, fit_batch
from dissection.contrasts.strength import decidedness, relation, relation_table, soft_judges, strengths
from dissection.dataset import PairDataset
from dissection.errors import InputError, UnknownNameError
from dissection.readers import open_dataset
from dissection.regression.folds import query_clusters
from dissection.regression.model import PAPER, STANDARD, Model
from tests.conftest import make_dataset
from tests.test_contrasts import with_verdicts

PLANTED_RATIO = 3.5 / 2.12  # of an aligned small judge of the demo to its base
TWINS = [(name, f"{name}-chat") for name in ("aspen-7b", "aspen-14b")]
PUBLISHED_TWINS = [
    *((f"yi-{size}b", f"yi-{size}b-chat") for size in (6, 34)),
    *((f"llama-2-{size}b", f"llama-2-{size}b-chat") for size in (7, 13, 70)),
    *((f"qwen-{size}b", f"qwen-{size}b-chat") for size in (7, 14, 72)),
    ("mistral-7b", "mistral-7b-instruct-v0.1"),
    ("mistral-8x7b", "mistral-8x7b-instruct-v0.1"),
]


@pytest.fixture(scope="module")
def demo() -> PairDataset:
    return open_dataset(Path(__file__).resolve().parents[1] / "data" / "demo.jsonl.gz")


@pytest.fixture(scope="module")
def found(demo: PairDataset) -> Moments:
    return moments(demo, ["human", *(name for pair in TWINS for name in pair)])


@pytest.mark.parametrize(("base", "aligned"), TWINS)
def test_twins_have_one_direction_and_different_strength(found: Moments, base: str, aligned: str) -> None:
    twins = relation(found, base, aligned)
    assert twins.ratio.low > 1
    assert twins.ratio.low < PLANTED_RATIO < twins.ratio.high
    assert twins.cosine.high == 1.0
    assert twins.cosine.value > 0.9
    assert twins.raw_cosine < 0.75, "noise alone makes the estimates unlike"
    assert twins.raw_cosine / twins.ceiling == pytest.approx(twins.cosine.value, abs=0.03), "their noise is not shared"
    assert twins.n_first == twins.n_second == 2600


def test_judges_of_different_taste_have_different_directions(found: Moments) -> None:
    other = relation(found, "aspen-7b", "human")
    assert other.cosine.high < 0.95
    assert other.distance.low > 0
    turned = relation(found, "human", "aspen-7b")
    assert turned.ratio.value == pytest.approx(1 / other.ratio.value)
    assert turned.cosine == pytest.approx(other.cosine)


def test_strength_has_its_interval_and_n(found: Moments) -> None:
    table = strengths(found).set_index("judge")
    assert (table["low"] < table["strength"]).all()
    assert (table["strength"] < table["high"]).all()
    assert table.loc["aspen-7b-chat", "low"] > table.loc["aspen-7b", "high"]
    assert table.loc["human", "n"] < table.loc["aspen-7b", "n"] == 2600
    assert (table["groups"] == 11).all()


def test_a_judge_that_does_not_change_has_not_moved() -> None:
    """Two judges of one taste: the estimates lie apart, the distance freed of noise includes 0 and the ratio 1."""
    dataset = make_dataset(n=600, d=4, weights={"one": [1, -0.5, 0, 0.5], "same": [1, -0.5, 0, 0.5]}, scenarios=("Code",), seed=2)
    same = moments(dataset, ["one", "same"])
    pair = relation(same, "one", "same")
    assert pair.distance.low == 0
    assert pair.ratio.low < 1 < pair.ratio.high
    assert pair.cosine.high == 1.0
    own = np.trace(same.raw) - 2 * same.raw[0, 1]
    assert own > 0


@pytest.mark.parametrize("model", [STANDARD, PAPER], ids=lambda model: model.name)
def test_sampling_noise_is_that_of_repetitions(model: Model) -> None:
    means, said = [], []
    for seed in range(60):
        dataset = make_dataset(n=200, d=3, weights={"one": [0.5, 0, -0.5]}, scenarios=("Code",), seed=seed)
        dataset = replace(dataset, comparisons=make_dataset(n=200, d=3, seed=0).comparisons)
        chance = 1 / (1 + np.exp(-dataset.comparisons @ np.array([0.5, 0, -0.5])))
        verdicts = np.full((200, 1, 2), np.nan)
        verdicts[:, 0, 0] = np.random.default_rng(seed).random(200) < chance
        batch = batch_of(replace(dataset, verdicts=verdicts), dataset.groups[0], [0], np.arange(200))
        fitted = fit_batch(batch, model)
        means.append(fitted.mean[0, :3])
        said.append(float(sampling_noise(batch, fitted, model, np.ones((1, 200)))[0, 0, 0]))
    assert np.mean(said) == pytest.approx(np.var(means, axis=0, ddof=1).sum(), rel=0.25)


def test_soft_verdicts_carry_less_noise() -> None:
    dataset = make_dataset(n=200, d=3, weights={"hard": [1, 0, -0.5]}, scenarios=("Code",))
    chance = 1 / (1 + np.exp(-dataset.comparisons @ np.array([1, 0, -0.5])))
    both = with_verdicts(dataset, "soft", chance)
    batch = batch_of(both, both.group("Code"), [0, 1], query_clusters(both))
    noise = sampling_noise(batch, fit_batch(batch, STANDARD), STANDARD, np.ones((1, 200)))[0]
    assert noise[1, 1] < 0.1 * noise[0, 0]


def test_pairs_of_one_query_are_one_observation() -> None:
    dataset = make_dataset(n=200, d=3, scenarios=("Code",))
    batch = batch_of(dataset, dataset.group("Code"), [0], np.arange(200))
    twice = batch._replace(
        comparisons=np.repeat(batch.comparisons, 2, axis=0),
        verdicts=np.repeat(batch.verdicts, 2, axis=0),
        clusters=np.repeat(batch.clusters, 2),
    )
    fitted, ones = fit_batch(twice, PAPER), np.ones((1, 400))
    whole = sampling_noise(twice, fitted, PAPER, ones)[0, 0, 0]
    assert whole == pytest.approx(2 * sampling_noise(twice._replace(clusters=np.arange(400)), fitted, PAPER, ones)[0, 0, 0], rel=0.05)


# --- what is missing -----------------------------------------------------------------------------------------------------------------------


def test_published_weights_are_points(published: Path) -> None:
    """Alignment hardly turns a judge; how much it changes strength differs from model to model."""
    weights = open_dataset(published)
    found = moments(weights, weights.judge_names)
    table = relation_table([relation(found, *pair) for pair in PUBLISHED_TWINS])
    assert set(table["reason"]) == {POINTS_ONLY}
    assert table[["ratio_low", "ratio_high", "cosine_low", "distance_high"]].isna().to_numpy().all()
    lengths = np.sqrt(np.diag(found.products))
    cosines = (found.products / np.outer(lengths, lengths))[np.triu_indices(len(lengths), 1)]
    assert table["cosine"].median() == pytest.approx(0.928, abs=0.001)
    assert cosines.mean() == pytest.approx(0.815, abs=0.001)
    assert (table["cosine"] > 0.87).sum() == 9
    by_first = table.set_index("first")
    assert by_first.loc["llama-2-7b", "ratio"] == pytest.approx(1.574, abs=0.001)
    assert by_first.loc["llama-2-7b", "cosine"] < 0.5, "the one twin that was turned"
    assert table["ratio"].between(0.88, 1.58).all()
    assert set(strengths(found)["reason"]) == {POINTS_ONLY}


def test_weights_that_are_lost_in_noise_have_no_ratio() -> None:
    dataset = make_dataset(n=60, d=4, weights={"one": [2, 0, 0, 0], "none": [0, 0, 0, 0]}, scenarios=("Code",))
    pair = relation(moments(dataset, ["one", "none"]), "one", "none")
    assert np.isnan(pair.ratio.value)
    assert "none can't be told from noise" in pair.reason
    assert np.isfinite(pair.distance.value)


def test_what_can_not_be_measured_is_said(demo: PairDataset) -> None:
    dataset = make_dataset(n=100)
    silent = with_verdicts(dataset, "silent", np.where(dataset.pairs["scenario"] == "Code", np.nan, dataset.labels[:, 0]))
    with pytest.raises(InputError, match="'silent' has no verdicts in 'Code'"):
        moments(silent, ["one", "silent"])
    with pytest.raises(InputError, match="each once"):
        moments(dataset, ["one", "one"])
    with pytest.raises(UnknownNameError):
        moments(dataset, ["one"], ["Nowhere"])
    small = moments(dataset, ["one", "two"], ["Code"])
    with pytest.raises(InputError, match="Both judges are 'one'"):
        relation(small, "one", "one")
    with pytest.raises(InputError, match="not among those compared"):
        relation(small, "one", "silent")
    with pytest.raises(InputError, match="gave no probabilities"):
        decidedness(dataset, ["one"])
    assert soft_judges(demo) == ("cedar-70b-chat",)


def test_how_far_apart_a_soft_judge_puts_the_answers() -> None:
    dataset = make_dataset(n=4, d=2, scenarios=("Code",))
    frame = decidedness(with_verdicts(dataset, "soft", [0.9, 0.5, 0.2, np.nan]), ["soft"], "Code")
    assert frame["pair_id"].tolist() == ["p1", "p2", "p3"]
    np.testing.assert_allclose(frame["decidedness"], [0.8, 0.0, 0.6])
