"""Held-out scores of judges with planted tastes, beside their baselines, and every cell that can't be scored."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, xlogy
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

from dissection.dataset import FloatArray, PairDataset
from dissection.errors import InputError, UnknownNameError
from dissection.properties import Property
from dissection.readers import open_dataset
from dissection.regression.model import PAPER, POOLED, STANDARD, choose_model
from dissection.regression.scores import PREDICTORS, Score, score, scored_model, scores_frame
from tests.conftest import make_dataset


def one(dataset: PairDataset, **options: object) -> Score:
    """The score of the first judge on all pairs."""
    return score(dataset, judges=[dataset.judge_names[0]], groups=[dataset.selectable_groups[0].name], **options)[0]  # type: ignore[arg-type]


def with_length(dataset: PairDataset) -> PairDataset:
    """The last property is the length."""
    names = (*(f"p{i}" for i in range(len(dataset.properties) - 1)), "longer")
    return dataclasses.replace(dataset, properties=tuple(Property(name) for name in names))


def planted(weights: Sequence[float], n: int = 1500, seed: int = 0) -> PairDataset:
    return with_length(make_dataset(n=n, d=len(weights), weights={"one": weights}, scenarios=("All",), seed=seed))


def with_verdicts(dataset: PairDataset, values: FloatArray) -> PairDataset:
    verdicts = np.full((len(dataset), len(dataset.judges), 2), np.nan)
    verdicts[:, :, 0] = values[:, None]
    return dataclasses.replace(dataset, verdicts=verdicts)


def numbers(cell: Score) -> FloatArray:
    return np.array([metric.log_loss for metric in cell.metrics.values() if metric.log_loss is not None])


# What the numbers are


@pytest.mark.parametrize("weights", [[0.0, 0.0, 0.0, 0.0], [0.5, -0.3, 0.0, 0.4], [2.0, -1.5, 1.0, 0.0]])
def test_log_loss_is_near_the_entropy_of_the_planted_judge(weights: list[float]) -> None:
    data = planted(weights, n=4000)
    p = expit(data.comparisons @ np.array(weights))
    entropy = -np.mean(xlogy(p, p) + xlogy(1 - p, 1 - p))
    found = one(data).metrics["explanation"]
    assert found.log_loss is not None
    assert found.log_loss_se is not None
    assert abs(found.log_loss - entropy) < 3 * found.log_loss_se + 0.003
    assert found.accuracy == pytest.approx(np.maximum(p, 1 - p).mean(), abs=0.03)
    assert found.brier == pytest.approx(np.mean(p * (1 - p)), abs=0.015)


def test_scores_agree_with_scikit_learn_on_the_same_predictions() -> None:
    cell = one(planted([0.8, -0.5, 0.0, 0.6]))
    frame = cell.predictions
    for name in ("explanation", "majority", "length alone"):
        found = cell.metrics[name]
        sure = (frame[name] - 0.5).abs() > 1e-6
        assert found.log_loss == pytest.approx(log_loss(frame["y"], frame[name]))
        assert found.brier == pytest.approx(brier_score_loss(frame["y"], frame[name]))
        if sure.all():
            assert found.accuracy == pytest.approx(accuracy_score(frame["y"], frame[name] > 0.5))


def test_the_explanation_beats_length_only_where_more_than_length_was_planted() -> None:
    wants_more = [one(planted([1.0, -0.8, 0.0, 0.5], seed=seed)) for seed in range(4)]
    wants_length = [one(planted([0.0, 0.0, 0.0, 1.0], seed=seed)) for seed in range(12)]
    assert all(cell.beats_length is True for cell in wants_more)
    assert sum(cell.beats_length is True for cell in wants_length) <= 1
    for cell in wants_length:
        assert cell.metrics["length alone"].log_loss < cell.metrics["majority"].log_loss  # type: ignore[operator]


def test_the_difference_is_paired() -> None:
    """Its standard error is far below that of two independent losses, and its value is the losses' difference."""
    cell = one(planted([0.4, 0.0, 0.0, 1.5]))
    explanation, length = cell.metrics["explanation"], cell.metrics["length alone"]
    assert cell.difference == pytest.approx(length.log_loss - explanation.log_loss)  # type: ignore[operator]
    assert cell.difference_se < 0.6 * np.hypot(explanation.log_loss_se, length.log_loss_se)  # type: ignore[operator, arg-type]


def test_the_standard_error_is_about_the_scatter_over_repeated_data() -> None:
    """The fits vary over repeated data too, which the error leaves out; with 1,000 pairs that is little."""
    cells = [one(planted([0.9, -0.5, 0.3], n=1000, seed=seed)).metrics["explanation"] for seed in range(80)]
    for name in ("log_loss", "accuracy", "brier"):
        values, errors = ([getattr(cell, name + end) for cell in cells] for end in ("", "_se"))
        assert 0.7 < np.sqrt(np.mean(np.square(errors))) / np.std(values) < 1.25, name


def test_every_pair_is_predicted_once_and_by_the_folds_asked_for() -> None:
    cell = one(planted([0.5, 0.5], n=203), folds=7)
    assert cell.folds == 7
    assert sorted(cell.predictions["pair"]) == list(range(203))
    assert (cell.n, cell.clusters) == (203, 203)


# Orders


def test_position_alone_explains_a_judge_that_takes_what_comes_first() -> None:
    data = make_dataset(n=800, d=2, weights={"one": [0.0, 0.0]}, scenarios=("All",), position_bias=1.5, both_orders=True)
    cell = one(data)
    p = expit(1.5)
    entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p))
    assert cell.n == 800
    assert cell.metrics["position alone"].log_loss == pytest.approx(entropy, abs=0.04)
    assert cell.metrics["majority"].log_loss == pytest.approx(np.log(2), abs=0.01)
    assert cell.metrics["ceiling"].accuracy == pytest.approx(2 * p * (1 - p), abs=0.05)
    assert cell.predictions["weight"].eq(0.5).all()


def test_own_agreement_is_the_share_of_pairs_with_one_verdict_in_both_orders() -> None:
    data = make_dataset(n=100, d=2, weights={"one": [1.0, 0.0]}, scenarios=("All",), both_orders=True)
    verdicts = data.verdicts.copy()
    verdicts[:30, 0, 1] = np.nan
    verdicts[30:40, 0] = [0.5, 1.0]
    first, second = verdicts[40:, 0].T
    found = one(dataclasses.replace(data, verdicts=verdicts)).metrics["ceiling"]
    assert found.n == 70
    assert found.accuracy == pytest.approx(((first == second).sum() + 5) / 70)
    assert found.accuracy_se is not None
    assert found.log_loss is None
    assert "no log loss" in found.note


def test_one_order_has_neither_position_nor_own_agreement_and_says_so() -> None:
    cell = one(planted([0.5, 0.5], n=100))
    assert cell.metrics["position alone"].note == "shown in one order only"
    assert cell.metrics["ceiling"].note == "no pair was asked in both orders"


def test_the_papers_model_knows_no_position() -> None:
    data = make_dataset(n=200, d=2, weights={"one": [1.0, 0.0]}, position_bias=1.0, both_orders=True)
    cell = one(data, model=PAPER)
    assert cell.status == "scored"
    assert "no position bias" in cell.metrics["position alone"].note
    by_order = cell.predictions.pivot_table(index="pair", columns="order", values="explanation")
    np.testing.assert_array_equal(by_order[0], by_order[1])


def test_models_that_cannot_be_held_out_are_scored_as_their_plain_ones() -> None:
    assert scored_model(POOLED) == STANDARD
    assert scored_model(choose_model("paper", 0.2, folds=10)) == choose_model("paper", 0.2)
    data = make_dataset(n=120, d=2)
    assert scores_frame(score(data, POOLED)).equals(scores_frame(score(data)))


# What breaks lesser code


@pytest.mark.parametrize("model", [PAPER, None])
def test_one_verdict_throughout(model: object) -> None:
    data = with_verdicts(planted([0.0, 0.0, 0.0], n=80), np.ones(80))
    cell = one(data, model=model) if model else one(data)
    majority = cell.metrics["majority"]
    assert cell.status == "scored"
    assert np.isfinite(numbers(cell)).all()
    assert (majority.accuracy, majority.accuracy_se) == (1.0, None)
    assert "no standard error of" in majority.note


def test_separated_verdicts() -> None:
    data = planted([0.0, 0.0, 0.0], n=200)
    data = with_verdicts(data, (data.comparisons[:, 0] + 0.1 > 0).astype(float))
    cell = one(data)
    assert cell.metrics["explanation"].accuracy > 0.95  # type: ignore[operator]
    assert np.isfinite(numbers(cell)).all()
    assert cell.beats_length


def test_more_properties_than_pairs_and_one_that_never_differs() -> None:
    data = planted([0.5] * 40, n=30)
    comparisons = data.comparisons.copy()
    comparisons[:, 3] = 0
    cell = one(dataclasses.replace(data, comparisons=comparisons))
    assert cell.status == "scored"
    assert np.isfinite(numbers(cell)).all()


def test_ties_and_soft_verdicts() -> None:
    data = with_verdicts(planted([0.5, 0.5], n=90), np.tile([0.5, 0.8, 0.1], 30))
    cell = one(data)
    tied = cell.predictions["y"] == 0.5
    assert tied.sum() == 30
    right = ((cell.predictions["explanation"] > 0.5) == (cell.predictions["y"] > 0.5)) & ~tied
    assert cell.metrics["explanation"].accuracy == pytest.approx((right.sum() + 15) / 90)


def test_missing_verdicts_are_left_out() -> None:
    data = planted([1.0, 0.0], n=120)
    verdicts = data.verdicts.copy()
    verdicts[::3] = np.nan
    cell = one(dataclasses.replace(data, verdicts=verdicts))
    assert cell.n == 80
    assert not set(cell.predictions["pair"]) & set(range(0, 120, 3))


def test_pairs_that_were_not_assessed_are_left_out() -> None:
    data = planted([1.0, 0.0], n=120)
    comparisons = data.comparisons.copy()
    comparisons[:20, 0] = np.nan
    assert one(dataclasses.replace(data, comparisons=comparisons)).n == 100


def test_the_largest_of_numbers_are_refused_or_finite() -> None:
    data = planted([1.0, 0.0], n=60)
    cell = one(dataclasses.replace(data, comparisons=data.comparisons * 1e300))
    assert cell.status == "not converged"
    assert "did not converge" in cell.reason


# Cells without a score


def shares_queries(data: PairDataset, queries: int) -> PairDataset:
    pairs = data.pairs.copy()
    pairs["query"] = np.array([f"Question {i % queries}" for i in range(len(data))], dtype=object)
    return dataclasses.replace(data, pairs=pairs)


def test_reasons_are_in_words_and_there_are_no_numbers() -> None:
    cases = {
        "below 20": (planted([1.0, 0.0], n=19), "too few"),
        "fewer than the 5 folds": (shares_queries(planted([1.0, 0.0], n=60), 4), "too few"),
        "no verdict": (with_verdicts(planted([1.0, 0.0], n=60), np.full(60, np.nan)), "no verdicts"),
        "no property": (
            dataclasses.replace(make_dataset(n=60, d=1), properties=(), comparisons=np.empty((60, 0)), scores=np.empty((60, 0, 2))),
            "no properties",
        ),
    }
    for words, (data, status) in cases.items():
        cell = one(data)
        assert cell.status == status
        assert words in cell.reason
        assert not numbers(cell).size
        assert cell.predictions.empty
        assert scores_frame([cell])["note"].str.contains(words).all()


def test_few_queries_weaken_the_standard_errors_and_it_says_so() -> None:
    cell = one(shares_queries(planted([1.0, 0.0], n=120), 8))
    assert (cell.status, cell.clusters) == ("scored", 8)
    assert "only 8 queries" in cell.note


def test_a_judge_without_verdicts_leaves_the_others_as_they_are() -> None:
    both = make_dataset(n=150, d=2, scenarios=("All",))
    verdicts = both.verdicts.copy()
    verdicts[:, 1] = np.nan
    alone = one(both)
    first, second = score(dataclasses.replace(both, verdicts=verdicts), groups=["All"])
    assert second.status == "no verdicts"
    assert first.metrics["explanation"].log_loss == pytest.approx(alone.metrics["explanation"].log_loss, abs=1e-4)


def test_published_weights_have_nothing_to_hold_out(published: object) -> None:
    data = open_dataset(published)  # type: ignore[arg-type]
    cells = score(data, groups=[data.groups[0].name])
    assert {cell.status for cell in cells} == {"no pairs"}
    assert "nothing can be held out" in cells[0].reason


def test_mistaken_arguments() -> None:
    data = make_dataset()
    with pytest.raises(InputError, match="folds"):
        score(data, folds=1)
    with pytest.raises(UnknownNameError):
        score(data, judges=["nobody"])
    with pytest.raises(UnknownNameError):
        score(data, groups=["nowhere"])


# The frame


def test_the_frame_has_one_row_a_predictor_and_cell() -> None:
    data = with_length(make_dataset(n=160, d=3))
    cells = score(data)
    frame = scores_frame(cells)
    assert len(frame) == len(PREDICTORS) * len(cells) == len(PREDICTORS) * 4
    assert list(dict.fromkeys(frame["group"])) == ["Code", "Advice"]
    row = frame[(frame["judge"] == "two") & (frame["group"] == "Advice") & (frame["predictor"] == "explanation")].iloc[0]
    assert row["log_loss"] == cells[3].metrics["explanation"].log_loss
    assert row["beats_length"] is cells[3].beats_length
    assert frame.loc[frame["predictor"] != "explanation", "beats_length"].isna().all()
    assert pd.api.types.is_float_dtype(frame["accuracy_se"])
    assert scores_frame([]).columns.tolist() == frame.columns.tolist()
